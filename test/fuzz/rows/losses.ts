import { moments } from '../../../src/measure/reference/batch-norm.ts';
import {
  bceWithLogits,
  crossEntropy,
  giouLoss,
  huberLoss,
  l1Loss,
  mseLoss,
  nllLoss,
  reduced,
  sigmoidFocalLoss,
  smoothL1,
  type RowOptions,
} from '../../reference/losses.ts';
import { batchNorm, batchNormInference, groupNorm } from '../../reference/normalization.ts';
import { map } from '../../reference/elementwise.ts';
import { ref, sizeOf, type Ref } from '../../reference/array.ts';
import type { Draw } from '../draw.ts';
import { isFloat, type Argument, type Operand, type Row, type Value } from '../program.ts';
import { after, finished, type After } from './images.ts';
import { logSoftmaxTerms } from './reduce.ts';

type Eps = { readonly eps?: number };
type Reduction = 'none' | 'sum' | 'mean';

/** A tensor [N, .., C] with values. */
const batch = (d: Draw): Operand =>
  d.operand(
    (v) => isFloat(v) && v.shape.length >= 2 && v.data.length > 0 && !hasInfinity(v),
    () =>
      d.leaf(
        d.shape(2).map((extent) => Math.max(extent, 1)),
        d.pick(['integers', 'normal', 'offset']),
      ),
  );

/** Statistics and losses of infinities are infinite or NaN, as it happens: infinities are kept away from them. */
export const hasInfinity = (v: Value): boolean => v.data.some((x) => Math.abs(x) === Infinity);

const perChannel = (d: Draw, c: number): Operand =>
  d.operand(
    (v) => isFloat(v) && v.shape.length === 1 && v.shape[0] === c,
    () => d.leaf([c]),
  );

const eps = (d: Draw): { readonly eps?: number } => d.options({ eps: d.pick([1e-3, 0.1, 1e-5]) });

/**
 * Terms of gamma (x - mean) / sqrt(variance + eps) + beta that cancel, for statistics of each group of elements. The gradient
 * subtracts averages over the group, also of products with the normalised values n, which are off by as much as a large mean
 * makes them.
 */
export function normTerms(
  x: Value,
  { at, gamma, beta, eps = 1e-5 }: { at: Value; gamma: Value | null; beta: Value | null; eps: number | undefined },
  groupOf: (i: number) => number,
  isForGradient: boolean,
): Ref {
  const groups = new Map<number, number[]>();
  for (const i of at.data.keys()) groups.set(groupOf(i), [...(groups.get(groupOf(i)) ?? []), i]);
  // Of one sign, so that these do not cancel themselves.
  const size = (i: number): number => (at.data[i]! < 0 ? -x.data[i]! : x.data[i]!);
  const [scales, shifts] = [gamma?.data ?? Float64Array.of(1), beta?.data ?? Float64Array.of(1)];
  const lost = new Float64Array(x.data.length);
  for (const group of groups.values()) {
    const [mean, variance] = moments(group.length, (k) => at.data[group[k]!]!);
    const inverse = 1 / Math.sqrt(variance + eps);
    const n = (i: number): number => Math.abs(at.data[i]! - mean) * inverse;
    const average = (f: (i: number) => number): number => group.reduce((sum, i) => sum + f(i), 0) / group.length;
    const [sizes, products] = isForGradient ? [average(size), average((i) => n(i) * size(i))] : [0, 0];
    const loss = isForGradient ? 1 + Math.abs(mean) * inverse : 1;
    for (const i of group) {
      const terms = (size(i) + sizes + n(i) * products) * loss + Math.abs(mean);
      lost[i] = terms * inverse * Math.abs(scales[i % scales.length]!) + Math.abs(shifts[i % shifts.length]!);
    }
  }
  return ref(x.shape, lost);
}

/** The group of channels of one image to which an element of x [N, .., C] belongs. */
function groupsOf({ shape }: Value, groups: number): (i: number) => number {
  const channels = shape.at(-1)!;
  const image = sizeOf(shape.slice(1));
  return (i) => Math.floor(i / image) * groups + Math.floor((i % channels) / (channels / groups));
}

