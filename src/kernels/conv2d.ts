import { GpuOutOfMemoryError, formatBytes } from '../tensor/errors.ts';
import { sizeOf, stridesOf, type Shape } from '../tensor/shape.ts';
import { empty, type Tensor } from '../tensor/tensor.ts';
import { copyStrided, gatherStrided } from './copy.ts';
import { checkFloat, fill } from './elementwise.ts';
import { reduceAxis } from './reduce.ts';
import { linearGroups, run, type Groups, type Slice } from './run.ts';
import { axpby } from './update.ts';
import { inSlices } from './slices.ts';
import { conv2dGather } from './wgsl/conv2d_gather.wgsl.ts';
import { conv2dGatherSubgroup } from './wgsl/conv2d_gather_subgroup.wgsl.ts';
import { conv2dGradWeight as gradWeightKernel } from './wgsl/conv2d_grad_weight.wgsl.ts';
import { conv2dGradWeightSubgroup } from './wgsl/conv2d_grad_weight_subgroup.wgsl.ts';

type Pair = readonly [number, number];

export interface Conv2dOptions {
  /** Steps between outputs, for both axes or [height, width]. Default 1. */
  readonly stride?: number | Pair;
  /** Zeros around the image. Default 0. */
  readonly padding?: number | Pair;
  /** Steps between the filter's taps. Default 1. */
  readonly dilation?: number | Pair;
}

interface Geometry {
  readonly stride: Pair;
  readonly padding: Pair;
  readonly dilation: Pair;
}

/** Columns that one invocation of the gather kernel computes. */
const STRIP = 8;
/** Invocations per workgroup. */
const SIZE = 64;
/** Workgroups that keep any GPU busy; the weight gradient is split until there are about as many. */
const ENOUGH_GROUPS = 256;
/** Most bytes of a weight gradient's partial sums. */
const WORKSPACE_BYTES = 32 * 2 ** 20;

const pair = (value: number | Pair | undefined, fallback: number): Pair =>
  typeof value === 'object' ? value : [value ?? fallback, value ?? fallback];

function geometry(op: string, options: Conv2dOptions): Geometry {
  const result = {
    stride: pair(options.stride, 1),
    padding: pair(options.padding, 0),
    dilation: pair(options.dilation, 1),
  };
  for (const [name, values] of Object.entries(result)) {
    const least = name === 'padding' ? 0 : 1;
    if (values.some((value: number) => !Number.isInteger(value) || value < least)) {
      throw new RangeError(`${op}: ${name} [${values}] is not whole numbers from ${least}`);
    }
  }
  return result;
}

/** Shape of the output for x [N, H, W, C] and w [R, S, C, K]; throws a RangeError if they do not fit. */
export function conv2dShape(x: Shape, w: Shape, options: Conv2dOptions = {}): [number, number, number, number] {
  if (x.length !== 4 || w.length !== 4 || x[3] !== w[2]) {
    throw new RangeError(
      `conv2d: input [${x}] and weight [${w}] do not fit: expected [N, H, W, C] and [R, S, C, K] with the same C`,
    );
  }
  const { stride, padding, dilation } = geometry('conv2d', options);
  const [p, q] = [0, 1].map((axis) => {
    const reach = dilation[axis]! * (w[axis]! - 1) + 1;
    return Math.floor((x[axis + 1]! + 2 * padding[axis]! - reach) / stride[axis]!) + 1;
  }) as [number, number];
  if (p < 1 || q < 1) {
    throw new RangeError(
      `conv2d: a filter [${w}] with dilation [${dilation}] is larger than the input [${x}] with padding [${padding}]`,
    );
  }
  return [x[0]!, p, q, w[3]!];
}

/** y = conv(x, w) + bias. */
export function conv2dForward(x: Tensor, w: Tensor, bias: Tensor | null, options: Conv2dOptions): Tensor {
  checkFloat('conv2d', x, w);
  const shape = conv2dShape(x.shape, w.shape, options);
  if (bias !== null && (bias.shape.length !== 1 || bias.shape[0] !== shape[3])) {
    throw new RangeError(`conv2d: bias [${bias.shape}] does not fit weight [${w.shape}]: expected [${shape[3]}]`);
  }
  const { stride, padding, dilation } = geometry('conv2d', options);
  return gather('conv2d', x, w, bias, shape, {
    mul: stride,
    offset: [-padding[0], -padding[1]],
    step: dilation,
    div: [1, 1],
  });
}

