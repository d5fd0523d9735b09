import { scaledDotProductAttention, type AttentionOptions } from '../autograd/ops/attention.ts';
import { reshape, transpose } from '../autograd/ops/shape.ts';
import { checkNumber, optionsOf } from '../common/check.ts';
import { tidy } from '../tensor/scope.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { checkExtents } from './init.ts';
import { Linear } from './layers.ts';
import { Module } from './module.ts';

/** Options of `MultiheadAttention`. */
export interface MultiheadAttentionConfig {
  /** Whether the four projections add a bias. Default true. */
  readonly bias?: boolean;
  /** Probability with which an attention weight is dropped in training. Default 0. */
  readonly dropout?: number;
}

/**
 * Attention with several heads (Vaswani et al. 2017): projections of query, key and value are divided into heads, which attend
 * separately, and their results are concatenated and projected. Batches are first, as with PyTorch's `batch_first`.
 *
 * @example
 * const layer = new MultiheadAttention(8, 2);
 * console.log(layer.forward(zeros([1, 5, 8])).shape); // [1, 5, 8]
 */
export class MultiheadAttention extends Module {
  readonly query: Linear;
  readonly key: Linear;
  readonly value: Linear;
  readonly out: Linear;
  readonly heads: number;
  readonly dropout: number;

  /**
   * @param features of query, key, value and result
   * @param heads divides `features`
   */
  constructor(features: number, heads: number, config: MultiheadAttentionConfig = {}) {
    super();
    const { bias, dropout } = optionsOf('MultiheadAttention', config, { bias: true, dropout: 0 });
    checkExtents('MultiheadAttention', { features, heads });
    checkNumber('MultiheadAttention', 'dropout', dropout, { min: 0, max: 1 });
    if (features % heads !== 0) {
      throw new RangeError(`MultiheadAttention: ${features} features do not divide into ${heads} heads`);
    }
    const linear = (): Linear => new Linear(features, features, { bias });
    [this.query, this.key, this.value, this.out] = [linear(), linear(), linear(), linear()];
    this.heads = heads;
    this.dropout = dropout;
  }

  /**
   * @param query [N, L, features]
   * @param key [N, S, features], default the query
   * @param value [N, S, features], default the key
   * @param options.mask broadcast to [N, heads, L, S]; see `scaledDotProductAttention`
   * @returns [N, L, features]
   */
  forward(
    query: Tensor,
    key: Tensor = query,
    value: Tensor = key,
    options: Omit<AttentionOptions, 'dropout' | 'scale'> = {},
  ): Tensor {
    return tidy(() => {
      const [q, k, v] = [this.query.forward(query), this.key.forward(key), this.value.forward(value)].map((x) =>
        this.#divide(x),
      ) as [Tensor, Tensor, Tensor];
      const dropout = this.training && this.dropout > 0 ? { dropout: { p: this.dropout } } : {};
      const attended = scaledDotProductAttention(q, k, v, { ...options, ...dropout });
      return this.out.forward(reshape(transpose(attended, [0, 2, 1, 3]), query.shape));
    });
  }

  /** [N, L, features] as [N, heads, L, features / heads]. */
  #divide(x: Tensor): Tensor {
    const [n, length, features] = x.shape as [number, number, number];
    return transpose(reshape(x, [n, length, this.heads, features / this.heads]), [0, 2, 1, 3]);
  }
}
