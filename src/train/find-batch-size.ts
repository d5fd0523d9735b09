import { checkInteger } from '../common/check.ts';
import { trainedSizes } from '../detector/anchor-coverage.ts';
import type { Size } from '../retinanet/anchors.ts';
import type { RetinaNet } from '../retinanet/retinanet.ts';
import { GpuOutOfMemoryError } from '../tensor/errors.ts';
import { withMemoryAdvice } from './memory-advice.ts';
import { noiseSamples } from './noise.ts';
import { readLosses, Trainer, type TrainerOptions } from './trainer.ts';
import { leftUnchanged } from './unchanged.ts';

/** Options of `findBatchSize`: those that `trainDetector` will get, without the batch size. */
export interface FindBatchSizeOptions extends Omit<TrainerOptions, 'totalSteps' | 'batchSize' | 'accumulate'> {
  /** Images of a step. */
  readonly images: number;
  /** Heights and widths of the training images as the network gets them: augmented, before it resizes them. */
  readonly sizes: readonly Size[];
}

/** Result of `findBatchSize`: options of `trainDetector`, whose product is the number of images of a step. */
export interface FoundBatchSize {
  readonly batchSize: number;
  readonly accumulate: number;
  /** Bytes on the GPU at the peak of a step. */
  readonly peakBytes: number;
}

/**
 * Finds the largest batch that fits into the memory of the model's device (`device.memoryLimit`, and what the driver gives), so
 * that a step of `images` images takes as few batches as possible. Only divisors of `images` are tried, the largest first:
 * batches of equal size add up to the step of one large batch, see `trainSettings.accumulate`.
 *
 * A size is tried with two steps on noise in the largest sizes of the images: in the second, the optimizer has its state. The
 * model is left as it was, bit for bit.
 *
 * @throws GpuOutOfMemoryError if not even one image fits; the message lists what is held and what to lower
 * @throws RangeError for options out of range
 */
export async function findBatchSize(model: RetinaNet, options: FindBatchSizeOptions): Promise<FoundBatchSize> {
  const { images, sizes, ...recipe } = options;
  checkInteger('findBatchSize', 'images', images, { min: 1 });
  checkInteger('findBatchSize', 'sizes.length', sizes.length, { min: 1 });
  return leftUnchanged(model, async () => {
    for (let accumulate = 1; ; accumulate++) {
      if (images % accumulate > 0) continue;
      const batchSize = images / accumulate;
      try {
        const peakBytes = await peakOf(model, largest(model, sizes, batchSize), { ...recipe, accumulate });
        return { batchSize, accumulate, peakBytes };
      } catch (error) {
        if (!(error instanceof GpuOutOfMemoryError)) throw error;
        if (batchSize === 1) throw withMemoryAdvice(error, model, { ...recipe, batchSize, accumulate });
      }
    }
  });
}

/** Peak memory of steps that accumulate the gradients of batches of given sizes. */
async function peakOf(
  model: RetinaNet,
  sizes: readonly Size[],
  { accumulate, ...options }: Omit<FindBatchSizeOptions, 'images' | 'sizes'> & { readonly accumulate: number },
): Promise<number> {
  const { device } = model.parameters()[0]!;
  // Memory holds the gradients of the first batch while the second is processed; further ones add nothing.
  const batches = Math.min(accumulate, 2);
  const samples = noiseSamples(model.spec, new Array<readonly Size[]>(batches).fill(sizes).flat());
  const steps = { totalSteps: 2, batchSize: sizes.length, accumulate: batches };
  const trainer = new Trainer(model, { ...options, ...steps, learningRate: 0, schedule: 'constant', warmup: 0 });
  try {
    await trainer.warmup(samples);
    device.resetPeak();
    for (let step = 0; step < steps.totalSteps; step++) {
      // As `trainDetector` does.
      const numbers = trainer.gradients(samples);
      trainer.keepWeights();
      trainer.update();
      await readLosses(numbers);
    }
    return device.memory().peakBytes;
  } finally {
    trainer.dispose();
  }
}

/** The sizes of the batch that takes most memory: all images of a batch are padded to the greatest height and width. */
function largest({ spec }: RetinaNet, sizes: readonly Size[], count: number): Size[] {
  const most = (measure: (padded: Size) => number): Size =>
    sizes.reduce((a, b) => (measure(trainedSizes(b, spec).padded) > measure(trainedSizes(a, spec).padded) ? b : a));
  if (count === 1) return [most(([height, width]) => height * width)];
  const sides = [most(([height]) => height), most(([, width]) => width)];
  return Array.from({ length: count }, (_, i) => sides[i % 2]!);
}
