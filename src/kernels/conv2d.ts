import { GpuOutOfMemoryError, formatBytes } from '../tensor/errors.ts';
import { sameShape, sizeOf, stridesOf, type Shape } from '../tensor/shape.ts';
import { empty, type Tensor } from '../tensor/tensor.ts';
import { copyStrided, gatherStrided } from './copy.ts';
import { checkFloat, fill } from './elementwise.ts';
import { allRows, gemm, gemmTransposed, matrixRows, type Epilogue, type Gather, type Scatter } from './gemm.ts';
import { linearGroups, run } from './run.ts';
import { inSlices } from './slices.ts';
import { axpby } from './update.ts';
import { padChannels as padKernel } from './wgsl/pad_channels.wgsl.ts';
import { turnFilter } from './wgsl/turn_filter.wgsl.ts';
import { winogradFor, winogradForward, winogradGradWeight, type TensorEpilogue } from './winograd.ts';

type Pair = readonly [number, number];

export interface Conv2dOptions {
  /** Steps between outputs, for both axes or [height, width]. Default 1. */
  readonly stride?: number | Pair;
  /** Zeros around the image. Default 0. */
  readonly padding?: number | Pair;
  /** Steps between the filter's taps. Default 1. */
  readonly dilation?: number | Pair;
}

/** A convolution's steps, rows before columns. */
export interface Geometry {
  readonly stride: Pair;
  readonly padding: Pair;
  readonly dilation: Pair;
}

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

/** y = scale conv(x, w) + bias, then + add and ReLU, as far as they are asked for. */
export function conv2dForward(
  x: Tensor,
  w: Tensor,
  bias: Tensor | null,
  options: Conv2dOptions,
  { scale = null, add = null, relu = false }: Partial<Omit<TensorEpilogue, 'bias'>> = {},
): Tensor {
  const op = 'conv2d';
  checkFloat(op, x, w, ...(bias === null ? [] : [bias]));
  const shape = conv2dShape(x.shape, w.shape, options);
  if (bias !== null && (bias.shape.length !== 1 || bias.shape[0] !== shape[3])) {
    throw new RangeError(`conv2d: bias [${bias.shape}] does not fit weight [${w.shape}]: expected [${shape[3]}]`);
  }
  if (sizeOf(shape) > 0 && (x.size === 0 || w.size === 0)) {
    throw new RangeError(`${op}: [${x.shape}] and [${w.shape}] have no elements to sum`);
  }
  const [c, k] = [whole(x.shape[3]!), whole(shape[3])];
  const used = new Padded(op);
  const y = forward(
    op,
    used.pad(x, [3], [c]),
    used.pad(w, [2, 3], [c, k]),
    geometry(op, options),
    [shape[0], shape[1], shape[2], k],
    {
      scale: scale === null ? null : used.pad(scale, [0], [k]),
      bias: bias === null ? null : used.pad(bias, [0], [k]),
      add: add === null ? null : used.pad(add, [3], [k]),
      relu,
    },
  );
  return used.narrow(y, shape);
}

const plain: TensorEpilogue = { scale: null, bias: null, add: null, relu: false };

/** A forward convolution whose channels are multiples of four. */
function forward(op: string, x: Tensor, w: Tensor, g: Geometry, shape: Shape, epilogue: TensorEpilogue): Tensor {
  const [, p, q, k] = shape as [number, number, number, number];
  const y = empty(x.device, shape, 'float32', op);
  if (y.size === 0) return y;
  const { scale, bias, add, relu } = epilogue;
  const winograd = winogradFor(x.device, w.shape, g, [shape[0]!, p, q]);
  if (winograd !== null) {
    winogradForward(winograd, op, x, w, y, g.padding, epilogue);
    return y;
  }
  const [, h, width, c] = x.shape as [number, number, number, number];
  const [r, s] = w.shape as [number, number];
  inSlices(op, shape[0]!, [x, ...(add === null ? [] : [add])], [y], (_, images, slices) => {
    const [xs, ys, adds] = [slices[0]!, slices.at(-1)!, add === null ? null : slices[1]!];
    const bind = { x: xs, w, y: ys };
    const tail: Epilogue = { scale, bias, add: adds, relu };
    const { gather, scatter, count } = isPointwise(w.shape, g)
      ? pointwise(images * h * width, c)
      : {
          gather: { height: h, width, channels: c, ...windows(g, r, s) },
          scatter: { p, q, phase: [0, 0], every: [1, 1], rows: p, cols: q } as const,
          count: images,
        };
    gemm(x.device, op, count, gather, scatter, k, bind, tail);
  });
  return y;
}

