// Scores a trained detector on labelled images: precision, recall, F1 and average precision, with pictures.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { init } from 'retinagrad';
import { openDataset, writeSyntheticSpaceNet } from 'retinagrad/data';
import { cocoMetrics, type OperatingPoint } from 'retinagrad/evaluation';
import { evaluateDetector, loadDetector, RunFolder, runFiles } from 'retinagrad/train';
import { interruptSignal, newestWeights, number, printFacts, runCommand, text, type Values } from '../shared/cli.ts';
import { Progress } from '../shared/progress.ts';

/** Synthetic chips that no training run has seen: another seed. */
const FRESH = { chips: 100, seed: 1_000_003 } as const;
const THRESHOLDS = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9];

const options = {
  weights: { type: 'string' },
  data: { type: 'string' },
  out: { type: 'string' },
  iou: { type: 'string' },
  adapter: { type: 'string' },
} as const;

const help = `Scores a detector that npm start trained on labelled images.

  npm run validate                                on ${FRESH.chips} fresh synthetic chips, with the weights of the newest run
  npm run validate -- --data AOI_3_Paris_Train    on a folder of SpaceNet, or images beside a CSV of boxes

A detection is right if its IoU with a true box of its class, which no surer detection has found, is at least --iou.

  --weights FILE    best.safetensors or last.safetensors of a run (best.safetensors of the newest one in runs/)
  --data PATH       labelled images that were not trained on
  --out PATH        folder of the results (validation)
  --iou X           IoU from which a detection is right (0.5)
  --adapter NAME    hardware, lavapipe, swiftshader, or a part of an adapter's name (the best there is)
  --help            this text

Writes validation.json, ${runFiles.precisionRecall} and pictures of images with their true and detected boxes.
`;

await runCommand({ help, options }, main);

async function main(values: Values): Promise<number> {
  const progress = new Progress();
  const iouThreshold = number(values, 'iou', { min: 0.05, max: 1 }) ?? 0.5;
  const weights = text(values, 'weights') ?? newestWeights();
  const data = text(values, 'data');
  const device = await init(values['adapter'] === undefined ? {} : { adapter: text(values, 'adapter')! });
  const { model, classes, scoreThreshold, reading } = loadDetector(weights);
  const dataset = await openDataset(data ?? (await makeFreshData(progress)), reading);
  if (dataset.classes.join() !== classes.join()) {
    throw new Error(
      `the detector finds ${classes.join(', ')}, the data set is labelled with ${dataset.classes.join(', ')}: they must be the same, in the same order`,
    );
  }
  printFacts([
    ['adapter', `${device.adapter.name} (${device.adapter.kind})`],
    ['weights', weights],
    ['data', data ?? 'synthetic chips that training has not seen'],
  ]);
  const signal = interruptSignal(() => progress.print('Interrupted'));
  const all = dataset.ids.map((_, i) => i);
  const { evaluation, images } = await evaluateDetector(model, dataset, all, {
    iouThreshold,
    signal,
    onProgress: (done, total) => progress.show('validating', done, total, ''),
  });
  progress.stop();
  model.dispose();
  const { ap, ap50, ap75 } = cocoMetrics(images, { classes });

  const chosen = evaluation.curve.atThreshold(scoreThreshold);
  console.log(`\n${evaluation.truths} objects in ${evaluation.images} images, IoU ${iouThreshold}`);
  console.log('score >=  precision  recall     F1');
  for (const threshold of THRESHOLDS) console.log(row(evaluation.curve.atThreshold(threshold)));
  console.log(`${row(chosen)}  chosen in training`);
  console.log(`${row(evaluation.best)}  best here`);
  console.log(
    `average precision ${show(evaluation.meanAveragePrecision)}, COCO's AP ${show(ap)}, AP50 ${show(ap50)}, AP75 ${show(ap75)}`,
  );

  const folder = new RunFolder(text(values, 'out') ?? 'validation');
  mkdirSync(folder.path, { recursive: true });
  await folder.writeResults(dataset, evaluation, images);
  const report = {
    weights,
    data: data ?? FRESH,
    iouThreshold,
    images: evaluation.images,
    objects: evaluation.truths,
    chosen,
    best: evaluation.best,
    thresholds: THRESHOLDS.map((threshold) => evaluation.curve.atThreshold(threshold)),
    averagePrecision: evaluation.meanAveragePrecision,
    coco: { ap, ap50, ap75 },
    classes: evaluation.classes.map(({ name, truths, averagePrecision }) => ({
      name,
      objects: truths,
      averagePrecision,
    })),
  };
  const file = join(folder.path, 'validation.json');
  writeFileSync(file, `${JSON.stringify(report, null, 2)}\n`);
  console.log(`\n${file}, ${folder.file('precisionRecall')}, ${folder.file('sheet')}`);
  return 0;
}

function row({ threshold, precision, recall, f1 }: OperatingPoint): string {
  return [
    threshold.toFixed(2).padStart(8),
    precision.toFixed(3).padStart(11),
    recall.toFixed(3).padStart(8),
    f1.toFixed(3).padStart(7),
  ].join('');
}

/** A value of an evaluation; it is null where nothing is labelled. */
function show(value: number | null): string {
  return value === null ? 'undefined' : value.toFixed(3);
}

async function makeFreshData(progress: Progress): Promise<string> {
  const path = await writeSyntheticSpaceNet({
    out: join('data', `synthetic-${FRESH.chips}-fresh`),
    ...FRESH,
    onProgress: (done, total) => progress.show('drawing synthetic chips', done, total, ''),
  });
  progress.stop();
  return path;
}
