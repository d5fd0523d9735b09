import { add, clamp, div, minimum, mul, sub } from '../autograd/ops/binary.ts';
import { corners } from '../autograd/ops/losses.ts';
import { concat, reshape } from '../autograd/ops/shape.ts';
import { exp } from '../autograd/ops/unary.ts';
import { tidy } from '../tensor/scope.ts';
import type { Tensor } from '../tensor/tensor.ts';
import type { BoxCoderSpec } from './spec.ts';

// The network does not predict boxes but offsets from anchors (Girshick et al. 2014, appendix C): the shift of the
// centre in units of the anchor's size, and the logarithm of the change in size. Offsets are near 0 for any object
// size, so that one linear layer works for all. Encoding needs no gradient and follows matching on the GPU
// (kernels/wgsl/encode_matches.wgsl); decoding is here, on the GPU and on the host.

/**
 * Decodes boxes from offsets, differentiably, for losses on boxes.
 *
 * @param deltas [N, A, 4]
 * @param anchors [A, 4]
 * @returns [N, A, 4]: x1, y1, x2, y2
 *
 * @example
 * const deltas = tensor([[[0.5, 0, Math.log(2), 0]]]);
 * await decodeBoxes(deltas, tensor([[0, 0, 10, 10]]), presets.torchvision.boxCoder).print();
 * // Tensor(float32 [1,1,4]) [[[ 0.,  0., 20., 10.]]]
 */
export function decodeBoxes(deltas: Tensor, anchors: Tensor, spec: BoxCoderSpec): Tensor {
  return tidy(() => {
    const [x1, y1, x2, y2] = corners(anchors);
    const [dx, dy, dw, dh] = corners(deltas);
    const [wx, wy, ww, wh] = spec.weights;
    const along = (low: Tensor, high: Tensor, shift: Tensor, growth: Tensor): [Tensor, Tensor] => {
      const size = sub(high, low);
      const centre = add(mul(shift, size), add(low, mul(size, 0.5)));
      const limited = spec.clampSides === 'both' ? clamp(growth, -spec.clamp, spec.clamp) : minimum(growth, spec.clamp);
      const half = mul(mul(exp(limited), size), 0.5);
      return [sub(centre, half), add(centre, half)];
    };
    const [left, right] = along(x1, x2, div(dx, wx), div(dw, ww));
    const [top, bottom] = along(y1, y2, div(dy, wy), div(dh, wh));
    const column = (t: Tensor): Tensor => reshape(t, [...t.shape, 1]);
    return concat([left, top, right, bottom].map(column), -1);
  });
}

/**
 * Decodes one box on the host, in float32 like the GPU.
 *
 * @param deltas offsets, four numbers each; `deltaAt` is the position of the one to decode
 * @param anchors boxes, four numbers each; `anchorAt` is the position of the anchor it belongs to
 *
 * @example
 * const deltas = Float32Array.of(0.5, 0, Math.log(2), 0);
 * console.log(decodeBox(deltas, 0, Float32Array.of(0, 0, 10, 10), 0, presets.torchvision.boxCoder));
 * // [0, 0, 20, 10]
 */
export function decodeBox(
  deltas: Float32Array,
  deltaAt: number,
  anchors: Float32Array,
  anchorAt: number,
  spec: BoxCoderSpec,
): [x1: number, y1: number, x2: number, y2: number] {
  const { fround } = Math;
  const along = (axis: number): [number, number] => {
    const low = anchors[anchorAt * 4 + axis]!;
    const size = fround(anchors[anchorAt * 4 + axis + 2]! - low);
    const centre = fround(low + fround(0.5 * size));
    const shift = fround(deltas[deltaAt * 4 + axis]! / spec.weights[axis]!);
    let growth = fround(deltas[deltaAt * 4 + axis + 2]! / spec.weights[axis + 2]!);
    growth = Math.min(growth, spec.clamp);
    if (spec.clampSides === 'both') growth = Math.max(growth, -spec.clamp);
    const middle = fround(fround(shift * size) + centre);
    const half = fround(0.5 * fround(fround(Math.exp(growth)) * size));
    return [fround(middle - half), fround(middle + half)];
  };
  const [x1, x2] = along(0);
  const [y1, y2] = along(1);
  return [x1, y1, x2, y2];
}
