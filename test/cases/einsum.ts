import * as ops from '../../src/index.ts';
import { einsum } from '../reference/einsum.ts';
import { tolerance } from '../support/compare.ts';
import { casesOf, normal, values, type CaseInput, type OpCase, type Row } from '../support/op-case.ts';

interface Options {
  readonly equation: string;
  /** The equation with the ellipsis written in letters. */
  readonly whole?: string;
}

const row = (equation: string, ...shapes: readonly (readonly number[])[]): Row<Options> => ({
  inputs: shapes.map((shape) => normal(...shape)),
  options: { equation },
});

const dots = (equation: string, whole: string, ...shapes: readonly (readonly number[])[]): Row<Options> => ({
  inputs: shapes.map((shape) => normal(...shape)),
  options: { equation, whole },
});

const infinite = (...shape: number[]): CaseInput => values([1, Infinity, NaN, 0, -1, 2], shape);

export const cases: readonly OpCase[] = casesOf<Options>({
  op: 'einsum',
  run: (inputs, { equation }) => ops.einsum(equation, ...inputs),
  reference: (inputs, { equation, whole = equation }) => einsum(whole, inputs),
  terms: () => 64,
  tolerance: tolerance(64, 4),
  rows: [
    row('ij,jk->ik', [3, 5], [5, 7]),
    row('ij,jk', [3, 5], [5, 7]),
    row('bij,bjk->bik', [2, 3, 5], [2, 5, 7]),
    row('bij,bjk->ikb', [2, 3, 5], [2, 5, 7]),
    row('bhqd,bhkd->bhqk', [2, 3, 4, 5], [2, 3, 6, 5]),
    row('i,i->', [65], [65]),
    row('i,j->ij', [3], [5]),
    row('i,j->ji', [3], [5]),
    row('ij,ij->ij', [3, 5], [3, 5]),
    row('ij,ij->i', [3, 5], [3, 5]),
    row('ij->ij', [3, 5]),
    row('ij->ji', [3, 5]),
    row('ba', [3, 5]),
    row('ij->', [3, 5]),
    row('ijk->ki', [2, 3, 5]),
    row('->', []),
    row(',i->i', [], [5]),
    row('ii', [5, 5]),
    row('ii->i', [5, 5]),
    row('iji->j', [3, 4, 3]),
    row('iii->i', [3, 3, 3]),
    row('iij,jk->ik', [3, 3, 4], [4, 5]),
    row('ij,kl->il', [2, 3], [4, 5]),
    row('i,ij,j->', [3], [3, 4], [4]),
    row('ij,ij,jk->k', [3, 4], [3, 4], [4, 2]),
    row('ab,bc,cd->ad', [2, 3], [3, 4], [4, 5]),
    row(' i j , j -> i ', [3, 4], [4]),
    row('ij,jk->ik', [3, 1], [4, 5]),
    row('ij,ij->i', [3, 1], [3, 4]),
    row('ij,jk->ik', [3, 0], [0, 5]),
    row('ij,jk->ik', [0, 3], [3, 5]),
    row('aBc->Bca', [2, 3, 4]),
    row('aB', [3, 4]),
    dots('...ij,...jk->...ik', 'ij,jk->ik', [3, 4], [4, 5]),
    dots('...ij,...jk->...ik', 'aij,jk->aik', [2, 3, 4], [4, 5]),
    dots('...ij,...jk->...ik', 'baij,ajk->baik', [2, 1, 3, 4], [5, 4, 2]),
    dots('...ij,...jk->...ik', 'aij,bajk->baik', [1, 3, 4], [2, 5, 4, 2]),
    dots('...i,...i', 'ai,ai->a', [2, 3], [2, 3]),
    dots('...ij->ij', 'aij->ij', [2, 3, 4]),
    dots('i...,i...->...', 'iab,iab->ab', [2, 3, 4], [2, 3, 4]),
    dots('...', 'ab->ab', [3, 4]),
    { inputs: [infinite(2, 3), infinite(3, 2)], options: { equation: 'ij,jk->ik' }, differentiable: [] },
    { inputs: [infinite(2, 3), infinite(3)], options: { equation: 'ij,j->ij' }, differentiable: [] },
  ],
});
