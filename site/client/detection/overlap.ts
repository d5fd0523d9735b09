// IoU of many boxes with many others, by tensor operations: the kernels do all of it.
import { add, div, maximum, minimum, mul, reshape, slice, sub, tidy, type Tensor } from 'retinagrad';

/** Coordinate `k` of boxes [N, 4] as a tensor of a shape. */
const side = (boxes: Tensor, k: number, shape: readonly number[]): Tensor =>
  reshape(slice(boxes, [0, k], [boxes.shape[0]!, 1]), shape);

/**
 * IoU of every box of one list with every box of another.
 *
 * @param a [N, 4], `b` [M, 4]
 * @returns [N, M]
 */
export function pairwiseOverlap(a: Tensor, b: Tensor): Tensor {
  return tidy(() => {
    const [ax1, ay1, ax2, ay2] = [0, 1, 2, 3].map((k) => side(a, k, [-1, 1])) as [Tensor, Tensor, Tensor, Tensor];
    const [bx1, by1, bx2, by2] = [0, 1, 2, 3].map((k) => side(b, k, [1, -1])) as [Tensor, Tensor, Tensor, Tensor];
    const shared = (low1: Tensor, high1: Tensor, low2: Tensor, high2: Tensor): Tensor =>
      maximum(sub(minimum(high1, high2), maximum(low1, low2)), 0);
    const both = mul(shared(ax1, ax2, bx1, bx2), shared(ay1, ay2, by1, by2));
    const area = (x1: Tensor, y1: Tensor, x2: Tensor, y2: Tensor): Tensor => mul(sub(x2, x1), sub(y2, y1));
    return div(both, sub(add(area(ax1, ay1, ax2, ay2), area(bx1, by1, bx2, by2)), both));
  });
}
