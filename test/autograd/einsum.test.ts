import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { einsum, zeros } from '../../src/index.ts';
import { leavesNothing, testDevice } from '../support/device.ts';
import { refuses } from '../support/errors.ts';

const device = await testDevice();

test('errors name the subscript and the equation', () => {
  const [a, b] = [zeros([2, 3]), zeros([4, 5])];
  const refused: [equation: string, message: string][] = [
    ['ij,jk->ik', 'einsum: subscript j is 3 in [2,3] and 4 in [4,5] in "ij,jk->ik"'],
    ['...j,...k->jk', 'einsum: an axis of "..." is 2 in [2,3] and 4 in [4,5] in "...j,...k->jk"'],
    ['ij->ij', 'einsum: 2 operands for 1 terms in "ij->ij"'],
    ['ij,k->ik', 'einsum: "k" names 1 axes of [4,5] in "ij,k->ik"'],
    ['ij,klm->ik', 'einsum: "klm" names 3 axes of [4,5] in "ij,klm->ik"'],
    ['ij,kl->iz', 'einsum: output subscript z is in no operand in "ij,kl->iz"'],
    ['ij,kl->ii', 'einsum: output subscript i occurs twice in "ij,kl->ii"'],
    ['i1,kl->ik', 'einsum: "1", expected letters, "...", "," and "->" in "i1,kl->ik"'],
    ['ij,kl->i->k', 'einsum: more than one "->" in "ij,kl->i->k"'],
    ['......ij,kl', 'einsum: more than one "..." in a term in "......ij,kl"'],
    ['ii,kl', 'einsum: subscript i is 2 in [2,3] and 3 in [2,3] in "ii,kl"'],
  ];
  for (const [equation, message] of refused) refuses(() => einsum(equation, a, b), message);
  assert.throws(() => einsum('ij->ji', zeros([2, 2], { dtype: 'int32' })), /^einsum: expected a float32 tensor/);
  refuses(() => einsum('->'), 'einsum: 0 operands for 1 terms in "->"');
});

test('the result is never an operand, and nothing else is left behind', () =>
  leavesNothing(device, async () => {
    const x = zeros([2, 3], { requiresGrad: true });
    const results = [einsum('ij->ij', x), einsum('ij,kj->ik', x, x), einsum('ij,ij,ij->', x, x, x)];
    assert.ok(results.every((y) => y !== x));
    for (const y of results) y.dispose();
    assert.is((await x.data()).length, 6);
    x.dispose();
  }));

test.run();