/** dx, of shape `xShape`: each input pixel gathers the outputs that read it. */
export function conv2dGradInput(dy: Tensor, w: Tensor, xShape: Shape, options: Conv2dOptions): Tensor {
  const op = 'conv2d input gradient';
  const { stride, padding, dilation } = geometry(op, options);
  const [r, s, c, k] = w.shape as [number, number, number, number];
  const strides = stridesOf(w.shape);
  const swapped = gatherStrided(op, w, { start: 0, strides: [strides[0]!, strides[1]!, strides[3]!, strides[2]!] }, [
    r,
    s,
    k,
    c,
  ]);
  const dx = gather(op, dy, swapped, null, xShape, {
    mul: [1, 1],
    offset: padding,
    step: [-dilation[0], -dilation[1]],
    div: stride,
  });
  swapped.dispose();
  return dx;
}

interface Walk {
  readonly mul: Pair;
  readonly offset: Pair;
  readonly step: Pair;
  readonly div: Pair;
}

/** Runs conv2d_gather.wgsl, with channels of the output padded to vectors of four where they are none. */
function gather(op: string, x: Tensor, w: Tensor, bias: Tensor | null, shape: Shape, walk: Walk): Tensor {
  const k = shape[3]!;
  const k4 = Math.ceil(k / 4);
  if (k % 4 !== 0) {
    const wide = widened(op, w, k4 * 4);
    const wideBias = bias === null ? null : widened(op, bias, k4 * 4);
    const padded = gather(op, x, wide, wideBias, [...shape.slice(0, 3), k4 * 4], walk);
    wide.dispose();
    wideBias?.dispose();
    const y = gatherStrided(op, padded, { start: 0, strides: stridesOf(padded.shape) }, shape);
    padded.dispose();
    return y;
  }
  const [n, p, q] = shape as [number, number, number];
  const y = empty(x.device, shape, 'float32', op);
  if (y.size === 0) return y;
  if (x.size === 0 || w.size === 0) {
    throw new RangeError(`${op}: [${x.shape}] and [${w.shape}] have no elements to sum`);
  }
  const [, h, wide, c] = x.shape as [number, number, number, number];
  const lanes = lanesFor(k4);
  const shared = sharingLanes(x, lanes);
  inSlices(op, n, [x], [y], (_, images, [xs, ys]) => {
    if (shared !== null) {
      gatherShared(op, { xShape: x.shape, shape, images, lanes, group: shared }, xs!, w, bias, ys!, walk);
      return;
    }
    for (let phaseY = 0; phaseY < Math.min(walk.div[0], p); phaseY++) {
      for (let phaseX = 0; phaseX < Math.min(walk.div[1], q); phaseX++) {
        const rows = Math.ceil((p - phaseY) / walk.div[0]);
        const cols = Math.ceil((q - phaseX) / walk.div[1]);
        const strips = images * rows * Math.ceil(cols / STRIP);
        const groups = Math.ceil(strips / (SIZE / lanes));
        const most = x.device.limits.maxComputeWorkgroupsPerDimension;
        run(x.device, conv2dGather, {
          op,
          consts: { LANES: lanes, STRIPS: SIZE / lanes, HAS_BIAS: bias !== null },
          bind: { x: xs!, w, bias: bias ?? w, y: ys! },
          params: {
            n: images,
            h,
            w: wide,
            c,
            p,
            q,
            k4,
            r: w.shape[0]!,
            s: w.shape[1]!,
            rows,
            cols,
            phaseY,
            phaseX,
            mulY: walk.mul[0],
            mulX: walk.mul[1],
            offsetY: walk.offset[0],
            offsetX: walk.offset[1],
            stepY: walk.step[0],
            stepX: walk.step[1],
            divY: walk.div[0],
            divX: walk.div[1],
          },
          groups: [Math.min(groups, most), Math.ceil(groups / most), Math.ceil(k4 / lanes)],
        });
      }
    }
  });
  return y;
}

