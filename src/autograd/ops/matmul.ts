import { matmulForward } from '../../kernels/matmul.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import { record } from '../tape.ts';
import { sumTo } from './broadcast.ts';

/** Which operand of a product is read transposed. */
type Transposed = 'neither' | 'a' | 'b';

/**
 * Matrix product of a [..., M, K] and b [..., K, N]; leading axes broadcast. With y = a b, da = dy b^T and db = a^T dy.
 *
 * @returns [..., M, N]
 *
 * @example
 * const a = tensor([[1, 2], [3, 4]]);
 * const b = tensor([[5, 6], [7, 8]]);
 * await matmul(a, b).print();
 * // Tensor(float32 [2,2])
 * // [[19., 22.],
 * //  [43., 50.]]
 * console.log(matmul(zeros([8, 1, 2, 3]), zeros([4, 3, 5])).shape); // [8, 4, 2, 5]
 */
export function matmul(a: Tensor, b: Tensor): Tensor {
  return product(a, b, 'neither');
}

/** a b, a^T b or a b^T. The derivatives of each are products of the other forms. */
function product(a: Tensor, b: Tensor, transposed: Transposed): Tensor {
  const y = matmulForward(a, b, { transposeA: transposed === 'a', transposeB: transposed === 'b' });
  const [aShape, bShape] = [a.shape, b.shape];
  const backward = (dy: Tensor, [a, b]: readonly [Tensor, Tensor]) => {
    const da = {
      neither: () => product(dy, b, 'b'),
      a: () => product(b, dy, 'b'),
      b: () => product(dy, b, 'neither'),
    };
    const db = {
      neither: () => product(a, dy, 'a'),
      a: () => product(a, dy, 'neither'),
      b: () => product(dy, a, 'a'),
    };
    return [() => sumTo(da[transposed](), aShape), () => sumTo(db[transposed](), bShape)];
  };
  return record('matmul', y, [a, b], [a, b], backward, { twice: true });
}