export const norms: Readonly<Record<string, Row>> = {
  batchNorm: {
    draw: (d) => {
      const x = batch(d);
      const c = d.shapeOf(x).at(-1)!;
      return [x, perChannel(d, c), perChannel(d, c), eps(d), after(d, d.shapeOf(x))];
    },
    reference: (x: Value, gamma: Value, beta: Value, { eps }: Eps, epilogue: After) => {
      const { y, mean, variance } = batchNorm(x, gamma, beta, eps);
      return { y: finished(y, epilogue), mean, variance };
    },
    cancels: (
      [x, gamma, beta, { eps }]: readonly [Value, Value, Value, Eps],
      [at]: readonly [Value],
      isForGradient,
    ) => ({
      y: normTerms(x, { at, gamma, beta, eps }, (i) => i % x.shape.at(-1)!, isForGradient),
    }),
    accuracy: { ulps: 8 },
    detached: [1, 2],
    mayOverflow: true,
  },
  batchNormInference: {
    draw: (d) => {
      const x = batch(d);
      const c = d.shapeOf(x).at(-1)!;
      const [mean, variance] = [d.leaf([c], 'normal', 'float32', true), d.leaf([c], 'positive', 'float32', true)];
      return [x, perChannel(d, c), perChannel(d, c), mean, variance, eps(d), after(d, d.shapeOf(x))];
    },
    reference: (x: Value, gamma: Value, beta: Value, m: Value, v: Value, { eps }: Eps, epilogue: After) =>
      finished(batchNormInference(x, gamma, beta, m, v, eps), epilogue),
    accuracy: { ulps: 8 },
    mayOverflow: true,
  },
  groupNorm: {
    draw: (d) => {
      const x = batch(d);
      const c = d.shapeOf(x).at(-1)!;
      const groups = d.pick([1, 2, 3, c].filter((g) => c % g === 0));
      return [x, groups, perChannel(d, c), perChannel(d, c), eps(d)];
    },
    reference: (x: Value, groups: number, gamma: Value, beta: Value, { eps }: Eps) =>
      groupNorm(x, groups, gamma, beta, eps),
    cancels: (
      [x, groups, gamma, beta, { eps }]: readonly [Value, number, Value, Value, Eps],
      [at]: readonly [Value],
      isForGradient,
    ) => normTerms(x, { at, gamma, beta, eps }, groupsOf(x, groups), isForGradient),
    accuracy: { ulps: 8 },
    mayOverflow: true,
  },
};

/** Logits [.., K] with K > 0. */
const logits = (d: Draw): Operand =>
  d.operand(
    (v) => isFloat(v) && v.shape.length > 0 && v.shape.at(-1)! > 0 && !hasInfinity(v),
    () => d.leaf([...d.shape(0, 3), d.pick([3, 1, 2, 5])], 'normal'),
  );

/** Class indices for logits. */
const classes = (d: Draw, x: Operand, low: number): Operand =>
  d.leaf(d.shapeOf(x).slice(0, -1), { low, high: d.shapeOf(x).at(-1)! - 1 }, 'int32');

/** How losses are reduced: the mean of nothing is NaN. */
const reduction = (d: Draw): { readonly [name: string]: Argument } =>
  d.options({ reduction: d.pick<Reduction>(['none', 'sum', 'mean']) });

/** Options of losses of classes. A target that is not a class gives NaN. */
function rowOptions(d: Draw, x: Operand, more: { readonly [name: string]: Argument } = {}): readonly Argument[] {
  const k = d.shapeOf(x).at(-1)!;
  const weight = d.chance(4) ? { weight: d.leaf([k], 'positive', 'float32', true) } : {};
  const low = d.special ? -1 : 0;
  return [classes(d, x, low), { ...weight, ...reduction(d), ...d.options({ ignoreIndex: 0, ...more }) }];
}

/** A loss of two tensors of one shape, the second of which may be new. */
const pairLoss = (f: (a: Ref, b: Ref, parameter?: number) => Ref, name?: string): Row => ({
  draw: (d) => {
    const a = d.float();
    const shape = d.shapeOf(a);
    const b = d.operand(
      (v) => isFloat(v) && `${v.shape}` === `${shape}`,
      () => d.leaf(shape),
    );
    return [a, b, { ...reduction(d), ...(name === undefined ? {} : d.options({ [name]: d.pick([0.5, 2]) })) }];
  },
  reference: (a: Value, b: Value, { reduction, ...options }: Readonly<Record<string, never>>) =>
    reduced(f(a, b, name === undefined ? undefined : options[name]), reduction),
  accuracy: { ulps: 8 },
  mayOverflow: true,
});

