import { attention } from '../../reference/attention.ts';
import { at, build, ref, sizeOf, type Ref } from '../../reference/array.ts';
import {
  conv1d,
  convTranspose2d,
  type Conv1dOptions as Conv1dReference,
  type TransposedOptions,
} from '../../reference/conv2d.ts';
import { dropout } from '../../reference/dropout.ts';
import { einsum } from '../../reference/einsum.ts';
import { layerNorm } from '../../reference/normalization.ts';
import { adaptiveAvgPool2d } from '../../reference/pool2d.ts';
import { mean } from '../../reference/reduce.ts';
import type { Draw } from '../draw.ts';
import { isFloat, type Argument, type Operand, type Row, type Value } from '../program.ts';
import { filter, image, pairOf } from './images.ts';
import { hasInfinity, normTerms } from './losses.ts';

/** A float tensor of a shape; in special programs without infinities and NaN, for what mixes them in some order. */
const ofShape = (d: Draw, shape: readonly number[]): Operand =>
  d.operand(
    (v) => isFloat(v) && `${v.shape}` === `${shape}` && !d.special,
    () => d.leaf(shape, d.pick(['integers', 'normal'])),
  );

interface Attention {
  readonly mask?: Value;
  readonly isCausal?: boolean;
  readonly scale?: number;
}

function drawnAttention(d: Draw): readonly Argument[] {
  const lead = d.shape(0, 2).map((extent) => Math.min(extent, 3));
  const [l, s, e, v] = [d.int(1, 4), d.int(1, 4), d.int(1, 4), d.int(1, 3)];
  const kind = d.int(0, 3);
  const mask =
    kind === 1
      ? { mask: d.leaf([l, s], { low: 0, high: 1 }, 'bool') }
      : kind === 2
        ? { mask: d.leaf([l, s], 'normal') }
        : {};
  const options = { ...mask, ...(kind === 3 ? { isCausal: true } : {}), ...d.options({ scale: 0.5 }) };
  return [ofShape(d, [...lead, l, e]), ofShape(d, [...lead, s, e]), ofShape(d, [...lead, s, v]), options];
}

function attended(q: Value, k: Value, v: Value, { mask, isCausal, scale }: Attention): Ref {
  const isAllowed = (i: number, j: number): boolean =>
    isCausal === true ? j <= i : mask?.dtype !== 'bool' || at(mask, [i, j]) !== 0;
  const bias = (i: number, j: number): number => (mask?.dtype === 'float32' ? at(mask, [i, j]) : 0);
  return attention(q, k, v, scale ?? 1 / Math.sqrt(q.shape.at(-1)!), isAllowed, bias);
}

/**
 * Terms that cancel in the gradient of the scores, P (dP - sum of P dP) with the weights P at rest: the scores' own terms, of one
 * sign and linear in query, key and mask, weighted by the values' sizes.
 */
function attentionTerms(
  [q, k, v, options]: readonly [Value, Value, Value, Attention],
  [qRest, kRest, vRest, { mask: maskRest }]: readonly [Value, Value, Value, Attention],
  isForGradient: boolean,
): Ref {
  if (!isForGradient) return ref(attended(q, k, v, options).shape);
  const { mask, scale = 1 / Math.sqrt(q.shape.at(-1)!) } = options;
  const size = (rest: number, x: number): number => (rest < 0 ? -x : x);
  const weight = (lead: readonly number[], i: number, j: number): number => {
    // The weight of key j is what attention makes of a value that is 1 there.
    const one = build(vRest.shape, (index) => Number(index.at(-2) === j));
    const rest = { ...options, ...(maskRest === undefined ? {} : { mask: maskRest }) };
    return at(attended(qRest, kRest, { ...one, dtype: 'float32' }, rest), [...lead, i, 0]);
  };
  const score = (lead: readonly number[], i: number, j: number): number => {
    let sum = mask?.dtype === 'float32' ? size(at(maskRest!, [i, j]), at(mask, [i, j])) : 0;
    for (let e = 0; e < q.shape.at(-1)!; e++) {
      const [a, b] = [at(qRest, [...lead, i, e]), at(kRest, [...lead, j, e])];
      const moved = at(q, [...lead, i, e]) * b + a * at(k, [...lead, j, e]);
      sum += scale * size(a * b, moved);
    }
    return sum;
  };
  return build([...q.shape.slice(0, -1), v.shape.at(-1)!], (index) => {
    const [lead, [i, c]] = [index.slice(0, -2), index.slice(-2) as [number, number]];
    let [both, scores, values] = [0, 0, 0];
    for (let j = 0; j < k.shape.at(-2)!; j++) {
      const [p, s, x] = [weight(lead, i, j), score(lead, i, j), Math.abs(at(vRest, [...lead, j, c]))];
      both += p * s * x;
      scores += p * s;
      values += p * x;
    }
    return both + scores * values;
  });
}

