// Every kernel is a WGSL file that compiles alone, so that what several kernels share is repeated in each. The copies are
// equal, byte for byte.
import { readFileSync } from 'node:fs';
import { test } from 'uvu';
import * as assert from 'uvu/assert';

const read = (kernel: string): string =>
  readFileSync(new URL(`../../src/kernels/wgsl/${kernel}.wgsl`, import.meta.url), 'utf8');

/** The declarations of a file that start with `start`: each to the end of its line, or of the block that it opens. */
const declarations = (kernel: string, start: string): string =>
  [...read(kernel).matchAll(new RegExp(`^${start}.*(?:\\{\\n[^]*?^\\}|;.*|\\}.*)$`, 'gm'))]
    .map(([text]) => text)
    .join('\n');

const families = ['subgroup', 'broadcast', 'lane', 'tile'];
const products = families.map((family) => `gemm_${family}`);
const transposed = families.map((family) => `gemm_tn_${family}`);

const copies: readonly (readonly [what: string, start: string, kernels: readonly string[]])[] = [
  ['parameters of the products', 'struct Params', products],
  ['bindings of the products', '@group', products],
  ['parameters of the transposed products', 'struct Params', transposed],
  ['bindings of the transposed products', '@group', transposed],
  ['intersection over union', 'fn iou', ['best_overlap', 'match_anchors']],
  ['high halves of products', 'fn mulHigh', ['dropout', 'random_uniform', 'trigonometry']],
  ['random bits', 'fn philox', ['dropout', 'random_uniform']],
  ['tests for NaN', 'fn isNan', ['trigonometry', 'unary']],
  ['NaN made at run time', 'fn nan', ['trigonometry', 'unary']],
  ['copied signs', 'fn withSign', ['trigonometry', 'unary']],
  ['bindings of one momentum', '@group', ['lion_step', 'sgd_step']],
  ['its state', 'struct State', ['lion_step', 'sgd_step']],
];

for (const [what, start, [first, ...others]] of copies) {
  test(`${what}: the same in ${[first, ...others].join(', ')}`, () => {
    const expected = declarations(first!, start);
    assert.ok(expected.includes('\n'), `${first} has no ${start}`);
    for (const kernel of others) assert.is(declarations(kernel, start), expected, kernel);
  });
}

test.run();