/** Invocations of a workgroup along the channels, for `k4` vectors of them. */
const lanesFor = (k4: number): number => Math.min(16, 2 ** Math.ceil(Math.log2(k4)));

/**
 * The choice of a kernel: how many neighbouring lanes share what they load through subgroup shuffles, or null for the
 * kernels that need no subgroups. Shuffles win where loads cost more than arithmetic, which is known of llvmpipe (8 lanes).
 */
function sharingLanes(x: Tensor, lanes: number): number | null {
  const { kind, subgroupSize } = x.device.adapter;
  return kind === 'software' && subgroupSize === 8 && x.shape.at(-1)! % 4 === 0 ? Math.min(8, lanes) : null;
}

interface SharedJob {
  /** Shapes of the whole tensors; `images` of them are in the slices. */
  readonly xShape: Shape;
  readonly shape: Shape;
  readonly images: number;
  /** Invocations along the channels, and how many of them share what they load. */
  readonly lanes: number;
  readonly group: number;
}

/** Runs conv2d_gather_subgroup.wgsl, phase by phase. */
function gatherShared(
  op: string,
  { xShape, shape, images, lanes, group }: SharedJob,
  x: Slice,
  w: Tensor,
  bias: Tensor | null,
  y: Slice,
  walk: Walk,
): void {
  const { device } = w;
  const [, h, wide, c] = xShape as [number, number, number, number];
  const [, p, q, k] = shape as [number, number, number, number];
  const k4 = k / 4;
  for (const down of phases(walk, 0, p, w.shape[0]!)) {
    for (const right of phases(walk, 1, q, w.shape[1]!)) {
      const pixels = images * down.count * right.count;
      const groups = linearGroups(device, Math.ceil(pixels / STRIP), SIZE / lanes);
      run(device, conv2dGatherSubgroup, {
        op,
        consts: { GROUP: group, LANES: lanes, SIZE, HAS_BIAS: bias !== null },
        bind: { x, w, bias: bias ?? w, y },
        params: {
          h,
          w: wide,
          c4: c / 4,
          p,
          q,
          k4,
          s: w.shape[1]!,
          rows: down.count,
          cols: right.count,
          pixels,
          phaseY: down.phase,
          phaseX: right.phase,
          divY: walk.div[0],
          divX: walk.div[1],
          rowStart: down.start,
          rowScale: walk.mul[0],
          rowStep: down.step,
          rowTaps: down.taps,
          firstR: down.first,
          stepR: down.every,
          colStart: right.start,
          colScale: walk.mul[1],
          colStep: right.step,
          colTaps: right.taps,
          firstS: right.first,
          stepS: right.every,
        },
        groups: [groups[0], groups[1] ?? 1, Math.ceil(k4 / lanes)],
      });
    }
  }
}

/** The outputs along an axis that leave one remainder by `div`, and the taps that reach them. */
interface Phase {
  /** First output, and how many there are, `div` apart. */
  readonly phase: number;
  readonly count: number;
  /** The taps: the first, every how many, how many. */
  readonly first: number;
  readonly every: number;
  readonly taps: number;
  /** Input that the first output reads with the first tap, and how far the next tap reads from it. */
  readonly start: number;
  readonly step: number;
}

/** Phases of an axis (0 rows, 1 columns) with `extent` outputs and a filter of `size` taps. */
function phases(walk: Walk, axis: 0 | 1, extent: number, size: number): Phase[] {
  const [mul, offset, step, div] = [walk.mul[axis], walk.offset[axis], walk.step[axis], walk.div[axis]];
  const reads = (phase: number, tap: number): number => phase * mul + offset + tap * step;
  return Array.from({ length: Math.min(div, extent) }, (_, phase) => {
    const taps = Array.from({ length: size }, (_, tap) => tap).filter((tap) => reads(phase, tap) % div === 0);
    const first = taps[0] ?? 0;
    const every = (taps[1] ?? first + 1) - first;
    const count = Math.ceil((extent - phase) / div);
    const start = taps.length === 0 ? 0 : reads(phase, first) / div;
    return { phase, count, first, every, taps: taps.length, start, step: (every * step) / div };
  });
}

