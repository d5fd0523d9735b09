// The three notebooks that this project grew out of, with the library instead of its command: training, inference, and
// validation by IoU. Runs on synthetic chips, or on the folder of SpaceNet that it is given:
//   npx tsx --conditions retinagrad-source examples/train-spacenet/notebooks.ts [FOLDER] [EPOCHS]
import { join } from 'node:path';
import { init, manualSeed, RetinaNet, retinaNetSpec } from 'retinagrad';
import { openDataset, splitIds, writePng, writeSyntheticSpaceNet } from 'retinagrad/data';
import { evaluateDetections } from 'retinagrad/evaluation';
import { detectionPicture } from 'retinagrad/report';
import { loadDetector } from 'retinagrad/detector';
import { RunFolder, trainDetector } from 'retinagrad/train';

const [given, epochs = '12'] = process.argv.slice(2);
const device = await init(); // a GPU where there is one
console.log(device.adapter.name);
const path = given ?? (await writeSyntheticSpaceNet({ out: 'data/notebooks', chips: 100 }));

// 1. Training: images whose names hash into a fifth are held out; the weights that do best on them are kept.
const dataset = await openDataset(path);
const split = splitIds(dataset.ids, { heldOut: 0.2, seed: 1 });
manualSeed(1);
const model = new RetinaNet(
  dataset.classes.length,
  retinaNetSpec('torchvision', {
    backbone: { depth: 18, width: 16, norm: 'batch' }, // small enough for a CPU; the paper's width is 64
    pyramid: { channels: 32 },
    head: { channels: 32, convs: 1 },
    anchors: { sizes: [8, 16, 32, 64, 128].map((side) => [side, side * 2 ** (1 / 3), side * 2 ** (2 / 3)]) },
    transform: { minSize: null }, // images keep their size
  }),
);
const folder = new RunFolder(join('runs', `notebooks-${Date.now()}`));
await trainDetector(model, {
  folder,
  dataset,
  split,
  epochs: Number(epochs),
  learningRate: 3e-3,
  onEvaluation: ({ epoch, f1 }) => console.log(`epoch ${epoch}: F1 ${f1.toFixed(3)}`),
});
model.dispose();

// 2. Inference: boxes, scores and classes of one image, with the weights from their file.
const detector = loadDetector(folder.file('best'));
const sample = await dataset.get(split.heldOut[0]!);
const [found] = await detector.model.detect([sample.image]);
await writePng(
  join(folder.path, 'one.png'),
  detectionPicture(sample.image, sample, found!, { scoreThreshold: detector.scoreThreshold }),
);
console.log(`${found!.scores.length} boxes in ${sample.id}, drawn in ${join(folder.path, 'one.png')}`);

// 3. Validation: a detection is right if its IoU with a building that no higher-scoring detection matched is at least 0.5.
const images = [];
for (const index of split.heldOut) {
  const truth = await dataset.get(index);
  const [detections] = await detector.model.detect([truth.image]);
  images.push({ truth, detections: detections! });
}
const { curve } = evaluateDetections(images, { classes: dataset.classes, iouThreshold: 0.5 });
const { precision, recall, f1 } = curve.atThreshold(detector.scoreThreshold);
const show = (figure: number | null): string => figure?.toFixed(3) ?? 'not defined';
console.log(`precision ${show(precision)}, recall ${show(recall)}, F1 ${show(f1)}`);
