import { GpuOutOfMemoryError, formatBytes } from '../tensor/errors.ts';
import { sizeOf, type Shape } from '../tensor/shape.ts';
import { empty, type Tensor } from '../tensor/tensor.ts';
import {
  conv2dShape,
  convTranspose2dShape,
  convolutionRows,
  geometryOf,
  isPointwise,
  type Conv2dOptions,
  type ConvTranspose2dOptions,
  type Geometry,
} from './conv2d-geometry.ts';
import { flippedFilter, phaseRows, phasesOf, tapsOf } from './conv2d-phases.ts';
import { depthwiseForward, depthwiseGradInput, depthwiseGradWeight, isDepthwise } from './depthwise.ts';
import { checkFloat, fill } from './elementwise.ts';
import { gemm, gemmTransposed, readsTransposed, type ProductEpilogue } from './gemm.ts';
import { inSlices } from './slices.ts';
import { factsOf } from './tuning.ts';
import { accumulate, axpby } from './update.ts';
import { Vec4Operands, groupsOfVec4, roundUpToVec4 } from './vec4-operands.ts';
import { winogradFor, winogradForward, winogradGradWeight } from './winograd.ts';

/**
 * y = scale conv(x, w) + bias, then + add and ReLU, as far as they are asked for.
 *
 * @param keepsFilter whether to keep what is computed from w alone until w changes, as inference does
 */
export function conv2dForward(
  x: Tensor,
  w: Tensor,
  bias: Tensor | null,
  options: Conv2dOptions,
  { scale = null, add = null, relu = false }: Omit<ProductEpilogue<Tensor>, 'bias'> = {},
  keepsFilter = false,
): Tensor {
  const op = 'conv2d';
  const shape = conv2dShape(x.shape, w.shape, options);
  checkOperands(op, x, w, bias, shape);
  const geometry = geometryOf(op, w.shape, options);
  if (isDepthwise(w.shape, geometry)) {
    return depthwiseForward(op, x, w, geometry, shape, { scale, bias, add, relu });
  }
  const { groups } = geometry;
  const [c, k] = [groupsOfVec4(x.shape[3]!, groups), groupsOfVec4(shape[3], groups)];
  const operands = new Vec4Operands(op, groups);
  const y = forward(
    op,
    operands.pad(x, [3], [c]),
    operands.pad(w, [2, 3], [c / groups, k]),
    geometry,
    [shape[0], shape[1], shape[2], k],
    {
      scale: scale === null ? null : operands.pad(scale, [0], [k]),
      bias: bias === null ? null : operands.pad(bias, [0], [k]),
      add: add === null ? null : operands.pad(add, [3], [k]),
      relu,
    },
    keepsFilter,
  );
  return operands.narrow(y, shape);
}

/** Throws if operands are not floats, the bias does not fit, or there is nothing to sum. */
function checkOperands(op: string, x: Tensor, w: Tensor, bias: Tensor | null, shape: Shape): void {
  checkFloat(op, x, w, ...(bias === null ? [] : [bias]));
  if (bias !== null && (bias.shape.length !== 1 || bias.shape[0] !== shape[3])) {
    throw new RangeError(`${op}: bias [${bias.shape}] does not fit weight [${w.shape}]: expected [${shape[3]}]`);
  }
  if (sizeOf(shape) > 0 && (x.size === 0 || w.size === 0)) {
    throw new RangeError(`${op}: [${x.shape}] and [${w.shape}] have no elements to sum`);
  }
}

/** A forward convolution whose channels are multiples of four. */
function forward(
  op: string,
  x: Tensor,
  w: Tensor,
  geometry: Geometry,
  shape: readonly [number, number, number, number],
  epilogue: ProductEpilogue<Tensor>,
  keepsFilter: boolean,
): Tensor {
  const [n, p, q, k] = shape;
  const y = empty(x.device, shape, 'float32', op);
  if (y.size === 0) return y;
  const winograd = winogradFor(factsOf(x.device), w.shape, geometry, [n, p, q]);
  if (winograd !== null) {
    winogradForward(winograd, op, x, w, y, geometry.padding, epilogue, keepsFilter);
    return y;
  }
  const { add = null } = epilogue;
  inSlices(op, n, add === null ? [x] : [x, add], [y], (_, images, slices) => {
    gemm(x.device, op, {
      ...convolutionRows(geometry, x.shape, w.shape, [p, q], images),
      k,
      groups: geometry.groups,
      x: slices[0]!,
      w,
      y: slices.at(-1)!,
      epilogue: { ...epilogue, add: add === null ? null : slices[1]! },
    });
  });
  return y;
}

/** dx + add, of shape `xShape`: each input pixel gathers the outputs that read it. */
export const conv2dGradInput = (
  dy: Tensor,
  w: Tensor,
  xShape: Shape,
  options: Conv2dOptions,
  add: Tensor | null = null,
): Tensor => transposed('conv2d input gradient', dy, w, xShape, options, { add });

/** What the input gradient of a convolution from y to x is for x, plus the bias. */
export function convTranspose2dForward(
  x: Tensor,
  w: Tensor,
  bias: Tensor | null,
  options: ConvTranspose2dOptions,
): Tensor {
  const op = 'convTranspose2d';
  const shape = convTranspose2dShape(x.shape, w.shape, options);
  checkOperands(op, x, w, bias, shape);
  return transposed(op, x, w, shape, options, { bias });
}

