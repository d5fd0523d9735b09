// A whole task without files, as somebody writes it for a page: data in memory, training, and a detector from its bytes.
import ndarray from 'ndarray';
import type { Dataset } from 'retinagrad';
import {
  chooseAuto,
  Detector,
  judgeTraining,
  MemoryRun,
  prepareTraining,
  prepareTrainingData,
  resolveSettings,
  runTraining,
} from 'retinagrad/detector';

/** What the task did. */
export interface TaskResult {
  readonly steps: number;
  /** Loss of every step. */
  readonly losses: readonly number[];
  /** Images that the detector was judged on. */
  readonly images: number;
  /** Whether the detector finds the same after a round trip through its bytes. */
  readonly isSame: boolean;
}

const SIDE = 64;

/** Dark images with one bright square each. */
export const dataset: Dataset = {
  classes: ['square'],
  ids: Array.from({ length: 12 }, (_, i) => `image-${i}`),
  async get(index) {
    const [x, y, side] = [4 + ((index * 13) % 36), 4 + ((index * 7) % 36), 20];
    const image = ndarray(new Uint8Array(SIDE * SIDE * 3).fill(30), [SIDE, SIDE, 3]);
    for (let row = y; row < y + side; row++) image.data.fill(220, (row * SIDE + x) * 3, (row * SIDE + x + side) * 3);
    return {
      id: `image-${index}`,
      image,
      boxes: Float32Array.of(x, y, x + side, y + side),
      labels: Int32Array.of(0),
    };
  },
};

/** Needs an open device. */
export async function trainSquares(): Promise<TaskResult> {
  const given = { model: { network: 'tiny' }, train: { epochs: 4, evaluateEvery: 4 }, augment: { on: false } } as const;
  const settings = chooseAuto(resolveSettings(given), false);
  const training = await prepareTraining(settings, await prepareTrainingData(dataset, settings));
  const store = new MemoryRun();
  const losses: number[] = [];
  const { steps } = await runTraining(training, store, { onStep: ({ loss }) => losses.push(loss) });
  training.model.dispose();
  const detector = Detector.fromBytes(store.files.get('best')!);
  const judged = await judgeTraining(training, detector);
  const again = Detector.fromBytes(await detector.toBytes());
  const { image } = await dataset.get(0);
  const [first, second] = [
    await detector.detect(image, { scoreThreshold: 0 }),
    await again.detect(image, { scoreThreshold: 0 }),
  ];
  detector.dispose();
  again.dispose();
  return {
    steps,
    losses,
    images: judged!.images.length,
    isSame: first.scores.join() === second.scores.join() && first.boxes.join() === second.boxes.join(),
  };
}