export const losses: Readonly<Record<string, Row>> = {
  sigmoidFocalLoss: {
    draw: (d) => {
      const x = logits(d);
      return [x, classes(d, x, -2), d.options({ alpha: d.pick([0.5, -1, 0]), gamma: d.pick([0, 1, 1.5]) })];
    },
    reference: (x: Value, targets: Value, { alpha, gamma }: { alpha?: number; gamma?: number }) =>
      sigmoidFocalLoss(x, targets, alpha, gamma),
    accuracy: { ulps: 64 },
    mayOverflow: true,
  },
  bceWithLogits: {
    draw: (d) => {
      const x = d.within(-200, 200, 'normal');
      if (hasInfinity(d.value(x))) return null;
      return [x, d.leaf(d.shapeOf(x), 'probability'), { ...reduction(d), ...d.options({ posWeight: 3, weight: 0.5 }) }];
    },
    reference: (x: Value, targets: Value, options: { reduction?: Reduction; posWeight?: number; weight?: number }) => {
      const { reduction, posWeight, weight = 1 } = options;
      return reduced(
        map(bceWithLogits(x, targets, posWeight), (v) => v * weight),
        reduction,
      );
    },
    // The derivatives are differences of sigmoids and of softplus.
    cancels: (
      [x, targets, { reduction }]: readonly [Value, Value, { reduction?: Reduction }],
      [xRest, targetsRest]: readonly [Value, Value],
      isForGradient,
    ) => {
      const term = (value: Value, rest: Value, i: number): number => (rest.data[i]! < 0 ? -1 : 1) * value.data[i]!;
      const terms = x.data.map(
        (_, i) => 3 * (term(x, xRest, i) + term(targets, targetsRest, i) * (2 + Math.abs(xRest.data[i]!))),
      );
      return reduced(isForGradient ? ref(x.shape, terms) : ref(x.shape), reduction);
    },
    accuracy: { ulps: 32, absolute: 2 ** -22 },
    mayOverflow: true,
  },
  crossEntropy: {
    draw: (d) => {
      const x = logits(d);
      return [x, ...rowOptions(d, x, { labelSmoothing: 0.1 })];
    },
    reference: (x: Value, targets: Value, options: RowOptions) =>
      crossEntropy(x, targets, { reduction: 'mean', ...options }),
    cancels: ([x, targets, options]: readonly [Value, Value, RowOptions], [rest]: readonly [Value], isForGradient) =>
      nllLoss(
        map(logSoftmaxTerms(x, rest), (v) => (isForGradient ? -v : 0)),
        targets,
        { reduction: 'mean', ...options },
      ),
    accuracy: { ulps: 32, absolute: 2 ** -21 },
    mayOverflow: true,
  },
  nllLoss: {
    draw: (d) => {
      const x = logits(d);
      return [x, ...rowOptions(d, x)];
    },
    reference: (x: Value, targets: Value, options: RowOptions) =>
      nllLoss(x, targets, { reduction: 'mean', ...options }),
    accuracy: { ulps: 8 },
    mayOverflow: true,
  },
  mseLoss: pairLoss(mseLoss),
  l1Loss: pairLoss(l1Loss),
  huberLoss: pairLoss(huberLoss, 'delta'),
  smoothL1Loss: pairLoss(smoothL1, 'beta'),
  giouLoss: {
    draw: (d) => {
      const shape = [...d.shape(0, 3), 4];
      return [d.leaf(shape, 'boxes'), d.leaf(shape, 'boxes'), d.options({ eps: 1e-3 })];
    },
    reference: (a: Value, b: Value, { eps }: Eps) => giouLoss(a, b, eps),
    // The loss is 1 minus something, for equal boxes nearly 1.
    cancels: ([a]: readonly [Value], _: readonly unknown[], isForGradient) => {
      const shape = a.shape.slice(0, -1);
      return ref(shape, new Float64Array(sizeOf(shape)).fill(isForGradient ? 0 : 2));
    },
    accuracy: { ulps: 16 },
    mayOverflow: true,
  },
};
