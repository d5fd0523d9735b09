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