const EQUATIONS = [
  'ij->ji',
  'ij,jk->ik',
  'i,i->',
  'i,j->ij',
  'bij,bjk->bik',
  'ii->i',
  'ij,ij,jk->k',
  'ijk,j',
  'iij,jk->ik',
  'i,ij,j->',
];

function drawnProduct(d: Draw): readonly Argument[] | null {
  const equation = d.pick(EQUATIONS);
  // Infinite and very large products of three come out differently in another order.
  if (d.special && equation.split(',').length > 2) return null;
  const extents = new Map<string, number>();
  const operands = equation
    .split('->')[0]!
    .split(',')
    .map((term) => {
      const isConsistent = ({ shape }: Value): boolean =>
        [...term].every(
          (letter, i) => shape[term.indexOf(letter)] === shape[i] && (extents.get(letter) ?? shape[i]) === shape[i],
        );
      const fits = (v: Value): boolean =>
        isFloat(v) && v.shape.length === term.length && isConsistent(v) && !hasInfinity(v);
      const known = new Map(extents);
      const fresh = (): Operand => {
        for (const letter of term) if (!known.has(letter)) known.set(letter, d.pick([2, 1, 3, 4, 0]));
        const shape = [...term].map((letter) => known.get(letter)!);
        return d.leaf(shape, d.special ? 'normal' : 'any');
      };
      const operand = d.operand(fits, fresh);
      [...term].forEach((letter, i) => extents.set(letter, d.shapeOf(operand)[i]!));
      return operand;
    });
  return sizeOf([...extents.values()]) > 1500 ? null : [equation, ...operands];
}

function drawnTransposed(d: Draw): readonly Argument[] | null {
  const x = image(d);
  const [, h, w, k] = d.shapeOf(x) as [number, number, number, number];
  if (k === 0) return null;
  const groups = d.pick([1, 1, 2, k].filter((g) => k % g === 0));
  const weights = filter(d, [d.int(1, 3), d.int(1, 3), d.int(1, 3), k]);
  const stride = d.pick([1, 2, 3]);
  const options = {
    ...d.options({ padding: pairOf(d, [0, 1]), dilation: pairOf(d, [1, 2]) }),
    ...(stride > 1 ? { stride, ...d.options({ outputPadding: stride - 1 }) } : {}),
    ...(groups > 1 ? { groups } : {}),
  };
  const bias = d.chance(2) ? ofShape(d, [d.shapeOf(weights)[2]! * groups]) : null;
  const size = convTranspose2d(
    { shape: [0, h, w, k], data: new Float64Array() },
    d.value(weights),
    null,
    options,
  ).shape;
  return size[1]! < 1 || size[2]! < 1 ? null : [x, weights, bias, options];
}

