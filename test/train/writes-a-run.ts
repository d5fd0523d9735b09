import { RunFolder } from '../../src/train/node/run-folder.ts';

// Writes the folder of a run as a training does, with numbers that follow from the step in place of a network, so that a test
// can kill it hundreds of times. Arguments: the folder, and the number of steps. Prints warnings; there should be none.

const [path, count] = process.argv.slice(2);
const onWarning = (text: string): void => void process.stdout.write(`${text}\n`);
const folder = new RunFolder(path!);
const release = folder.acquire();
if (!folder.isUsed) folder.writeConfig('seed: 1\n');
const state = folder.loadState(onWarning);
let step = Number(state?.metadata['step'] ?? 0);
if (state !== null && state.tensors.get('weight')!.data.some((value) => value !== step)) onWarning('torn state');
folder.restoreRecords({ steps: step, lastEvaluatedStep: 0 }, onWarning);
const adapter = { name: 'none', kind: 'software' } as Parameters<RunFolder['begin']>[0];
folder.begin(adapter, { steps: step, keepStates: 2, tensorboard: false, onWarning });
const description = {
  classes: ['a'],
  spec: {} as Parameters<RunFolder['saveDetector']>[2]['spec'],
  scoreThreshold: 0.5,
  decoding: {},
  tile: null,
};
while (step < Number(count)) {
  step++;
  const losses = { loss: 1 / step, classification: 0, boxRegression: 0, gradientNorm: 1, positives: 2 };
  const speed = { learningRate: 0.1, imagesPerSecond: 1, waitSeconds: 0 };
  folder.append({ kind: 'step', step, epoch: 0, ...losses, ...speed });
  const weights = new Map([['weight', { shape: [4000], data: new Float32Array(4000).fill(step) }]]);
  if (step % 3 === 0) folder.saveDetector('best', weights, description);
  folder.saveDetector('last', weights, description);
  folder.saveState(weights, { step: String(step) });
}
release();
