import { checkNumber } from '../../common/check.ts';
import { binary, unary, type BinaryOp } from '../../kernels/elementwise.ts';
import { sumTo } from '../../kernels/reduce.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import { record } from '../tape.ts';

/** A tensor, or a number that broadcasts to any shape. */
export type Operand = Tensor | number;

const tensorOrNull = (operand: Operand): Tensor | null => (typeof operand === 'number' ? null : operand);
const shapeOf = (operand: Operand): readonly number[] => (typeof operand === 'number' ? [] : operand.shape);

/** The operands that a derivative uses: saved tensors or numbers. */
type Values = readonly [a: Operand, b: Operand];

/**
 * Records y = f(a, b). `da` and `db` give the gradients for the broadcast shape; they are summed over the axes along
 * which their operand was stretched.
 */
function differentiable(
  op: BinaryOp,
  a: Operand,
  b: Operand,
  save: boolean,
  da: (dy: Tensor, values: Values) => Tensor,
  db: (dy: Tensor, values: Values) => Tensor,
  beta?: number,
): Tensor {
  const y = binary(op, a, b, beta);
  const [aShape, bShape] = [shapeOf(a), shapeOf(b)];
  const [aNumber, bNumber] = [typeof a === 'number' ? a : 0, typeof b === 'number' ? b : 0];
  const saved = save ? ([tensorOrNull(a), tensorOrNull(b)] as const) : ([null, null] as const);
  return record(op, y, [tensorOrNull(a), tensorOrNull(b)], saved, (dy, [x, z]) => {
    const values: Values = [x ?? aNumber, z ?? bNumber];
    return [() => sumTo(da(dy, values), aShape), () => sumTo(db(dy, values), bShape)];
  });
}

const mulBy = (dy: Tensor, factor: Operand): Tensor => binary('mul', dy, factor);
const negate = (dy: Tensor): Tensor => unary('neg', dy);

/** a + b, with broadcasting; either operand may be a number, here and below. */
export const add = (a: Operand, b: Operand): Tensor =>
  differentiable(
    'add',
    a,
    b,
    false,
    (dy) => dy,
    (dy) => dy,
  );

/** a - b. */
export const sub = (a: Operand, b: Operand): Tensor => differentiable('sub', a, b, false, (dy) => dy, negate);

/** a times b. */
export const mul = (a: Operand, b: Operand): Tensor =>
  differentiable(
    'mul',
    a,
    b,
    true,
    (dy, [, z]) => mulBy(dy, z),
    (dy, [x]) => mulBy(dy, x),
  );

/** a / b; integers are divided towards zero. */
export const div = (a: Operand, b: Operand): Tensor =>
  differentiable(
    'div',
    a,
    b,
    true,
    (dy, [, z]) => binary('div', dy, z),
    (dy, [x, z]) => negate(mulBy(binary('div', dy, z), binary('div', x, z))),
  );

/** a to the power b. For negative a the result is NaN unless b is an integer. */
export const pow = (a: Operand, b: Operand): Tensor =>
  differentiable(
    'pow',
    a,
    b,
    true,
    (dy, [x, z]) => mulBy(mulBy(dy, z), power(x, typeof z === 'number' ? z - 1 : binary('sub', z, 1))),
    (dy, [x, z]) => mulBy(dy, binary('powGradExponent', x, z)),
  );

function power(x: Operand, exponent: Operand): Operand {
  return typeof x === 'number' && typeof exponent === 'number' ? x ** exponent : binary('pow', x, exponent);
}

/** The smaller of a and b. Where they are equal, each gets half of the gradient. */
export const minimum = (a: Operand, b: Operand): Tensor =>
  differentiable(
    'minimum',
    a,
    b,
    true,
    (dy, [x, z]) => mulBy(dy, binary('minimumGrad', x, z)),
    (dy, [x, z]) => mulBy(dy, binary('minimumGrad', z, x)),
  );

/** The larger of a and b. Where they are equal, each gets half of the gradient. */
export const maximum = (a: Operand, b: Operand): Tensor =>
  differentiable(
    'maximum',
    a,
    b,
    true,
    (dy, [x, z]) => mulBy(dy, binary('maximumGrad', x, z)),
    (dy, [x, z]) => mulBy(dy, binary('maximumGrad', z, x)),
  );

/**
 * Smooth L1 distance of each pair of elements (Girshick, Fast R-CNN, equation 3):
 * 0.5 d^2 / beta where |d| < beta, otherwise |d| - 0.5 beta.
 *
 * @param options.beta distance at which the loss changes from quadratic to linear, default 1; 0 gives the L1 distance
 */
export function smoothL1(a: Operand, b: Operand, { beta = 1 }: { readonly beta?: number } = {}): Tensor {
  checkNumber('smoothL1', 'beta', beta, { min: 0 });
  return differentiable(
    'smoothL1',
    a,
    b,
    true,
    (dy, [x, z]) => mulBy(dy, binary('smoothL1Grad', x, z, beta)),
    (dy, [x, z]) => negate(mulBy(dy, binary('smoothL1Grad', x, z, beta))),
    beta,
  );
}

/** 1 where a equals b, otherwise 0, as uint32. Comparisons have no gradient. */
export const equal = (a: Operand, b: Operand): Tensor => binary('equal', a, b);
/** 1 where a differs from b, otherwise 0, as uint32. */
export const notEqual = (a: Operand, b: Operand): Tensor => binary('notEqual', a, b);
/** 1 where a < b, otherwise 0, as uint32. */
export const less = (a: Operand, b: Operand): Tensor => binary('less', a, b);
/** 1 where a <= b, otherwise 0, as uint32. */
export const lessEqual = (a: Operand, b: Operand): Tensor => binary('lessEqual', a, b);
/** 1 where a > b, otherwise 0, as uint32. */
export const greater = (a: Operand, b: Operand): Tensor => binary('greater', a, b);
/** 1 where a >= b, otherwise 0, as uint32. */
export const greaterEqual = (a: Operand, b: Operand): Tensor => binary('greaterEqual', a, b);

/** x limited to [low, high]. The gradient passes where x lies strictly inside, and half of it on the edge. */
export const clamp = (x: Tensor, low: number, high: number): Tensor => {
  checkNumber('clamp', 'low', low, { max: high });
  return minimum(maximum(x, low), high);
};
