import type { RetinaNet } from '../retinanet/retinanet.ts';
import type { GpuOutOfMemoryError } from '../tensor/errors.ts';
import { resolveTrainSettings, type RecipeOptions } from './recipe.ts';

/** The error of a training that does not fit into the memory, with the settings to change, those that cost least first. */
export function withMemoryAdvice(
  error: GpuOutOfMemoryError,
  { spec }: RetinaNet,
  options: RecipeOptions,
): GpuOutOfMemoryError {
  const { batchSize, accumulate, optimizer, averageDecay } = resolveTrainSettings('trainDetector', options);
  const remedies = [
    ...fewerTogether(batchSize, batchSize * accumulate),
    ...(spec.backbone.checkpoint
      ? []
      : ['model.checkpoint=true computes activations again, with the same results; a run can be resumed with it']),
    'lower data.tile, augment.crop or model.imageSize',
    'choose a smaller model.network',
    ...(optimizer === 'adamw' ? ['train.optimizer=sgd holds half the state'] : []),
    ...(averageDecay === null ? [] : ['train.averageDecay=none holds no averaged weights']),
  ];
  return error.withRemedy(
    `To fit (now train.batchSize=${batchSize}, train.accumulate=${accumulate}):\n` +
      remedies.map((line) => `  - ${line}`).join('\n'),
  );
}

/** Advice to process fewer images together; a step has `images` images nevertheless. None for a batch of one. */
function fewerTogether(batchSize: number, images: number): string[] {
  if (batchSize === 1) return [];
  let half = Math.floor(batchSize / 2);
  while (images % half > 0) half--;
  const sizes = half === 1 ? [1] : [half, 1];
  const smaller = sizes.map((size) => `train.batchSize=${size} train.accumulate=${images / size}`);
  return [
    `process fewer images together, in steps of the same size: ${smaller.join(', or ')}; ` +
      `train.batchSize=auto train.stepImages=${images} finds the most that fit`,
  ];
}
