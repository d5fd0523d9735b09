import { NAN_BITS } from '../tensor/dtype.ts';
import { empty, type Tensor } from '../tensor/tensor.ts';
import { linearGroups, run } from './run.ts';
import { inSlices } from './slices.ts';
import { nllLoss as nllKernel } from './wgsl/nll_loss.wgsl.ts';

const SIZE = 64;
const kinds = { loss: 0, weights: 1, gradient: 2 } as const;

/** The target classes of rows, and what they count. */
export interface NllTargets {
  /** int32, one per row. */
  readonly targets: Tensor;
  /** Weights of the classes, [classes]; null: all 1. */
  readonly weight: Tensor | null;
  readonly classes: number;
  /** Target of rows that do not count. */
  readonly ignored: number;
}

/**
 * The loss of each row of log-probabilities, the weight of each row, or from `x` = dy the gradient of all log-probabilities.
 * See nll_loss.wgsl.
 */
export function nllLoss(
  op: string,
  kind: keyof typeof kinds,
  x: Tensor | null,
  { targets, weight, classes, ignored }: NllTargets,
): Tensor {
  const shape = kind === 'gradient' ? [...targets.shape, classes] : targets.shape;
  const y = empty(targets.device, shape, 'float32', op);
  // Any tensor serves where the kernel reads none.
  inSlices(op, targets.size, [x ?? targets, targets], [y], (_, rows, [xs, ts, ys]) => {
    const elements = kind === 'gradient' ? rows * classes : rows;
    run(targets.device, nllKernel, {
      op,
      consts: { SIZE, KIND: kinds[kind], WEIGHTED: weight !== null },
      bind: { x: xs!, targets: ts!, w: weight ?? targets, y: ys! },
      params: { elements, classes, ignored, nan: NAN_BITS },
      groups: linearGroups(targets.device, elements, SIZE),
    });
  });
  return y;
}
