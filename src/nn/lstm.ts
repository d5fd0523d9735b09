import { add, mul } from '../autograd/ops/binary.ts';
import { matmul } from '../autograd/ops/matmul.ts';
import { slice } from '../autograd/ops/shape.ts';
import { sigmoid, tanh } from '../autograd/ops/unary.ts';
import { optionsOf } from '../common/check.ts';
import { tidy } from '../tensor/scope.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { checkExtents, uniform } from './init.ts';
import { Module, Parameter } from './module.ts';

/**
 * One step of a long short-term memory (Hochreiter and Schmidhuber 1997) with PyTorch's parameters, transposed: the columns of
 * `weightIh` [in, 4 hidden] and `weightHh` [hidden, 4 hidden] are the input, forget, cell and output gates.
 *
 * @example
 * const cell = new LSTMCell(3, 4);
 * let state = null;
 * for (let step = 0; step < 2; step++) state = cell.forward(ones([1, 3]), state);
 * console.log(state[0].shape, state[1].shape); // [1, 4] [1, 4]
 */
export class LSTMCell extends Module {
  readonly weightIh: Parameter;
  readonly weightHh: Parameter;
  readonly biasIh: Parameter | null;
  readonly biasHh: Parameter | null;
  readonly hiddenSize: number;

  constructor(inputSize: number, hiddenSize: number, options: { readonly bias?: boolean } = {}) {
    super();
    checkExtents('LSTMCell', { inputSize, hiddenSize });
    const { bias } = optionsOf('LSTMCell', options, { bias: true });
    const bound = 1 / Math.sqrt(hiddenSize);
    const make = (...shape: number[]): Parameter => new Parameter(uniform(-bound, bound)(shape));
    this.weightIh = make(inputSize, 4 * hiddenSize);
    this.weightHh = make(hiddenSize, 4 * hiddenSize);
    this.biasIh = bias ? make(4 * hiddenSize) : null;
    this.biasHh = bias ? make(4 * hiddenSize) : null;
    this.hiddenSize = hiddenSize;
  }

  /**
   * @param x [N, in]
   * @param state of the step before: hidden and cell, each [N, hidden]; default zeros
   * @returns the next hidden and cell state
   */
  forward(x: Tensor, state: readonly [hidden: Tensor, cell: Tensor] | null = null): [hidden: Tensor, cell: Tensor] {
    return tidy(() => {
      let gates = matmul(x, this.weightIh);
      if (this.biasIh !== null) gates = add(gates, this.biasIh);
      if (state !== null) gates = add(gates, matmul(state[0], this.weightHh));
      if (this.biasHh !== null) gates = add(gates, this.biasHh);
      const gate = (i: number): Tensor => slice(gates, [0, i * this.hiddenSize], [x.shape[0]!, this.hiddenSize]);
      const candidate = mul(sigmoid(gate(0)), tanh(gate(2)));
      const cell = state === null ? candidate : add(mul(sigmoid(gate(1)), state[1]), candidate);
      return [mul(sigmoid(gate(3)), tanh(cell)), cell];
    });
  }
}