/** Whether a convolution multiplies every pixel by one matrix, wherever it lies. */
const isPointwise = (w: Shape, { stride, padding }: Geometry): boolean =>
  [w[0], w[1], ...stride].every((value) => value === 1) && padding[0] === 0 && padding[1] === 0;

/** All pixels in one row. */
function pointwise(pixels: number, channels: number): { gather: Gather; scatter: Scatter; count: number } {
  return { gather: matrixRows(pixels, channels), scatter: allRows(pixels), count: 1 };
}

/** The windows that outputs read: a row of a filter without dilation is one run, because its taps lie side by side. */
function windows(
  { stride, padding, dilation }: Geometry,
  r: number,
  s: number,
): Pick<Gather, 'down' | 'right' | 'run'> {
  const joined = dilation[1] === 1;
  return {
    down: { start: -padding[0], scale: stride[0], step: dilation[0], runs: r },
    right: { start: -padding[1], scale: stride[1], step: dilation[1], runs: joined ? 1 : s },
    run: joined ? s : 1,
  };
}

/** dx, of shape `xShape`: each input pixel gathers the outputs that read it. */
export function conv2dGradInput(dy: Tensor, w: Tensor, xShape: Shape, options: Conv2dOptions): Tensor {
  const op = 'conv2d input gradient';
  const g = geometry(op, options);
  const [n, h, width] = xShape as [number, number, number];
  const [c, k] = [whole(xShape[3]!), whole(dy.shape[3]!)];
  const used = new Padded(op);
  const [source, filter] = [used.pad(dy, [3], [k]), used.pad(w, [2, 3], [c, k])];
  const dx = gradInput(op, source, filter, g, [n, h, width, c]);
  return used.narrow(dx, xShape);
}

/**
 * The input gradient where channels are multiples of four. With a stride, input pixels fall into phases: those that
 * leave the same remainder meet the same taps. Each phase is a convolution of dy with those taps, turned around, and no
 * zero is ever multiplied.
 */
function gradInput(op: string, dy: Tensor, w: Tensor, g: Geometry, shape: Shape): Tensor {
  const [n, h, width, c] = shape as [number, number, number, number];
  const dx = empty(dy.device, shape, 'float32', op);
  if (dx.size === 0) return dx;
  if (dy.size === 0) {
    fill(dx, 0);
    return dx;
  }
  const [r, s] = w.shape as [number, number];
  const parts = phases(g, 0, h, r).flatMap((down) =>
    phases(g, 1, width, s).map((right) => ({ down, right, filter: turnedFilter(op, w, down, right) })),
  );
  const winograd = winogradFor(dy.device, w.shape, g, [n, h, width]);
  if (winograd !== null) {
    winogradForward(winograd, op, dy, parts[0]!.filter, dx, [2 - g.padding[0], 2 - g.padding[1]], plain);
  } else {
    inSlices(op, n, [dy], [dx], (_, images, [dys, dxs]) => {
      for (const { down, right, filter } of parts) {
        const { gather, scatter, count } = isPointwise(w.shape, g)
          ? pointwise(images * h * width, dy.shape[3]!)
          : { ...phaseWindows(dy.shape, shape, g, down, right), count: images };
        gemm(dy.device, op, count, gather, scatter, c, { x: dys!, w: filter, y: dxs! });
      }
    });
  }
  for (const { filter } of parts) filter.dispose();
  return dx;
}

