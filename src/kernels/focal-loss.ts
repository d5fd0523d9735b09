import { NAN_BITS } from '../tensor/dtype.ts';
import { empty, type Tensor } from '../tensor/tensor.ts';
import { linearGroups, run } from './run.ts';
import { inSlices } from './slices.ts';
import { focalLoss as focalKernel } from './wgsl/focal_loss.wgsl.ts';

const SIZE = 64;

/** Focal loss per element, or with `dy` its gradient. See focal_loss.wgsl. */
export function focalLoss(x: Tensor, targets: Tensor, alpha: number, gamma: number, dy: Tensor | null): Tensor {
  const op = 'sigmoidFocalLoss';
  const classes = x.shape.at(-1)!;
  const y = empty(x.device, x.shape, 'float32', op);
  inSlices(op, targets.size, [x, targets, dy ?? x], [y], (_, rows, [xs, ts, dys, ys]) => {
    const elements = rows * classes;
    run(x.device, focalKernel, {
      op,
      consts: { SIZE, GRADIENT: dy !== null },
      bind: { x: xs!, targets: ts!, dy: dys!, y: ys! },
      params: { elements, classes, alpha, gamma, nan: NAN_BITS },
      groups: linearGroups(x.device, elements, SIZE),
    });
  });
  return y;
}