function drawnSequence(d: Draw): readonly Argument[] | null {
  const x = d.operand(
    (v) => isFloat(v) && v.shape.length === 3 && v.shape[1]! > 0 && v.shape[2]! > 0 && sizeOf(v.shape) <= 200,
    () => d.leaf([d.pick([1, 2, 0]), d.int(1, 7), d.int(1, 4)]),
  );
  const [, length, c] = d.shapeOf(x) as [number, number, number];
  const groups = d.pick([1, 1, 2, c].filter((g) => c % g === 0));
  const r = d.int(1, 3);
  const weights = ofShape(d, [r, c / groups, groups * d.int(1, 2)]);
  const padding = d.pick<Argument>([0, 1, [0, 2], 'same']);
  const dilation = d.pick([1, 2]);
  const options = {
    padding,
    ...d.options({ dilation, ...(padding === 'same' ? {} : { stride: d.pick([1, 2]) }) }),
    ...(groups > 1 ? { groups } : {}),
  };
  const reach = dilation * (r - 1);
  const added = padding === 'same' ? reach : typeof padding === 'number' ? 2 * padding : 2;
  if (length + added < reach + 1) return null;
  const bias = d.chance(2) ? ofShape(d, [d.shapeOf(weights)[2]!]) : null;
  return [x, weights, bias, options];
}

export const layers: Readonly<Record<string, Row>> = {
  scaledDotProductAttention: {
    draw: drawnAttention,
    reference: attended,
    cancels: attentionTerms,
    accuracy: { ulps: 16 },
  },
  dropout: {
    draw: (d) => [d.float(), { ...d.options({ p: d.pick([0.1, 0.9, 0, 1]) }), seed: d.int(0, 999) }],
    reference: (x: Value, { p = 0.5, seed }: { readonly p?: number; readonly seed: number }) => dropout(x, p, seed),
    accuracy: { ulps: 3 },
    selects: true,
  },
  layerNorm: {
    draw: (d) => {
      const suits = (v: Value): boolean => isFloat(v) && v.shape.length > 0 && v.data.length > 0 && !hasInfinity(v);
      const x = d.operand(suits, () =>
        d.leaf(
          d.shape(1).map((extent) => Math.max(extent, 1)),
          'normal',
        ),
      );
      const shape = d.shapeOf(x).slice(-d.int(1, d.shapeOf(x).length));
      const gamma = d.chance(3) ? null : ofShape(d, shape);
      const beta = d.chance(3) ? null : ofShape(d, shape);
      return [x, shape.length === 1 && d.chance(2) ? shape[0] : shape, gamma, beta, d.options({ eps: 1e-3 })];
    },
    reference: (
      x: Value,
      shape: number | readonly number[],
      gamma: Value | null,
      beta: Value | null,
      { eps }: { readonly eps?: number },
    ) => layerNorm(x, sizeOf([shape].flat()), gamma ?? undefined, beta ?? undefined, eps),
    cancels: (
      [x, shape, gamma, beta, { eps }]: readonly [
        Value,
        number | readonly number[],
        Value | null,
        Value | null,
        { readonly eps?: number },
      ],
      [rest]: readonly [Value],
      isForGradient,
    ) => {
      const columns = sizeOf([shape].flat());
      return normTerms(x, { at: rest, gamma, beta, eps }, (i) => Math.floor(i / columns), isForGradient);
    },
    accuracy: { ulps: 8 },
    mayOverflow: true,
  },
  einsum: {
    draw: drawnProduct,
    reference: (equation: string, ...operands: readonly Value[]) => einsum(equation, operands),
    mayOverflow: true,
  },
  conv1d: {
    draw: drawnSequence,
    reference: (x: Value, w: Value, bias: Value | null, options: Conv1dReference) => conv1d(x, w, bias, options),
    mayOverflow: true,
  },
  convTranspose2d: {
    draw: drawnTransposed,
    reference: (x: Value, w: Value, bias: Value | null, options: TransposedOptions) =>
      convTranspose2d(x, w, bias, options),
    mayOverflow: true,
  },
  adaptiveAvgPool2d: {
    draw: (d) => [image(d), pairOf(d, [1, 2, 3, 5])],
    reference: (x: Value, size: number | readonly [number, number]) => adaptiveAvgPool2d(x, size),
    mayOverflow: true,
  },
  globalAvgPool2d: { draw: (d) => [image(d)], reference: (x: Value) => mean(x, [1, 2]), mayOverflow: true },
};
