import type { Shape } from '../../tensor/shape.ts';
import type { Tuning } from '../../tensor/tuning.ts';
import { linearGroups, type Slice } from '../run.ts';
import { WORKSPACE_BYTES, type AdapterFacts } from '../tuning.ts';
import { winograd2x2Filter } from '../wgsl/winograd_2x2_filter.wgsl.ts';
import { winograd2x2GradFilter } from '../wgsl/winograd_2x2_grad_filter.wgsl.ts';
import { winograd2x2GradOutput } from '../wgsl/winograd_2x2_grad_output.wgsl.ts';
import { winograd2x2Input } from '../wgsl/winograd_2x2_input.wgsl.ts';
import { winograd2x2Output } from '../wgsl/winograd_2x2_output.wgsl.ts';
import { winogradFilter } from '../wgsl/winograd_filter.wgsl.ts';
import { winogradGradFilter } from '../wgsl/winograd_grad_filter.wgsl.ts';
import { winogradGradOutput } from '../wgsl/winograd_grad_output.wgsl.ts';
import { winogradInput } from '../wgsl/winograd_input.wgsl.ts';
import { winogradOutput } from '../wgsl/winograd_output.wgsl.ts';
import type { Pair } from '../window.ts';
import { addProduct, addTransposed, allRows, matrixRows, type ProductEpilogue } from './gemm.ts';
import { temporary, type Planned, type Planner } from './plan.ts';

// Winograd's minimal filtering (Lavin and Gray 2016, "Fast Algorithms for Convolutional Neural Networks"). In F(4x4, 3x3)
// a tile of 6x6 inputs and a filter of 3x3 are transformed so that the 4x4 outputs come from 36 products instead of 144,
// in F(2x2, 3x3) a tile of 4x4 inputs so that the 2x2 outputs come from 16 instead of 36. Over all channels the products
// are 36 or 16 matrix products, one per element of the transformed tile. The cost is a workspace of 2.25 or 4 times the
// input and the output, and for F(4x4) a rounding error of about twice that of the direct sum; for F(2x2) it is smaller.

/** One size of tiles. */
export interface Winograd {
  /** Outputs along a side of a tile. */
  readonly side: number;
  /** Elements of a transformed tile. */
  readonly elements: number;
  /** Minimum channels in and out for which the transforms cost less than the multiplications that they save. */
  readonly minChannels: number;
  /** Whether a number of tiles keeps the rows of the products busy. */
  readonly hasEnoughTiles: (tiles: number, tuning: Tuning) => boolean;
  readonly input: typeof winogradInput | typeof winograd2x2Input;
  readonly filter: typeof winogradFilter | typeof winograd2x2Filter;
  readonly output: typeof winogradOutput | typeof winograd2x2Output;
  readonly gradOutput: typeof winogradGradOutput | typeof winograd2x2GradOutput;
  readonly gradFilter: typeof winogradGradFilter | typeof winograd2x2GradFilter;
}

/** Sorted by the number of multiplications: the algorithm with the fewest comes first. */
const algorithms: readonly Winograd[] = [
  {
    side: 4,
    elements: 36,
    minChannels: 32,
    hasEnoughTiles: (tiles, { winograd4x4 }) => tiles >= winograd4x4.minTiles,
    input: winogradInput,
    filter: winogradFilter,
    output: winogradOutput,
    gradOutput: winogradGradOutput,
    gradFilter: winogradGradFilter,
  },
  {
    side: 2,
    elements: 16,
    minChannels: 128,
    // It saves less than F(4x4), which pays off only if at most a quarter of the rows have no work.
    hasEnoughTiles: (tiles, { winograd2x2: { minTiles, rows } }) =>
      tiles >= minTiles && tiles >= 0.75 * rows * Math.ceil(tiles / rows),
    input: winograd2x2Input,
    filter: winograd2x2Filter,
    output: winograd2x2Output,
    gradOutput: winograd2x2GradOutput,
    gradFilter: winograd2x2GradFilter,
  },
];

