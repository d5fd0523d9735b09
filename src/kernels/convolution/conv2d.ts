import { GpuOutOfMemoryError, formatBytes } from '../../tensor/errors.ts';
import { sizeOf, type Shape } from '../../tensor/shape.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import { checkFloat } from '../elementwise.ts';
import { slicesOf } from '../slices.ts';
import type { AdapterFacts } from '../tuning.ts';
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
import { addFlippedFilter, phaseRows, phasesOf, tapsOf } from './conv2d-phases.ts';
import { addDepthwise, addDepthwiseGradInput, addDepthwiseGradWeight, isDepthwise } from './depthwise.ts';
import { execute, planFor } from './execute.ts';
import { addProduct, addTransposed, readsTransposed, type ProductEpilogue } from './gemm.ts';
import { Planner, operand, temporary, type Plan, type Planned } from './plan.ts';
import { addNarrowing, addPadding, groupsOfVec4 } from './vec4-operands.ts';
import { addTransformedFilter, addWinograd, addWinogradGradWeight, winogradFor, type Winograd } from './winograd.ts';

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
  const y = conv2dShape(x.shape, w.shape, options);
  checkOperands(op, x, w, bias, y);
  const geometry = geometryOf(op, w.shape, options);
  const has = { scale: scale !== null, bias: bias !== null, add: add !== null, relu };
  const shapes = { op, x: x.shape, w: w.shape, y, geometry };
  const plan = planFor(x.device, JSON.stringify(['forward', shapes, has]), (adapter) =>
    planForward(adapter, shapes, has),
  );
  return execute(x.device, plan, { x, w, scale, bias, add }, keepsFilter);
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

/** What a convolution and its gradients have in common: y [N, P, Q, K] is that of x [N, H, W, C] and w [R, S, C / groups, K]. */
interface Convolution {
  readonly op: string;
  readonly x: Shape;
  readonly w: Shape;
  readonly y: Shape;
  readonly geometry: Geometry;
}

/** The channels of x and y, and the shape of w, in whole vectors of four, except for depthwise kernels, which need none. */
function inVectors({ x, w, y, geometry }: Convolution): {
  readonly c: number;
  readonly k: number;
  readonly filter: Shape;
} {
  const { groups } = geometry;
  if (isDepthwise(w, geometry)) return { c: x[3]!, k: y[3]!, filter: w };
  const [c, k] = [groupsOfVec4(x[3]!, groups), groupsOfVec4(y[3]!, groups)];
  return { c, k, filter: [w[0]!, w[1]!, c / groups, k] };
}

/** Which parts an epilogue has. */
type EpilogueParts = Readonly<Record<'scale' | 'bias' | 'add' | 'relu', boolean>>;

/** The epilogue of a result of some shape, with `channels` in whole vectors. */
function plannedEpilogue(
  plan: Planner,
  { scale, bias, add, relu }: EpilogueParts,
  shape: Shape,
  channels: number,
  groups: number,
): Required<ProductEpilogue<Planned>> {
  const perChannel = (name: string): Planned => addPadding(plan, operand(name, [shape[3]!]), [0], [channels], groups);
  return {
    scale: scale ? perChannel('scale') : null,
    bias: bias ? perChannel('bias') : null,
    add: add ? addPadding(plan, operand('add', shape), [3], [channels], groups) : null,
    relu,
  };
}

/** The plan of `conv2dForward`. */
export function planForward(adapter: AdapterFacts, shapes: Convolution, has: EpilogueParts): Plan {
  const { op, x, w, y, geometry } = shapes;
  const plan = new Planner(op, adapter);
  if (sizeOf(y) === 0) return plan.finish(temporary('result', y));
  const { groups, padding } = geometry;
  const { c, k, filter } = inVectors(shapes);
  const [n, p, q] = y as [number, number, number];
  const source = addPadding(plan, operand('x', x), [3], [c], groups);
  const epilogue = plannedEpilogue(plan, has, y, k, groups);
  const result = temporary('result', [n, p, q, k]);
  const winograd = winogradFor(adapter, filter, geometry, [n, p, q]);
  const weight = operand('w', w);
  if (isDepthwise(w, geometry)) {
    addDepthwise(plan, source, weight, result, geometry, epilogue);
  } else if (winograd !== null) {
    const transform = planTransformedFilter(adapter, op, winograd, w, filter);
    const u = plan.derive(`winograd ${winograd.elements} [${w}]`, weight, transform);
    addWinograd(plan, winograd, source, u, result, padding, epilogue);
  } else {
    const padded = addPadding(plan, weight, [2, 3], filter.slice(2), groups);
    const { add } = epilogue;
    plan.inSlices(n, add === null ? [source] : [source, add], [result], (images, slices) => {
      const rows = convolutionRows(geometry, source.shape, filter, [p, q], images);
      const operands = { x: slices[0]!, w: padded, y: slices.at(-1)! };
      addProduct(plan, operands, {
        ...rows,
        k,
        groups,
        epilogue: { ...epilogue, add: add === null ? null : slices[1]! },
      });
    });
  }
  return plan.finish(addNarrowing(plan, result, y, groups));
}

/** The plan of Winograd's transform of w, whose channels are padded to those of `filter`. */
function planTransformedFilter(adapter: AdapterFacts, op: string, winograd: Winograd, w: Shape, filter: Shape): Plan {
  const plan = new Planner(op, adapter);
  return plan.finish(addTransformedFilter(plan, winograd, addPadding(plan, operand('w', w), [2, 3], filter.slice(2))));
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
  const geometry = geometryOf(op, w.shape, options);
  const has = { scale: false, bias: bias !== null, add: add !== null, relu: false };
  const shapes = { op, x: xShape, w: w.shape, y: dy.shape, geometry };
  const plan = planFor(dy.device, JSON.stringify(['input gradient', shapes, has]), (adapter) =>
    planGradInput(adapter, shapes, has),
  );
  return execute(dy.device, plan, { dy, w, bias, add });
}

