import * as ops from '../../src/index.ts';
import { attention } from '../reference/attention.ts';
import { tolerance } from '../support/compare.ts';
import { casesOf, normal, values, type CaseInput, type OpCase } from '../support/op-case.ts';

interface Options {
  readonly isCausal?: boolean;
  readonly scale?: number;
}

/** q [..., L, E], k [..., S, E], v [..., S, V]. */
const qkv = (lead: number[], l: number, s: number, e: number, v: number): CaseInput[] => [
  normal(...lead, l, e),
  normal(...lead, s, e),
  normal(...lead, s, v),
];

export const cases: readonly OpCase[] = casesOf<Options>({
  op: 'scaledDotProductAttention',
  run: ([q, k, v, mask], options) =>
    ops.scaledDotProductAttention(q!, k!, v!, { ...options, ...(mask === undefined ? {} : { mask }) }),
  reference: ([q, k, v, mask], { isCausal = false, scale = 1 / Math.sqrt(q!.shape.at(-1)!) }) => {
    const keys = k!.shape.at(-2)!;
    const entry = (query: number, key: number): number => mask!.data[query * keys + key]!;
    // A mask of 0 and 1 is a bool here, any other is added.
    const isBool = mask?.data.every((value) => value === 0 || value === 1) ?? false;
    return attention(
      q!,
      k!,
      v!,
      scale,
      (query, key) => (!isCausal || key <= query) && (!isBool || entry(query, key) === 1),
      mask === undefined || isBool ? undefined : entry,
    );
  },
  differentiable: [0, 1, 2],
  terms: ([q]) => q!.at(-1)! * q!.at(-2)!,
  tolerance: (terms) => tolerance(terms, 4),
  rows: [
    { inputs: qkv([], 1, 1, 1, 1) },
    { inputs: qkv([], 5, 7, 3, 2) },
    { inputs: qkv([2], 5, 5, 8, 8) },
    { inputs: qkv([2, 3], 4, 6, 5, 7) },
    { inputs: qkv([2], 17, 9, 4, 5), options: { scale: 0.3 } },
    { inputs: qkv([2], 5, 5, 3, 4), options: { isCausal: true } },
    { inputs: qkv([], 3, 6, 3, 4), options: { isCausal: true } },
    { inputs: qkv([], 6, 3, 3, 4), options: { isCausal: true } },
    { inputs: [...qkv([2], 3, 4, 3, 4), values([1, 0, 1, 1, 1], [3, 4], 'bool')] },
    { note: 'no key', inputs: [...qkv([2], 3, 4, 3, 4), values([1, 0, 1, 1, 0, 0, 0, 0], [3, 4], 'bool')] },
    { note: 'added', inputs: [...qkv([2], 3, 4, 3, 4), normal(3, 4)] },
    { inputs: qkv([0], 3, 4, 3, 4) },
    { inputs: qkv([2], 0, 4, 3, 4) },
  ],
});