const SIZE = 64;

/** Specialisation of the kernels. llvmpipe, of the family `subgroup`, compiles loops much faster than unrolled loads. */
const constsOf = (
  { input }: Winograd,
  { tuning }: AdapterFacts,
): { readonly SIZE: number; readonly LOOPS?: boolean } => ({
  SIZE,
  ...('LOOPS' in input.consts ? { LOOPS: tuning.family === 'subgroup' } : {}),
});

/** Tiles of an output of P rows and Q columns. */
interface Tiling {
  readonly down: number;
  readonly across: number;
}

/** The tiles of one part of the work, counted over all images of a slice. */
interface Part extends Tiling {
  readonly first: number;
  readonly tiles: number;
}

const tilesOf = ({ side }: Winograd, p: number, q: number): Tiling => ({
  down: Math.ceil(p / side),
  across: Math.ceil(q / side),
});

/**
 * The algorithm for a convolution, or null: one that is not 3x3 or has a stride, dilation or groups, is too small to gain,
 * or runs on a device without Winograd (`init({ winograd: false })`).
 *
 * @param w [R, S, C, K], channels multiples of four
 * @param outputs images, rows and columns of the result
 */
export function winogradFor(
  { tuning, winograd, bindingLimit }: AdapterFacts,
  w: Shape,
  { stride, dilation, groups }: { readonly stride: Pair; readonly dilation: Pair; readonly groups: number },
  [n, p, q]: readonly [number, number, number],
): Winograd | null {
  const [r, s, c, k] = w as [number, number, number, number];
  const isPlain = r === 3 && s === 3 && [...stride, ...dilation, groups].every((value) => value === 1);
  if (!isPlain || !winograd) return null;
  if (n * p * q * 9 * c * k < tuning.winogradMinWork) return null;
  const gains = (algorithm: Winograd): boolean => {
    const { down, across } = tilesOf(algorithm, p, q);
    return (
      Math.min(c, k) >= algorithm.minChannels &&
      algorithm.hasEnoughTiles(n * down * across, tuning) &&
      algorithm.elements * c * k * 4 <= bindingLimit
    );
  };
  return algorithms.find(gains) ?? null;
}

/**
 * Plans y = epilogue(conv(x, w)) with the given padding.
 *
 * @param x [N, H, W, C]
 * @param u the filter w [3, 3, C, K], transformed
 * @param y [N, P, Q, K], written
 */
export function addWinograd(
  plan: Planner,
  algorithm: Winograd,
  x: Planned,
  u: Planned,
  y: Planned,
  padding: Pair,
  { scale = null, bias = null, add = null, relu = false }: ProductEpilogue<Planned>,
): void {
  const { elements } = algorithm;
  const [c, k] = u.shape.slice(1) as [number, number];
  const [n, p, q] = y.shape as [number, number, number];
  plan.inSlices(n, add === null ? [x] : [x, add], [y], (images, slices) => {
    for (const part of partsOf(plan.adapter, images, algorithm, [p, q], Math.max(c, k))) {
      const { tiles } = part;
      const v = addTransformedInput(plan, algorithm, x, slices[0]!, padding, part);
      const m = temporary('products', [elements, tiles, k]);
      addProduct(
        plan,
        { x: v, w: u, y: m },
        {
          images: 1,
          gather: matrixRows(tiles, c),
          scatter: allRows(tiles),
          k,
          batch: { count: elements, x: tiles * c, w: c * k, y: tiles * k },
        },
      );
      plan.launch(algorithm.output, {
        consts: constsOf(algorithm, plan.adapter),
        bind: { m, scale: scale ?? m, bias: bias ?? m, add: add === null ? m : slices[1]!, y: slices.at(-1)! },
        params: {
          p,
          q,
          k4: k / 4,
          ...part,
          hasScale: Number(scale !== null),
          hasBias: Number(bias !== null),
          hasAdd: Number(add !== null),
          relu: Number(relu),
        },
        groups: linearGroups(plan.adapter, (tiles * k) / 4, SIZE),
      });
    }
  });
}