/** The plan of the input gradient, + bias + add: a convolution of dy for each phase of the input. */
export function planGradInput(adapter: AdapterFacts, shapes: Convolution, has: EpilogueParts): Plan {
  const { op, x, w, y, geometry } = shapes;
  const plan = new Planner(op, adapter);
  if (sizeOf(x) === 0) return plan.finish(temporary('result', x));
  if (sizeOf(y) === 0) {
    const zeros = temporary('result', x);
    plan.zero(zeros);
    return plan.finish(has.add ? plan.accumulate(zeros, operand('add', x)) : zeros);
  }
  const { groups, padding } = geometry;
  const { c, k, filter } = inVectors(shapes);
  const [n, h, width] = x as [number, number, number];
  const dy = addPadding(plan, operand('dy', y), [3], [k], groups);
  const weight = addPadding(plan, operand('w', w), [2, 3], filter.slice(2), groups);
  const epilogue = plannedEpilogue(plan, has, x, c, groups);
  const dx = temporary('result', [n, h, width, c]);
  slicesOf(op, adapter, n, [dx]); // Throws if an image cannot be bound, before its phases are listed.
  const phases = phasesOf(w, geometry, [h, width]);
  const winograd = winogradFor(adapter, filter, geometry, [n, h, width]);
  const { bias, add } = epilogue;
  if (isDepthwise(w, geometry)) {
    addDepthwiseGradInput(plan, dy, weight, dx, geometry, bias);
    if (add !== null) plan.accumulate(dx, add);
  } else if (winograd !== null) {
    const u = addTransformedFilter(plan, winograd, addFlippedFilter(plan, weight, groups, phases[0]!));
    addWinograd(plan, winograd, dy, u, dx, [2 - padding[0], 2 - padding[1]], epilogue);
  } else {
    const isRead = groups === 1 && readsTransposed(adapter);
    const filters = phases.map((phase) => (isRead ? weight : addFlippedFilter(plan, weight, groups, phase)));
    plan.inSlices(n, add === null ? [dy] : [dy, add], [dx], (images, slices) => {
      phases.forEach((phase, i) => {
        const rows = isPointwise(w, geometry)
          ? convolutionRows(geometry, dy.shape, w, [h, width], images)
          : { images, ...phaseRows(phase, geometry, dy.shape, dx.shape) };
        const operands = { x: slices[0]!, w: filters[i]!, y: slices.at(-1)! };
        addProduct(plan, operands, {
          ...rows,
          k: c,
          groups,
          taps: isRead ? tapsOf(phase, w) : null,
          epilogue: { ...epilogue, add: add === null ? null : slices[1]! },
        });
      });
    });
  }
  return plan.finish(addNarrowing(plan, dx, x, groups));
}

/** dw, of shape `wShape`. */
export function conv2dGradWeight(dy: Tensor, x: Tensor, wShape: Shape, options: Conv2dOptions): Tensor {
  const op = 'conv2d weight gradient';
  const geometry = geometryOf(op, wShape, options);
  const shapes = { op, x: x.shape, w: wShape, y: dy.shape, geometry };
  const plan = planFor(x.device, JSON.stringify(['weight gradient', shapes]), (adapter) =>
    planGradWeight(adapter, shapes),
  );
  return execute(x.device, plan, { x, dy });
}

/** The plan of `conv2dGradWeight`. */
export function planGradWeight(adapter: AdapterFacts, shapes: Convolution): Plan {
  const { op, x, w, y, geometry } = shapes;
  const plan = new Planner(op, adapter);
  const { groups, padding } = geometry;
  const { c, k, filter } = inVectors(shapes);
  const bytes = sizeOf(filter) * 4;
  if (bytes > adapter.bindingLimit) {
    const reason = `weights [${w}] take ${formatBytes(bytes)}, more than can be bound`;
    throw new GpuOutOfMemoryError(op, bytes, reason);
  }
  if (sizeOf(x) === 0 || sizeOf(y) === 0) {
    const zeros = temporary('result', w);
    plan.zero(zeros);
    return plan.finish(zeros);
  }
  const [n, p, q] = y as [number, number, number];
  const source = addPadding(plan, operand('x', x), [3], [c], groups);
  const dy = addPadding(plan, operand('dy', y), [3], [k], groups);
  const winograd = winogradFor(adapter, filter, geometry, [n, p, q]);
  const dw = isDepthwise(w, geometry)
    ? addDepthwiseGradWeight(plan, source, dy, geometry, w)
    : winograd !== null
      ? addWinogradGradWeight(plan, winograd, source, dy, padding)
      : addGradWeight(plan, source, dy, geometry, filter);
  return plan.finish(addNarrowing(plan, dw, w, groups));
}

/** Plans the weight gradient, of a shape with whole vectors of channels, as a product. */
function addGradWeight(plan: Planner, x: Planned, dy: Planned, geometry: Geometry, shape: Shape): Planned {
  const [n, p, q, k] = dy.shape as [number, number, number, number];
  let sum: Planned | null = null;
  plan.inSlices(n, [x, dy], [], (count, [xs, dys]) => {
    const { images, gather, scatter } = convolutionRows(geometry, x.shape, shape, [p, q], count);
    const outputs = [scatter.rows, scatter.cols] as const;
    const product = { images, gather, outputs, k, groups: geometry.groups };
    sum = plan.accumulate(sum, addTransposed(plan, { x: xs!, z: dys! }, product, shape));
  });
  return sum!;
}