/** A copy whose last axis is padded with zeros to `extent`. */
function widened(op: string, x: Tensor, extent: number): Tensor {
  const shape = [...x.shape.slice(0, -1), extent];
  const y = empty(x.device, shape, 'float32', op);
  fill(y, 0);
  copyStrided(op, x, { start: 0, strides: stridesOf(x.shape) }, y, { start: 0, strides: stridesOf(shape) }, x.shape);
  return y;
}

/** dw, of shape `wShape`. */
export function conv2dGradWeight(dy: Tensor, x: Tensor, wShape: Shape, options: Conv2dOptions): Tensor {
  const op = 'conv2d weight gradient';
  const [r, s, c, k] = wShape as [number, number, number, number];
  if (k % 4 !== 0) {
    const extent = Math.ceil(k / 4) * 4;
    const wide = widened(op, dy, extent);
    const padded = conv2dGradWeight(wide, x, [r, s, c, extent], options);
    wide.dispose();
    const dw = gatherStrided(op, padded, { start: 0, strides: stridesOf(padded.shape) }, wShape);
    padded.dispose();
    return dw;
  }
  if (dy.size === 0) {
    const zeros = empty(x.device, wShape, 'float32', op);
    fill(zeros, 0);
    return zeros;
  }
  const { stride, padding, dilation } = geometry(op, options);
  const [n, p, q] = dy.shape as [number, number, number];
  const elements = sizeOf(wShape);
  const k4 = k / 4;
  const lanes = lanesFor(k4);
  const shared = sharingLanes(x, lanes);
  const jobs = r * s * Math.ceil(c / (shared === null ? 4 : 16));
  const groups = Math.ceil(k4 / lanes) * Math.ceil(jobs / (SIZE / lanes));
  if (elements * 4 > x.device.bindingLimit) {
    throw new GpuOutOfMemoryError(
      op,
      elements * 4,
      `weights [${wShape}] take ${formatBytes(elements * 4)}, more than can be bound`,
    );
  }
  const room = Math.max(1, Math.floor(Math.min(WORKSPACE_BYTES, x.device.bindingLimit) / (elements * 4)));
  let dw: Tensor | null = null;
  inSlices(op, n, [x, dy], [], (_, images, [xs, dys]) => {
    // Splits: enough to fill the GPU, long enough to be worth it, and within the workspace.
    const pixels = images * p * q;
    const splits = Math.min(room, Math.max(1, Math.min(Math.ceil(ENOUGH_GROUPS / groups), Math.ceil(pixels / 64))));
    const partial = empty(x.device, [splits, ...wShape], 'float32', op);
    const params = {
      h: x.shape[1]!,
      w: x.shape[2]!,
      q,
      k4,
      p,
      s,
      taps: r * s,
      strideY: stride[0],
      strideX: stride[1],
      padY: padding[0],
      padX: padding[1],
      dilationY: dilation[0],
      dilationX: dilation[1],
      pixels,
      perSplit: Math.ceil(pixels / splits),
    };
    const bind = { x: xs!, dy: dys!, dw: partial };
    const size: Groups = [Math.ceil(k4 / lanes), Math.ceil(jobs / (SIZE / lanes)), splits];
    if (shared === null) {
      const consts = { LANES: lanes, ROWS: SIZE / lanes };
      run(x.device, gradWeightKernel, { op, consts, bind, params: { ...params, c }, groups: size });
    } else {
      const consts = { GROUP: shared, LANES: lanes, SIZE };
      run(x.device, conv2dGradWeightSubgroup, { op, consts, bind, params: { ...params, c4: c / 4 }, groups: size });
    }
    const sum = splits === 1 ? partial : reduceAxis('sum', partial, 1, splits, elements);
    if (sum !== partial) partial.dispose();
    if (dw === null) {
      dw = sum;
    } else {
      axpby(sum, dw, 1, 1);
      sum.dispose();
    }
  });
  const result = dw!.view(wShape);
  dw!.dispose();
  return result;
}

/** Multiply-adds of a convolution, counted as two operations each. */
export function conv2dFlops(x: Shape, w: Shape, options: Conv2dOptions = {}): number {
  const [n, p, q, k] = conv2dShape(x, w, options);
  return 2 * n * p * q * k * w[0]! * w[1]! * w[2]!;
}