/**
 * Plans the gradient of the filter of conv(x, w), [3, 3, C, K].
 *
 * @param x [N, H, W, C]
 * @param dy [N, P, Q, K]
 */
export function addWinogradGradWeight(
  plan: Planner,
  algorithm: Winograd,
  x: Planned,
  dy: Planned,
  padding: Pair,
): Planned {
  const { elements } = algorithm;
  const [n, p, q, k] = dy.shape as [number, number, number, number];
  const c = x.shape[3]!;
  let du: Planned | null = null;
  plan.inSlices(n, [x, dy], [], (images, [xs, dys]) => {
    for (const part of partsOf(plan.adapter, images, algorithm, [p, q], Math.max(c, k))) {
      const { tiles } = part;
      const v = addTransformedInput(plan, algorithm, x, xs!, padding, part);
      const m = temporary('transformed gradient', [elements, tiles, k]);
      plan.launch(algorithm.gradOutput, {
        consts: constsOf(algorithm, plan.adapter),
        bind: { dy: dys!, m },
        params: { p, q, k4: k / 4, ...part },
        groups: linearGroups(plan.adapter, (tiles * k) / 4, SIZE),
      });
      const product = {
        images: 1,
        gather: matrixRows(tiles, c),
        outputs: [1, tiles] as const,
        k,
        batch: { count: elements, x: tiles * c, y: tiles * k },
      };
      du = plan.accumulate(du, addTransposed(plan, { x: v, z: m }, product, [elements, c, k]));
    }
  });
  const dw = temporary('weight gradient', [3, 3, c, k]);
  const filters = (c * k) / 4;
  plan.launch(algorithm.gradFilter, {
    consts: constsOf(algorithm, plan.adapter),
    bind: { du: du!, dw },
    params: { filters },
    groups: linearGroups(plan.adapter, filters, SIZE),
  });
  return dw;
}

/** Plans the transformed filter [elements, C, K] of w [3, 3, C, K]. */
export function addTransformedFilter(plan: Planner, algorithm: Winograd, w: Planned): Planned {
  const [c, k] = w.shape.slice(2) as [number, number];
  const u = temporary('transformed filter', [algorithm.elements, c, k]);
  const filters = (c * k) / 4;
  plan.launch(algorithm.filter, {
    consts: constsOf(algorithm, plan.adapter),
    bind: { w, u },
    params: { filters },
    groups: linearGroups(plan.adapter, filters, SIZE),
  });
  return u;
}

/** Plans the transformed tiles [elements, tiles, C] of a slice of x. */
function addTransformedInput(
  plan: Planner,
  algorithm: Winograd,
  x: Planned,
  slice: Slice<Planned>,
  [padY, padX]: Pair,
  part: Part,
): Planned {
  const [, h, w, c] = x.shape as [number, number, number, number];
  const v = temporary('transformed input', [algorithm.elements, part.tiles, c]);
  plan.launch(algorithm.input, {
    consts: constsOf(algorithm, plan.adapter),
    bind: { x: slice, v },
    params: { h, w, c4: c / 4, padY, padX, ...part },
    groups: linearGroups(plan.adapter, (part.tiles * c) / 4, SIZE),
  });
  return v;
}

/** Ranges of tiles whose transformed operands, of at most `channels` channels, fit the workspace. */
export function partsOf(
  { bindingLimit }: AdapterFacts,
  images: number,
  algorithm: Winograd,
  [p, q]: Pair,
  channels: number,
): Part[] {
  const tiling = tilesOf(algorithm, p, q);
  const all = images * tiling.down * tiling.across;
  const room = Math.min(WORKSPACE_BYTES, bindingLimit) / (algorithm.elements * channels * 4);
  const step = Math.max(1, Math.floor(room));
  return Array.from({ length: Math.ceil(all / step) }, (_, i) => {
    const first = i * step;
    return { ...tiling, first, tiles: Math.min(step, all - first) };
  });
}
