import type { Device } from '../tensor/device.ts';
import type { Shape } from '../tensor/shape.ts';
import { empty, type Tensor } from '../tensor/tensor.ts';
import { allRows, gemm, gemmTransposed, matrixRows, type Batch } from './gemm.ts';
import { linearGroups, run, type Slice } from './run.ts';
import { inSlices } from './slices.ts';
import { tuningOf } from './tuning.ts';
import { axpby } from './update.ts';
import { winogradFilter } from './wgsl/winograd_filter.wgsl.ts';
import { winogradGradFilter } from './wgsl/winograd_grad_filter.wgsl.ts';
import { winogradGradOutput } from './wgsl/winograd_grad_output.wgsl.ts';
import { winogradInput } from './wgsl/winograd_input.wgsl.ts';
import { winogradOutput } from './wgsl/winograd_output.wgsl.ts';

// Winograd's minimal filtering F(4x4, 3x3) (Lavin and Gray 2016, "Fast Algorithms for Convolutional Neural Networks"):
// a tile of 6x6 inputs and a filter of 3x3 are transformed so that the 4x4 outputs come from 36 products instead of
// 144. Over all channels the products are 36 matrix products, one per element of the transformed tile. The price is
// a workspace of 2.25 times the input and the output, and rounding a few times that of the direct sum.

/** Elements of a transformed tile. */
const ELEMENTS = 36;
/** Fewest channels in and out for which the transforms cost less than the multiplications that they save. */
const MIN_CHANNELS = 32;
/** Most bytes of one transformed operand; larger images go through in parts. */
const WORKSPACE_BYTES = 32 * 2 ** 20;
const SIZE = 64;

type Pair = readonly [number, number];

/** What is done to a convolution's result before it is written: relu(scale[k] y + bias[k] + add). */
export interface TensorEpilogue {
  readonly scale: Tensor | null;
  readonly bias: Tensor | null;
  readonly add: Tensor | null;
  readonly relu: boolean;
}

/** Tiles of an output of P rows and Q columns. */
interface Tiling {
  readonly down: number;
  readonly across: number;
}

const tilesOf = (p: number, q: number): Tiling => ({ down: Math.ceil(p / 4), across: Math.ceil(q / 4) });

/**
 * Whether a convolution goes through this algorithm: 3x3 without stride or dilation, and large enough to gain.
 *
 * @param w [R, S, C, K], channels multiples of four
 * @param outputs images, rows and columns of the result
 */
export function isWinograd(
  device: Device,
  w: Shape,
  { stride, dilation }: { readonly stride: Pair; readonly dilation: Pair },
  [n, p, q]: readonly [number, number, number],
): boolean {
  const [r, s, c, k] = w as [number, number, number, number];
  const { down, across } = tilesOf(p, q);
  return (
    r === 3 &&
    s === 3 &&
    [...stride, ...dilation].every((value) => value === 1) &&
    Math.min(c, k) >= MIN_CHANNELS &&
    n * down * across >= tuningOf(device).winogradTiles &&
    ELEMENTS * c * k * 4 <= device.bindingLimit
  );
}

/**
 * y = epilogue(conv(x, w)) with the given padding.
 *
 * @param x [N, H, W, C]
 * @param w [3, 3, C, K]
 * @param y [N, P, Q, K], written
 */
