import type { RetinaNet } from '../retinanet/retinanet.ts';
import { GpuOutOfMemoryError } from '../tensor/errors.ts';
import { resolveTrainSettings } from './recipe.ts';
import type { TrainOptions } from './run-options.ts';

/** The error of a training that does not fit into the memory, with the settings to change, those that cost least first. */
export function withMemoryAdvice(
  error: GpuOutOfMemoryError,
  { spec }: RetinaNet,
  options: TrainOptions,
): GpuOutOfMemoryError {
  const { batchSize, accumulate, optimizer, averageDecay } = resolveTrainSettings('trainDetector', options);
  const images = batchSize * accumulate;
  const parts = batchSize === 1 ? [] : [Math.ceil(batchSize / 2), 1];
  const smaller = parts.map((size) => `train.batchSize=${size} train.accumulate=${Math.ceil(images / size)}`);
  const remedies = [
    ...(smaller.length === 0 ? [] : [`process fewer images together: ${[...new Set(smaller)].join(', or ')}`]),
    ...(spec.backbone.checkpoint ? [] : ['model.checkpoint=true computes activations again, with the same results']),
    'lower data.tile, augment.crop or model.imageSize',
    'choose a smaller model.network',
    ...(optimizer === 'adamw' ? ['train.optimizer=sgd holds half the state'] : []),
    ...(averageDecay === null ? [] : ['train.averageDecay=none holds no averaged weights']),
  ];
  const { operation, bytes, reason, held } = error;
  const remedy =
    `To fit (now train.batchSize=${batchSize}, train.accumulate=${accumulate}):\n` +
    remedies.map((line) => `  - ${line}`).join('\n');
  return new GpuOutOfMemoryError(operation, bytes, reason, {
    remedy,
    cause: error,
    ...(held === null ? {} : { held }),
  });
}