function transposed(
  op: string,
  dy: Tensor,
  w: Tensor,
  xShape: Shape,
  options: Conv2dOptions,
  { bias = null, add = null }: Pick<ProductEpilogue<Tensor>, 'bias' | 'add'>,
): Tensor {
  const [n, h, width] = xShape as [number, number, number];
  const geometry = geometryOf(op, w.shape, options);
  if (isDepthwise(w.shape, geometry)) {
    const dx = depthwiseGradInput(op, dy, w, geometry, xShape, bias);
    if (add !== null) axpby(add, dx, 1, 1);
    return dx;
  }
  const { groups } = geometry;
  const [c, k] = [groupsOfVec4(xShape[3]!, groups), groupsOfVec4(dy.shape[3]!, groups)];
  const operands = new Vec4Operands(op, groups);
  const [source, filter] = [operands.pad(dy, [3], [k]), operands.pad(w, [2, 3], [c / groups, k])];
  const dx = gradInput(op, source, filter, geometry, [n, h, width, c], {
    bias: bias === null ? null : operands.pad(bias, [0], [c]),
    add: add === null ? null : operands.pad(add, [3], [c]),
  });
  return operands.narrow(dx, xShape);
}

/** The input gradient where channels are multiples of four, + bias + add: a convolution of dy for each phase of the input. */
function gradInput(
  op: string,
  dy: Tensor,
  w: Tensor,
  geometry: Geometry,
  shape: readonly [number, number, number, number],
  { bias, add }: { readonly bias: Tensor | null; readonly add: Tensor | null },
): Tensor {
  const [n, h, width, c] = shape;
  const { groups, padding } = geometry;
  const dx = empty(dy.device, shape, 'float32', op);
  if (dx.size === 0) return dx;
  if (dy.size === 0) {
    fill(dx, 0);
    if (add !== null) axpby(add, dx, 1, 1);
    return dx;
  }
  const adapter = factsOf(dy.device);
  const phases = phasesOf(w.shape, geometry, [h, width]);
  const winograd = winogradFor(adapter, w.shape, geometry, [n, h, width]);
  if (winograd !== null) {
    const filter = flippedFilter(op, w, groups, phases[0]!);
    winogradForward(winograd, op, dy, filter, dx, [2 - padding[0], 2 - padding[1]], { bias, add });
    filter.dispose();
    return dx;
  }
  const isRead = groups === 1 && readsTransposed(adapter);
  const filters = phases.map((phase) => (isRead ? w : flippedFilter(op, w, groups, phase)));
  inSlices(op, n, add === null ? [dy] : [dy, add], [dx], (_, images, slices) => {
    const epilogue = { bias, add: add === null ? null : slices[1]! };
    phases.forEach((phase, i) => {
      const rows = isPointwise(w.shape, geometry)
        ? convolutionRows(geometry, dy.shape, w.shape, [h, width], images)
        : { images, ...phaseRows(phase, geometry, dy.shape, shape) };
      const product = { ...rows, k: c, groups, x: slices[0]!, w: filters[i]!, y: slices.at(-1)!, epilogue };
      gemm(dy.device, op, { ...product, taps: isRead ? tapsOf(phase, w.shape) : null });
    });
  });
  if (!isRead) for (const filter of filters) filter.dispose();
  return dx;
}

/** dw, of shape `wShape`. */
export function conv2dGradWeight(dy: Tensor, x: Tensor, wShape: Shape, options: Conv2dOptions): Tensor {
  const op = 'conv2d weight gradient';
  const geometry = geometryOf(op, wShape, options);
  const { groups } = geometry;
  const [r, s] = wShape as [number, number];
  const [c, k] = [roundUpToVec4(wShape[2]!), groupsOfVec4(wShape[3]!, groups)];
  const shape = [r, s, c, k];
  const bytes = sizeOf(shape) * 4;
  if (bytes > x.device.bindingLimit) {
    const reason = `weights [${wShape}] take ${formatBytes(bytes)}, more than can be bound`;
    throw new GpuOutOfMemoryError(op, bytes, reason);
  }
  if (dy.size === 0 || x.size === 0) {
    const zeros = empty(x.device, wShape, 'float32', op);
    fill(zeros, 0);
    return zeros;
  }
  if (isDepthwise(wShape, geometry)) return depthwiseGradWeight(op, x, dy, geometry, wShape);
  const operands = new Vec4Operands(op, groups);
  const [source, gradient] = [operands.pad(x, [3], [c * groups]), operands.pad(dy, [3], [k])];
  return operands.narrow(gradWeight(op, source, gradient, geometry, shape), wShape);
}

/** The weight gradient where channels are multiples of four. */
function gradWeight(op: string, x: Tensor, dy: Tensor, geometry: Geometry, shape: Shape): Tensor {
  const [n, p, q, k] = dy.shape as [number, number, number, number];
  const winograd = winogradFor(factsOf(x.device), shape, geometry, [n, p, q]);
  if (winograd !== null) return winogradGradWeight(winograd, op, x, dy, geometry.padding);
  let sum: Tensor | null = null;
  inSlices(op, n, [x, dy], [], (_, count, [xs, dys]) => {
    const { images, gather, scatter } = convolutionRows(geometry, x.shape, shape, [p, q], count);
    const outputs = [scatter.rows, scatter.cols] as const;
    const part = gemmTransposed(x.device, op, { images, gather, outputs, k, groups: geometry.groups, x: xs!, z: dys! });
    sum = accumulate(sum, part);
  });
  const dw = sum!.alias(shape);
  sum!.dispose();
  return dw;
}