export function winogradForward(
  op: string,
  x: Tensor,
  w: Tensor,
  y: Tensor,
  padding: Pair,
  { scale, bias, add, relu }: TensorEpilogue,
): void {
  const { device } = x;
  const [c, k] = w.shape.slice(2) as [number, number];
  const [n, p, q] = y.shape as [number, number, number];
  const tiling = tilesOf(p, q);
  const u = empty(device, [ELEMENTS, c, k], 'float32', op);
  const filters = (c * k) / 4;
  run(device, winogradFilter, {
    op,
    consts: { SIZE },
    bind: { w, u },
    params: { filters },
    groups: linearGroups(device, filters, SIZE),
  });
  inSlices(op, n, [x, ...(add === null ? [] : [add])], [y], (_, images, slices) => {
    inParts(device, images, tiling, Math.max(c, k), (first, tiles) => {
      const v = transformed(op, x, slices[0]!, tiling, padding, first, tiles);
      const m = empty(device, [ELEMENTS, tiles, k], 'float32', op);
      const batch = { count: ELEMENTS, x: tiles * c, w: c * k, y: tiles * k };
      gemm(device, op, 1, matrixRows(tiles, c), allRows(tiles), k, { x: v, w: u, y: m }, {}, batch);
      v.dispose();
      run(device, winogradOutput, {
        op,
        consts: { SIZE },
        bind: { m, scale: scale ?? m, bias: bias ?? m, add: add === null ? m : slices[1]!, y: slices.at(-1)! },
        params: {
          p,
          q,
          k4: k / 4,
          ...tiling,
          first,
          tiles,
          hasScale: Number(scale !== null),
          hasBias: Number(bias !== null),
          hasAdd: Number(add !== null),
          relu: Number(relu),
        },
        groups: linearGroups(device, (tiles * k) / 4, SIZE),
      });
      m.dispose();
    });
  });
  u.dispose();
}

/**
 * The gradient of the filter of conv(x, w).
 *
 * @param x [N, H, W, C]
 * @param dy [N, P, Q, K]
 * @returns [3, 3, C, K]
 */
export function winogradGradWeight(op: string, x: Tensor, dy: Tensor, padding: Pair): Tensor {
  const { device } = x;
  const [n, p, q, k] = dy.shape as [number, number, number, number];
  const c = x.shape[3]!;
  const tiling = tilesOf(p, q);
  let du: Tensor | null = null;
  inSlices(op, n, [x, dy], [], (_, images, [xs, dys]) => {
    inParts(device, images, tiling, Math.max(c, k), (first, tiles) => {
      const v = transformed(op, x, xs!, tiling, padding, first, tiles);
      const m = empty(device, [ELEMENTS, tiles, k], 'float32', op);
      run(device, winogradGradOutput, {
        op,
        consts: { SIZE },
        bind: { dy: dys!, m },
        params: { p, q, k4: k / 4, ...tiling, first, tiles },
        groups: linearGroups(device, (tiles * k) / 4, SIZE),
      });
      const batch: Omit<Batch, 'w'> = { count: ELEMENTS, x: tiles * c, y: tiles * k };
      const part = gemmTransposed(device, op, 1, matrixRows(tiles, c), [1, tiles], k, { x: v, z: m }, batch);
      v.dispose();
      m.dispose();
      if (du === null) {
        du = part;
      } else {
        axpby(part, du, 1, 1);
        part.dispose();
      }
    });
  });
  const dw = empty(device, [3, 3, c, k], 'float32', op);
  const filters = (c * k) / 4;
  run(device, winogradGradFilter, {
    op,
    consts: { SIZE },
    bind: { du: du!, dw },
    params: { filters },
    groups: linearGroups(device, filters, SIZE),
  });
  du!.dispose();
  return dw;
}

/** The transformed tiles [36, tiles, C] of a slice of x. */
function transformed(
  op: string,
  x: Tensor,
  slice: Slice,
  tiling: Tiling,
  [padY, padX]: Pair,
  first: number,
  tiles: number,
): Tensor {
  const [, h, w, c] = x.shape as [number, number, number, number];
  const v = empty(x.device, [ELEMENTS, tiles, c], 'float32', op);
  run(x.device, winogradInput, {
    op,
    consts: { SIZE },
    bind: { x: slice, v },
    params: { h, w, c4: c / 4, padY, padX, ...tiling, first, tiles },
    groups: linearGroups(x.device, (tiles * c) / 4, SIZE),
  });
  return v;
}

/** Calls `job` for ranges of tiles whose transformed operands fit the workspace. */
function inParts(
  device: Device,
  images: number,
  { down, across }: Tiling,
  channels: number,
  job: (first: number, tiles: number) => void,
): void {
  const all = images * down * across;
  const room = Math.min(WORKSPACE_BYTES, device.bindingLimit) / (ELEMENTS * channels * 4);
  const most = Math.max(1, Math.floor(room));
  for (let first = 0; first < all; first += most) job(first, Math.min(most, all - first));
}
