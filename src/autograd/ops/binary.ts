import { checkNumber, optionsOf } from '../../common/check.ts';
import { binary, type BinaryOp } from '../../kernels/elementwise.ts';
import { checkTensor, type Tensor } from '../../tensor/tensor.ts';
import { isRecording, record, recordComparison } from '../tape.ts';
import { sumTo } from './broadcast.ts';

/** A tensor, or a number that broadcasts to any shape. Integer tensors take only numbers that their type holds. */
export type Operand = Tensor | number;

const tensorOrNull = (operand: Operand): Tensor | null => (typeof operand === 'number' ? null : operand);
const shapeOf = (operand: Operand): readonly number[] => (typeof operand === 'number' ? [] : operand.shape);

/** The operands that a derivative uses: saved tensors or numbers. */
type Values = readonly [a: Operand, b: Operand];
type Derivative = (dy: Tensor, values: Values) => Tensor;

/**
 * Records y = f(a, b). `da` and `db` give the gradients for the broadcast shape; they are summed over the axes along
 * which their operand was stretched. They are written in recorded operations, so that they have derivatives, too.
 *
 * @param save whether the derivatives use the operands
 * @param second the kernel's second parameter
 */
export function differentiable(
  op: BinaryOp,
  a: Operand,
  b: Operand,
  save: boolean,
  da: Derivative,
  db: Derivative,
  second?: number,
): Tensor {
  const y = binary(op, a, b, second);
  const [aShape, bShape] = [shapeOf(a), shapeOf(b)];
  const [aNumber, bNumber] = [typeof a === 'number' ? a : 0, typeof b === 'number' ? b : 0];
  const saved = save ? ([tensorOrNull(a), tensorOrNull(b)] as const) : ([null, null] as const);
  const backward = (dy: Tensor, [x, z]: readonly (Tensor | null)[]) => {
    const values: Values = [x ?? aNumber, z ?? bNumber];
    return [() => sumTo(da(dy, values), aShape), () => sumTo(db(dy, values), bShape)];
  };
  return record(op, y, [tensorOrNull(a), tensorOrNull(b)], saved, backward, { twice: true });
}

const same: Derivative = (dy) => dy;
const negate = (dy: Tensor): Tensor => mul(dy, -1);

/**
 * a + b, with broadcasting; either operand may be a number, here and below.
 *
 * @example
 * await add(tensor([[1, 2], [3, 4]]), tensor([10, 20])).print();
 * // Tensor(float32 [2,2])
 * // [[11., 22.],
 * //  [13., 24.]]
 */
export const add = (a: Operand, b: Operand): Tensor => differentiable('add', a, b, false, same, same);

/**
 * a - b.
 *
 * @example
 * await sub(10, tensor([1, 2, 3])).print(); // Tensor(float32 [3]) [9., 8., 7.]
 */
export const sub = (a: Operand, b: Operand): Tensor => differentiable('sub', a, b, false, same, negate);

/**
 * a times b.
 *
 * @example
 * await mul(tensor([[1], [2]]), tensor([3, 4])).print();
 * // Tensor(float32 [2,2])
 * // [[3., 4.],
 * //  [6., 8.]]
 */
export const mul = (a: Operand, b: Operand): Tensor =>
  differentiable(
    'mul',
    a,
    b,
    true,
    (dy, [, z]) => mul(dy, z),
    (dy, [x]) => mul(dy, x),
  );

/**
 * a / b. Integers are divided towards zero; as WGSL defines it, an integer divided by 0 is itself, and the most negative
 * int32 divided by -1 is itself.
 *
 * @example
 * await div(tensor([1, 2, 3]), 2).print(); // Tensor(float32 [3]) [0.5000, 1.0000, 1.5000]
 * await div(tensor([-7, 7], { dtype: 'int32' }), 2).print(); // Tensor(int32 [2]) [-3,  3]
 */
