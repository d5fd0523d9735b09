import { checkNumber, optionsOf } from '../../common/check.ts';
import { checkFloat } from '../../kernels/elementwise.ts';
import { tidy } from '../../tensor/scope.ts';
import { broadcastShapes, sameShape } from '../../tensor/shape.ts';
import { checkTensor, type Tensor } from '../../tensor/tensor.ts';
import { add, lessEqual, mul } from './binary.ts';
import { arange } from './create.ts';
import { dropout, type DropoutOptions } from './dropout.ts';
import { matmul } from './matmul.ts';
import { reshape, transpose } from './shape.ts';
import { softmax } from './softmax.ts';
import { where } from './where.ts';

/** Options of `scaledDotProductAttention`. */
export interface AttentionOptions {
  /**
   * Which keys each query attends to, broadcast to [..., L, S]: a bool is true for those that it does, a float32 is added to
   * the scores. Default: all.
   */
  readonly mask?: Tensor;
  /** Whether query i attends to the keys 0 to i only. Not together with a mask. Default false. */
  readonly isCausal?: boolean;
  /** Factor on the scores. Default 1 / sqrt(E). */
  readonly scale?: number;
  /** Dropout of the attention weights, for training. Default none. */
  readonly dropout?: DropoutOptions;
}

/**
 * Attention (Vaswani et al. 2017): softmax(query key^T / sqrt(E)) value, as PyTorch's function of this name. A query that may
 * attend to no key gives zeros. Composed of other operations: it holds the scores [..., L, S].
 *
 * @param query [..., L, E]
 * @param key [..., S, E]
 * @param value [..., S, V]
 * @returns [..., L, V]
 * @throws RangeError or TypeError if shapes, types or options do not fit
 *
 * @example
 * const [query, key] = [tensor([[1, 0]]), tensor([[1, 0], [0, 1]])];
 * const value = tensor([[10], [20]]);
 * await scaledDotProductAttention(query, key, value).print(); // Tensor(float32 [1,1]) [[13.3024]]
 */
export function scaledDotProductAttention(
  query: Tensor,
  key: Tensor,
  value: Tensor,
  options: AttentionOptions = {},
): Tensor {
  check(query, key, value, options);
  const { mask, isCausal = false, scale = 1 / Math.sqrt(query.shape.at(-1)!) } = options;
  return tidy(() => {
    const scores = matmul(mul(query, scale), transposed(key));
    const allowed = isCausal ? causalMask(scores) : mask;
    const weights = weightsOf(scores, allowed);
    return matmul(options.dropout === undefined ? weights : dropout(weights, options.dropout), value);
  });
}

/** The last two axes exchanged. */
function transposed(x: Tensor): Tensor {
  const rank = x.shape.length;
  return transpose(x, [...Array.from({ length: rank - 2 }, (_, d) => d), rank - 1, rank - 2]);
}

function causalMask({ shape, device }: Tensor): Tensor {
  const [queries, keys] = shape.slice(-2) as [number, number];
  const rows = reshape(arange(0, queries, 1, { dtype: 'int32', device }), [queries, 1]);
  return lessEqual(arange(0, keys, 1, { dtype: 'int32', device }), rows);
}

function weightsOf(scores: Tensor, mask: Tensor | undefined): Tensor {
  if (mask === undefined) return softmax(scores);
  if (mask.dtype === 'float32') return softmax(add(scores, mask));
  // A row without any key is NaN after softmax, and so would be its gradient.
  return where(mask, softmax(where(mask, scores, -Infinity)), 0);
}

function check(query: Tensor, key: Tensor, value: Tensor, options: AttentionOptions): void {
  const op = 'scaledDotProductAttention';
  checkFloat(op, query, key, value);
  const defaults = { mask: undefined, isCausal: false, scale: undefined, dropout: undefined };
  const { mask, isCausal, scale } = optionsOf(op, options, defaults);
  if (scale !== undefined) checkNumber(op, 'scale', scale, { finite: true });
  const [q, k, v] = [query.shape, key.shape, value.shape];
  const fits = Math.min(q.length, k.length, v.length) >= 2 && q.at(-1) === k.at(-1) && k.at(-2) === v.at(-2);
  if (!fits) {
    throw new RangeError(
      `${op}: query [${q}], key [${k}] and value [${v}] do not fit, expected [..., L, E], [..., S, E] and [..., S, V]`,
    );
  }
  const lead = broadcastShapes(op, q.slice(0, -2), k.slice(0, -2));
  broadcastShapes(op, lead, v.slice(0, -2));
  if (mask === undefined) return;
  checkTensor(op, 'mask', mask);
  if (isCausal) throw new RangeError(`${op}: a mask and isCausal exclude each other`);
  if (mask.dtype !== 'bool' && mask.dtype !== 'float32')
    throw new TypeError(`${op}: mask ${mask} is not bool or float32`);
  const scores = [...lead, q.at(-2)!, k.at(-2)!];
  if (!sameShape(broadcastShapes(op, mask.shape, scores), scores)) {
    throw new RangeError(`${op}: mask [${mask.shape}] does not broadcast to the scores [${scores}]`);
  }
}