/** What the input pixels of a phase read of dy, and where they lie. */
function phaseWindows(
  dyShape: Shape,
  [, h, width]: Shape,
  { stride }: Geometry,
  down: Phase,
  right: Phase,
): { gather: Gather; scatter: Scatter } {
  const joined = right.step === 1;
  return {
    gather: {
      height: dyShape[1]!,
      width: dyShape[2]!,
      channels: dyShape[3]!,
      down: { start: down.start, scale: 1, step: down.step, runs: down.taps },
      right: { start: right.start, scale: 1, step: right.step, runs: joined ? 1 : right.taps },
      run: joined ? right.taps : 1,
    },
    scatter: {
      p: h!,
      q: width!,
      phase: [down.phase, right.phase],
      every: stride,
      rows: down.count,
      cols: right.count,
    },
  };
}

/** Input pixels along an axis that leave one remainder by the stride, and the taps that reach them. */
interface Phase {
  /** First pixel, and how many there are, a stride apart. */
  readonly phase: number;
  readonly count: number;
  /** The taps, last first: the last, how far the one before lies, how many. */
  readonly last: number;
  readonly every: number;
  readonly taps: number;
  /** Row or column of dy that the first pixel reads with the last tap, and how far that of the tap before lies. */
  readonly start: number;
  readonly step: number;
}

/** Phases of an axis (0 rows, 1 columns) of the input with `extent` pixels and a filter of `size` taps. */
function phases({ stride, padding, dilation }: Geometry, axis: 0 | 1, extent: number, size: number): Phase[] {
  const [div, offset, dilated] = [stride[axis], padding[axis], dilation[axis]];
  return Array.from({ length: Math.min(div, extent) }, (_, phase) => {
    // Pixel h lies under tap r of output (h + padding - r dilation) / stride.
    const reads = (tap: number): number => phase + offset - tap * dilated;
    const taps = Array.from({ length: size }, (_, tap) => tap).filter((tap) => reads(tap) % div === 0);
    const last = taps.at(-1) ?? 0;
    const every = last - (taps.at(-2) ?? last - 1);
    const count = Math.ceil((extent - phase) / div);
    const start = taps.length === 0 ? 0 : reads(last) / div;
    return { phase, count, last, every, taps: taps.length, start, step: (every * dilated) / div };
  });
}

/** The taps of a phase turned around, with channels swapped: [taps, taps, K, C]. */
function turnedFilter(op: string, w: Tensor, down: Phase, right: Phase): Tensor {
  const [, s, c, k] = w.shape as [number, number, number, number];
  if (down.taps * right.taps === 0) return w.view(w.shape); // Nothing reaches these pixels.
  const y = empty(w.device, [down.taps, right.taps, k, c], 'float32', op);
  run(w.device, turnFilter, {
    op,
    consts: { SIZE: 64 },
    bind: { w, y },
    params: {
      s,
      c4: c / 4,
      k4: k / 4,
      lastR: down.last,
      everyR: down.every,
      tapsR: down.taps,
      lastS: right.last,
      everyS: right.every,
      tapsS: right.taps,
    },
    groups: linearGroups(w.device, y.size / 16, 64),
  });
  return y;
}