export const div = (a: Operand, b: Operand): Tensor =>
  differentiable(
    'div',
    a,
    b,
    true,
    (dy, [, z]) => div(dy, z),
    // Of a / b / b, each part is computed in turn: b b and dy / b may leave the range of floats where this does not.
    (dy, [x, z]) => negate(mul(dy, div(div(x, z), z))),
  );

/** dy times a constant mask where that is not 0, otherwise 0 even if dy is infinite. */
export const masked = (dy: Tensor, mask: Tensor): Tensor => {
  const shape = dy.shape;
  const backward = (ddy: Tensor, [mask]: readonly [Tensor]) => [() => sumTo(masked(ddy, mask), shape)];
  return record('masked', binary('masked', dy, mask), [dy], [mask], backward, { twice: true });
};

/**
 * The smaller of a and b; NaN if either is. Where they are equal, each gets half of the gradient.
 *
 * @example
 * await minimum(tensor([1, 5, 3]), 2).print(); // Tensor(float32 [3]) [1., 2., 2.]
 */
export const minimum = (a: Operand, b: Operand): Tensor =>
  differentiable(
    'minimum',
    a,
    b,
    true,
    (dy, [x, z]) => masked(dy, binary('minimumGrad', x, z)),
    (dy, [x, z]) => masked(dy, binary('minimumGrad', z, x)),
  );

/**
 * The larger of a and b; NaN if either is. Where they are equal, each gets half of the gradient.
 *
 * @example
 * await maximum(tensor([1, 5, 3]), tensor([4, 2, 3])).print(); // Tensor(float32 [3]) [4., 5., 3.]
 */
export const maximum = (a: Operand, b: Operand): Tensor =>
  differentiable(
    'maximum',
    a,
    b,
    true,
    (dy, [x, z]) => masked(dy, binary('maximumGrad', x, z)),
    (dy, [x, z]) => masked(dy, binary('maximumGrad', z, x)),
  );

/**
 * x limited to [low, high]; a NaN stays NaN. The gradient passes where low <= x <= high.
 *
 * @param low lower limit, -Infinity for none (floats only)
 * @param high upper limit, Infinity for none (floats only)
 * @throws RangeError if low is above high, or either is NaN
 *
 * @example
 * await clamp(tensor([-2, 0.5, 3]), -1, 1).print(); // Tensor(float32 [3]) [-1.0000,  0.5000,  1.0000]
 */
export function clamp(x: Tensor, low: number, high: number): Tensor {
  checkTensor('clamp', 'x', x);
  checkNumber('clamp', 'high', high);
  checkNumber('clamp', 'low', low, { max: high });
  const derivative: Derivative = (dy, [x]) => masked(dy, binary('clampGrad', x, low, high));
  return differentiable('clamp', x, low, true, derivative, derivative, high);
}

/**
 * Smooth L1 distance of each pair of elements (Girshick, Fast R-CNN, equation 3):
 * 0.5 d^2 / beta where |d| < beta, otherwise |d| - 0.5 beta.
 *
 * @param options.beta distance at which the loss changes from quadratic to linear, default 1; 0 gives the L1 distance
 *
 * @example
 * await smoothL1(tensor([0, 0.5, 3]), 0).print(); // Tensor(float32 [3]) [0.0000, 0.1250, 2.5000]
 */
export function smoothL1(a: Operand, b: Operand, options: { readonly beta?: number } = {}): Tensor {
  const { beta } = optionsOf('smoothL1', options, { beta: 1 });
  checkNumber('smoothL1', 'beta', beta, { min: 0 });
  // d / beta, limited to [-1, 1]. The kernel has it in one pass; where it is to be differentiated again, operations have it.
  const slope = (x: Operand, z: Operand): Tensor =>
    isRecording() && beta > 0 ? clamp(div(sub(x, z), beta), -1, 1) : binary('smoothL1Grad', x, z, beta);
  return differentiable(
    'smoothL1',
    a,
    b,
    true,
    (dy, [x, z]) => mul(dy, slope(x, z)),
    (dy, [x, z]) => negate(mul(dy, slope(x, z))),
    beta,
  );
}

