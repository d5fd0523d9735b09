// The training loop of a detector with every step visible, in the manner of nanoGPT's train.py: what `trainDetector` does,
// to the same numbers, without its run folder, resuming and options. Copy it and change what you like.
//   npx tsx --conditions retinagrad-source examples/loop/train.ts [EPOCHS] [FOLDER]
// FOLDER holds labelled images (docs/your-own-data.md); without it, 100 synthetic chips are drawn.
import {
  AdamW,
  backward,
  clipGradNorm,
  ExponentialMovingAverage,
  init,
  manualSeed,
  oneCycle,
  readStateDict,
  RetinaNet,
  retinaNetSpec,
  Scheduler,
  tidy,
} from 'retinagrad';
import { augment, batches, openDataset, splitIds, writeSyntheticSpaceNet, type BatchOptions } from 'retinagrad/data';
import { evaluateDetections, type EvaluatedImage, type Evaluation } from 'retinagrad/evaluation';
import { saveDetector } from 'retinagrad/detector';

const EPOCHS = Number(process.argv[2] ?? 12); // passes over the training images; larger data sets need fewer
const SEED = 1; // of the initial weights, the split, the order of the images and their augmentation
const HELD_OUT = 0.2; // fraction of the images that is only evaluated on, chosen by a hash of their names
const BATCH_SIZE = 4; // images in a step; for other numbers, scale the learning rate with the square root
const LEARNING_RATE = 3e-3; // peak; suits a backbone of width 16, while width 64 needs 5e-4 (`startingRate`)
const WARMUP = 0.2; // fraction of the steps over which the rate rises: at first, large steps do more harm than good
const WEIGHT_DECAY = 0.01; // AdamW's default
const CLIP_NORM = 5; // maximum norm of all gradients together, so that one odd batch cannot spoil the weights
const AVERAGE_DECAY = 0.99; // weight of the past in the averaged weights, which thus cover about the last 100 steps
const IOU = 0.5; // minimum overlap (intersection over union) at which a detection counts as correct
const OUT = 'runs/loop/best.safetensors'; // `loadDetector` and `retinagrad predict --weights` read this file

const device = await init(); // a GPU if there is one, otherwise a driver that computes on the CPU
const path = process.argv[3] ?? (await writeSyntheticSpaceNet({ out: 'data/loop', chips: 100 }));
const dataset = await openDataset(path);
const split = splitIds(dataset.ids, { heldOut: HELD_OUT, seed: SEED });
console.log(`${device.adapter.name}: ${split.train.length} images to train on, ${split.heldOut.length} held out`);

manualSeed(SEED);
const spec = retinaNetSpec('torchvision', {
  backbone: { depth: 18, width: 16, norm: 'batch' }, // small enough for a CPU; the paper's ResNet-50 has width 64
  pyramid: { channels: 32 }, // the paper's network has 256
  head: { channels: 32, convs: 1 }, // the paper's has 256 and 4
  anchors: { sizes: [8, 16, 32, 64, 128].map((side) => [side, side * 2 ** (1 / 3), side * 2 ** (2 / 3)]) }, // pixels
  transform: { minSize: null }, // images keep their size
});
const model = new RetinaNet(dataset.classes.length, spec);

// Weight decay is for filters. Biases and the parameters of norms are few, and have no reason to be near zero.
const filters = model.parameters().filter(({ shape }) => shape.length > 1);
const others = model.parameters().filter(({ shape }) => shape.length <= 1);
const groups = [{ parameters: filters }, { parameters: others, weightDecay: 0 }];
const optimizer = new AdamW(groups, { lr: LEARNING_RATE, weightDecay: WEIGHT_DECAY });
const stepsPerEpoch = Math.floor(split.train.length / BATCH_SIZE);
const scheduler = new Scheduler(optimizer, oneCycle({ steps: EPOCHS * stepsPerEpoch, pctStart: WARMUP }));
const ema = new ExponentialMovingAverage(model, AVERAGE_DECAY);

/** Scores the averaged weights on the held-out images. */
async function evaluate(): Promise<Evaluation> {
  ema.swap(); // exchanges the model's weights and the averages
  model.eval(); // batch norm uses its running statistics, so that images do not influence each other
  const images: EvaluatedImage[] = [];
  for await (const { samples } of batches(dataset, split.heldOut, { batchSize: 8, shuffle: false })) {
    const found = await model.detect(samples.map(({ image }) => image));
    samples.forEach((truth, i) => images.push({ truth, detections: found[i]! }));
  }
  ema.swap(); // and back
  model.train();
  return evaluateDetections(images, { classes: dataset.classes, iouThreshold: IOU });
}

// `batches` reads and augments the next batches while the GPU computes. An incomplete last batch is dropped, because its
// images would weigh more than others; the order is new in every epoch, so different images are left out each time.
const reading: BatchOptions = {
  batchSize: BATCH_SIZE,
  seed: SEED,
  dropLast: true,
  augment: (sample, random) => augment(sample, {}, random), // flips, rotations, scales and colours, at random
};
let bestF1 = -1;
for (let epoch = 0; epoch < EPOCHS; epoch++) {
  const start = performance.now();
  const losses: Promise<number>[] = [];
  for await (const { samples } of batches(dataset, split.train, { ...reading, epoch })) {
    const loss = tidy(() => {
      const images = samples.map(({ image }) => image);
      const { total } = model.losses(images, samples); // focal loss of the classes + L1 loss of the boxes
      backward(total);
      clipGradNorm(model.parameters(), CLIP_NORM);
      return total;
    });
    // So far, work has only been queued. Waiting for this loss now would leave the GPU idle until more is queued. Waiting
    // for the loss of the previous step keeps the queue short, but never empty.
    losses.push(loss.item());
    loss.dispose();
    await losses.at(-2);
    optimizer.step();
    optimizer.zeroGrad(); // `backward` adds to gradients
    ema.update();
    scheduler.step();
  }
  const loss = (await Promise.all(losses)).reduce((sum, value) => sum + value, 0) / losses.length;
  if (!Number.isFinite(loss)) throw new Error(`the loss is ${loss}: lower LEARNING_RATE or CLIP_NORM`);

  const { f1: highest, threshold } = (await evaluate()).best; // the highest F1, and the score threshold that gives it
  const f1 = highest ?? 0; // not defined without objects
  const seconds = (performance.now() - start) / 1000;
  console.log(`epoch ${epoch + 1}: loss ${loss.toFixed(3)}, F1 ${f1.toFixed(3)}, ${seconds.toFixed(0)} s`);
  if (f1 <= bestF1) continue;
  bestF1 = f1;
  saveDetector(OUT, await readStateDict(ema.stateDict()), {
    classes: dataset.classes,
    spec,
    scoreThreshold: threshold,
    decoding: dataset.decoding ?? {}, // how 16-bit levels became 8-bit ones
    tile: null, // trained on whole images, not on tiles of them
  });
}
console.log(`best F1 ${bestF1.toFixed(3)}, weights in ${OUT}`);