/** dw, of shape `wShape`. */
export function conv2dGradWeight(dy: Tensor, x: Tensor, wShape: Shape, options: Conv2dOptions): Tensor {
  const op = 'conv2d weight gradient';
  const g = geometry(op, options);
  const [r, s] = wShape as [number, number];
  const [c, k] = [whole(wShape[2]!), whole(wShape[3]!)];
  const shape = [r, s, c, k];
  const bytes = sizeOf(shape) * 4;
  if (bytes > x.device.bindingLimit) {
    const what = `weights [${wShape}] take ${formatBytes(bytes)}, more than can be bound`;
    throw new GpuOutOfMemoryError(op, bytes, what);
  }
  if (dy.size === 0 || x.size === 0) {
    const zeros = empty(x.device, wShape, 'float32', op);
    fill(zeros, 0);
    return zeros;
  }
  const used = new Padded(op);
  const [source, gradient] = [used.pad(x, [3], [c]), used.pad(dy, [3], [k])];
  const [n, p, q] = dy.shape as [number, number, number];
  const [, h, width] = x.shape as [number, number, number];
  const winograd = winogradFor(x.device, shape, g, [n, p, q]);
  if (winograd !== null) {
    return used.narrow(winogradGradWeight(winograd, op, source, gradient, g.padding), wShape);
  }
  let sum: Tensor | null = null;
  inSlices(op, n, [source, gradient], [], (_, images, [xs, dys]) => {
    const flat = isPointwise(shape, g);
    const gather = flat ? matrixRows(images * h * width, c) : { height: h, width, channels: c, ...windows(g, r, s) };
    const outputs = flat ? ([1, images * p * q] as const) : ([p, q] as const);
    const part = gemmTransposed(x.device, op, flat ? 1 : images, gather, outputs, k, { x: xs!, z: dys! });
    if (sum === null) {
      sum = part;
    } else {
      axpby(part, sum, 1, 1);
      part.dispose();
    }
  });
  const dw = sum!.view(shape);
  sum!.dispose();
  return used.narrow(dw, wShape);
}

/** Copies x to y, whose last axis is longer; zeros fill it. */
function padChannels(op: string, x: Tensor, y: Tensor): void {
  const [c, c4] = [x.shape.at(-1)!, y.shape.at(-1)! / 4];
  inSlices(op, y.size / (4 * c4), [x], [y], (_, rows, [xs, ys]) => {
    run(x.device, padKernel, {
      op,
      consts: { SIZE: 64, EACH: PADDED_VECTORS },
      bind: { x: xs!, y: ys! },
      params: { vectors: rows * c4, c, c4 },
      groups: linearGroups(x.device, rows * c4, 64 * PADDED_VECTORS),
    });
  });
}

/** Vectors per invocation of pad_channels.wgsl. */
const PADDED_VECTORS = 4;

/** Channels in whole vectors of four. */
const whole = (channels: number): number => Math.ceil(channels / 4) * 4;

/** Copies of operands whose channels are padded with zeros to whole vectors, and their disposal. */
class Padded {
  readonly #op: string;
  readonly #copies: Tensor[] = [];

  constructor(op: string) {
    this.#op = op;
  }

  /** The tensor itself, or a copy whose `axes` are padded to `extents`. */
  pad(x: Tensor, axes: readonly number[], extents: readonly number[]): Tensor {
    const shape = [...x.shape];
    axes.forEach((axis, i) => (shape[axis] = extents[i]!));
    if (sameShape(shape, x.shape)) return x;
    const copy = empty(x.device, shape, 'float32', this.#op);
    this.#copies.push(copy);
    if (sameShape(shape.slice(0, -1), x.shape.slice(0, -1))) {
      padChannels(this.#op, x, copy);
    } else {
      fill(copy, 0);
      const walk = (of: Shape): { start: number; strides: number[] } => ({ start: 0, strides: stridesOf(of) });
      copyStrided(this.#op, x, walk(x.shape), copy, walk(shape), x.shape);
    }
    return copy;
  }

  /** The part of the result that has `shape`; ends the use of all copies. */
  narrow(result: Tensor, shape: Shape): Tensor {
    for (const copy of this.#copies) copy.dispose();
    if (sameShape(result.shape, shape)) return result;
    const narrowed = gatherStrided(this.#op, result, { start: 0, strides: stridesOf(result.shape) }, shape);
    result.dispose();
    return narrowed;
  }
}