/**
 * Where a equals b, as bool. NaN equals nothing. Comparisons have no gradient.
 *
 * @example
 * await equal(tensor([1, 2, NaN]), tensor([1, 3, NaN])).print(); // Tensor(bool [3]) [ true, false, false]
 */
export const equal = (a: Operand, b: Operand): Tensor<'bool'> => truth('equal', a, b);
/**
 * Where a differs from b, as bool. NaN differs from everything.
 *
 * @example
 * await notEqual(tensor([1, 2, NaN]), tensor([1, 3, NaN])).print(); // Tensor(bool [3]) [false,  true,  true]
 */
export const notEqual = (a: Operand, b: Operand): Tensor<'bool'> => truth('notEqual', a, b);
/**
 * Where a < b, as bool.
 *
 * @example
 * await less(tensor([1, 2, 3]), 2).print(); // Tensor(bool [3]) [ true, false, false]
 */
export const less = (a: Operand, b: Operand): Tensor<'bool'> => truth('less', a, b);
/**
 * Where a <= b, as bool.
 *
 * @example
 * await lessEqual(tensor([1, 2, 3]), 2).print(); // Tensor(bool [3]) [ true,  true, false]
 */
export const lessEqual = (a: Operand, b: Operand): Tensor<'bool'> => truth('lessEqual', a, b);
/**
 * Where a > b, as bool.
 *
 * @example
 * await greater(tensor([1, 2, 3]), 2).print(); // Tensor(bool [3]) [false, false,  true]
 */
export const greater = (a: Operand, b: Operand): Tensor<'bool'> => truth('greater', a, b);
/**
 * Where a >= b, as bool.
 *
 * @example
 * await greaterEqual(tensor([1, 2, 3]), 2).print(); // Tensor(bool [3]) [false,  true,  true]
 */
export const greaterEqual = (a: Operand, b: Operand): Tensor<'bool'> => truth('greaterEqual', a, b);

/**
 * Where both a and b are not 0, as bool. NaN is not 0, here and below.
 *
 * @example
 * const x = tensor([-1, 0.5, 2]);
 * await logicalAnd(greater(x, 0), less(x, 1)).print(); // Tensor(bool [3]) [false,  true, false]
 */
export const logicalAnd = (a: Operand, b: Operand): Tensor<'bool'> => truth('logicalAnd', a, b);
/**
 * Where a or b is not 0, as bool.
 *
 * @example
 * const x = tensor([-1, 0.5, 2]);
 * await logicalOr(less(x, 0), greater(x, 1)).print(); // Tensor(bool [3]) [ true, false,  true]
 */
export const logicalOr = (a: Operand, b: Operand): Tensor<'bool'> => truth('logicalOr', a, b);
/**
 * Where exactly one of a and b is not 0, as bool.
 *
 * @example
 * await logicalXor(tensor([true, true, false]), tensor([true, false, false])).print();
 * // Tensor(bool [3]) [false,  true, false]
 */
export const logicalXor = (a: Operand, b: Operand): Tensor<'bool'> => truth('logicalXor', a, b);
/**
 * Where x is 0, as bool.
 *
 * @example
 * await logicalNot(tensor([0, 1, 2])).print(); // Tensor(bool [3]) [ true, false, false]
 */
export const logicalNot = (x: Tensor): Tensor<'bool'> => {
  checkTensor('logicalNot', 'x', x);
  return truth('equal', x, 0);
};

/**
 * Where x is NaN, as bool.
 *
 * @example
 * await isNaN(tensor([1, NaN, Infinity])).print(); // Tensor(bool [3]) [false,  true, false]
 */
export const isNaN = (x: Tensor): Tensor<'bool'> => {
  checkTensor('isNaN', 'x', x);
  return truth('notEqual', x, x);
};

function truth(op: BinaryOp, a: Operand, b: Operand): Tensor<'bool'> {
  const result = binary(op, a, b) as Tensor<'bool'>;
  recordComparison(a, b);
  return result;
}
