import { cast as castKernel } from '../../kernels/elementwise.ts';
import type { DType } from '../../tensor/dtype.ts';
import { checkTensor, type Tensor } from '../../tensor/tensor.ts';
import { record } from '../tape.ts';

/**
 * The same values as another type. Floats become integers by truncation towards zero; NaN and values that the integer type
 * does not hold give an unspecified integer. As bool, every value except 0 is true, NaN too. Bools become 0 and 1.
 *
 * Gradients flow from float32 to float32; other types have none.
 *
 * @example
 * await cast(tensor([-1.7, 2.9]), 'int32').print(); // Tensor(int32 [2]) [-1,  2]
 * await cast(tensor([0, 0.5]), 'bool').print(); // Tensor(bool [2]) [false,  true]
 */
export function cast<D extends DType>(x: Tensor, dtype: D): Tensor<D> {
  checkTensor('cast', 'x', x);
  const y = castKernel(x, dtype);
  if (x.dtype !== 'float32' || dtype !== 'float32') return y;
  return record('cast', y, [x], [], (dy) => [() => dy], { twice: true });
}
