import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { predict } from '../../src/cli/predict.ts';
import { saveDetector } from '../../src/detector/node/detector-file.ts';
import { readStateDict } from '../../src/nn/module.ts';
import { RetinaNet } from '../../src/retinanet/retinanet.ts';
import { defaultDevice } from '../../src/tensor/device.ts';
import { testDevice } from '../support/device.ts';
import { temporaryFolder } from '../support/files.ts';
import { writeImages } from '../task/files.ts';
import { eagerDescription, eagerModel, gradient } from '../task/support.ts';

await testDevice();
const folder = temporaryFolder();
const description = eagerDescription({ tile: 64 });
const model = eagerModel(description.spec);
const weights = join(folder, 'eager.safetensors');
saveDetector(weights, await readStateDict(model.stateDict()), description);
model.dispose();
await writeImages(folder, { 'a.png': gradient(64, 96), 'b.png': gradient(96, 64) });

/** Runs predict, which loses its GPU, as a driver does, before the calls of `detect` with these numbers. */
async function predictLosing(out: string, ...at: readonly number[]): Promise<{ stderr: string; error: Error | null }> {
  const detect = Object.getOwnPropertyDescriptor(RetinaNet.prototype, 'detect')!.value as RetinaNet['detect'];
  const write = process.stderr.write.bind(process.stderr);
  let [calls, stderr] = [0, ''];
  RetinaNet.prototype.detect = function (...args) {
    if (at.includes(calls++)) defaultDevice().gpu.destroy();
    return detect.apply(this, args);
  };
  process.stderr.write = (text: string | Uint8Array): boolean => (stderr += String(text)) !== '';
  try {
    const images = ['a.png', 'b.png'].map((name) => join(folder, name));
    const options = ['--weights', weights, '--out', join(folder, out), '--no-pictures', '--quiet'];
    assert.is(await predict.run([...images, ...options], 'test'), 0);
    return { stderr, error: null };
  } catch (error) {
    return { stderr, error: error as Error };
  } finally {
    RetinaNet.prototype.detect = detect;
    process.stderr.write = write;
  }
}

const found = (out: string): string => readFileSync(join(folder, out, 'predictions.csv'), 'utf8');

test('predict goes on with a new GPU, with a warning, and finds the same', async () => {
  assert.equal(await predictLosing('whole'), { stderr: '', error: null });
  assert.ok(found('whole').split('\n').length > 3, 'something is found');
  const { stderr, error } = await predictLosing('lost', 1);
  assert.is(error, null);
  assert.is(found('lost'), found('whole'));
  assert.match(stderr, /The GPU was lost \(destroyed: .*\)\. The command goes on with a new device of /);
});

test('a loss that comes again ends predict, and the same command goes on', async () => {
  const { stderr, error } = await predictLosing('twice', 1, 2);
  assert.match(error!.message, /^detect: the GPU was lost again on the same images/);
  assert.match(stderr, 'The same command goes on where this one stopped.');
  assert.is((await predictLosing('twice')).error, null);
  assert.is(found('twice'), found('whole'));
});

test.run();
