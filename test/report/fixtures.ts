import type { LabelTable } from '../../src/labels/types.ts';
import { Random } from '../../src/common/random.ts';
import type { Annotations } from '../../src/imagery/types.ts';
import { judge } from '../../src/evaluation/judge.ts';
import type { Detections } from '../../src/evaluation/match.ts';
import type { Judgement } from '../../src/evaluation/judgement.ts';
import { objectsOf } from '../../src/data/annotation-table.ts';

/** A made-up image: its name, ground truth and detections. */
export interface MadeUpImage {
  readonly file: string;
  readonly truth: Annotations;
  readonly detections: Detections;
}

/** What a mediocre detector might find: most objects, slightly shifted, some as another class, and false positives. */
function madeUpDetections(truth: Annotations, classes: number, side: number, random: Random): Detections {
  const boxes: number[] = [];
  const labels: number[] = [];
  const scores: number[] = [];
  const add = (box: number[], label: number, score: number) => {
    boxes.push(...box);
    labels.push(label);
    scores.push(Math.min(0.99, Math.max(0.05, score)));
  };
  truth.labels.forEach((label, i) => {
    const [x1 = 0, y1 = 0, x2 = 0, y2 = 0] = truth.boxes.subarray(4 * i, 4 * i + 4);
    const small = x2 - x1 < 8 ? 0.35 : 0;
    if (random.uniform() < 0.12 + small) return;
    const [dx, dy] = [random.normal(0, 0.06) * (x2 - x1), random.normal(0, 0.06) * (y2 - y1)];
    const taken =
      classes > 1 && random.uniform() < 0.12 ? (label + 1 + random.int(Math.min(3, classes - 1))) % classes : label;
    add([x1 + dx, y1 + dy, x2 + dx, y2 - dy], taken, random.normal(taken === label ? 0.7 : 0.45, 0.18));
  });
  for (let ghosts = random.int(4); ghosts > 0; ghosts--) {
    const [x, y, size] = [random.uniform(0, side), random.uniform(0, side), random.uniform(6, 24)];
    add([x, y, x + size, y + size], random.int(classes), random.normal(0.25, 0.12));
  }
  return { boxes: Float32Array.from(boxes), labels: Int32Array.from(labels), scores: Float32Array.from(scores) };
}

/** Images with up to 12 boxes of random classes. */
export function madeUpImages(n: number, classes: number, seed = 1): MadeUpImage[] {
  const random = new Random('made up', seed);
  const side = 256;
  return Array.from({ length: n }, (_, i) => {
    const objects = random.int(13);
    const boxes: number[] = [];
    const labels: number[] = [];
    for (let k = 0; k < objects; k++) {
      const [x, y] = [random.uniform(0, side - 60), random.uniform(0, side - 60)];
      boxes.push(x, y, x + 4 * 2 ** random.uniform(0, 3.8), y + 4 * 2 ** random.uniform(0, 3.8));
      labels.push(Math.min(random.int(classes), random.int(classes)));
    }
    const truth = { boxes: Float32Array.from(boxes), labels: Int32Array.from(labels) };
    return { file: `tiles/img${i}.tif`, truth, detections: madeUpDetections(truth, classes, side, random) };
  });
}

/** The judgement of such images. `judge` refuses names that occur twice: they get a number. */
export function madeUpJudgement(images: readonly MadeUpImage[], classes: readonly string[]): Judgement {
  const names = images.map(({ file }, i) =>
    images.findIndex((other) => other.file === file) === i ? file : `${file} ${i}`,
  );
  const table = (of: (image: MadeUpImage) => Annotations & { readonly scores?: Float32Array }): LabelTable => ({
    classes,
    images: images.map((image, i) => ({ file: names[i]!, width: null, height: null, objects: objectsOf(of(image)) })),
  });
  return judge(
    table(({ truth }) => truth),
    table(({ detections }) => detections),
    { resamples: 50 },
  );
}

/** The log of a successful run: a falling, noisy loss and a score that rises, peaks and falls slightly. */
export function madeUpTraining(steps: number, evaluations: number, seed = 1) {
  const random = new Random('made up training', seed);
  return {
    steps: Array.from({ length: steps }, (_, i) => {
      const done = i / steps;
      const noise = Math.exp(random.normal(0, 0.15));
      const classification = (0.12 + 1.1 * Math.exp(-12 * done)) * noise;
      const boxRegression = (0.2 + 0.5 * Math.exp(-6 * done)) * noise;
      return {
        step: i + 1,
        loss: classification + boxRegression,
        classification,
        boxRegression,
        gradientNorm: (0.6 + 4 * Math.exp(-20 * done)) * Math.exp(random.normal(0, 0.4)),
        learningRate: 3e-3 * (done < 0.2 ? done / 0.2 : 0.5 + 0.5 * Math.cos((Math.PI * (done - 0.2)) / 0.8)),
      };
    }),
    evaluations: Array.from({ length: evaluations }, (_, i) => {
      const done = (i + 1) / evaluations;
      const f1 = 0.86 * (1 - Math.exp(-4 * done)) - 0.03 * Math.max(0, done - 0.7) + random.normal(0, 0.006);
      return {
        step: Math.round(done * steps),
        epoch: i + 1,
        f1,
        precision: f1 + 0.03,
        recall: f1 - 0.028,
        threshold: 0.3 + random.uniform(0, 0.1),
        averagePrecision: i === 0 ? null : f1 + 0.015,
      };
    }),
  };
}

/** Sizes of boxes, and how well the anchors of a preset might fit them. */
export function madeUpSizes(n: number, seed = 1) {
  const random = new Random('made up sizes', seed);
  const sizes = Array.from({ length: n }, () => 2 ** random.normal(4.3, 0.9));
  const anchorSizes = [16, 32, 64, 128, 256].flatMap((base) => [base, base * 2 ** (1 / 3), base * 2 ** (2 / 3)]);
  return {
    sizes,
    anchorSizes,
    foregroundIou: 0.5,
    bestIou: sizes.map((size) => Math.min(1, (0.75 * Math.min(size, 16)) / 16 + random.uniform(-0.15, 0.15) + 0.1)),
  };
}
