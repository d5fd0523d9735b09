import * as ops from '../../src/index.ts';
import type { Tensor } from '../../src/tensor/tensor.ts';
import type { Operands, OpBindings } from '../cases/op-case.ts';

type Binary = (a: Tensor | number, b: Tensor | number) => Tensor;

const binary =
  (op: Binary) =>
  ([a, b]: readonly Tensor[], { left, right }: Operands): Tensor => {
    if (left !== undefined) return op(left, a!);
    return op(a!, right ?? b!);
  };

/** The library's operations, as the case tables call them. */
export const gpuOps: OpBindings<Tensor> = {
  neg: ([x]) => ops.neg(x!),
  exp: ([x]) => ops.exp(x!),
  log: ([x]) => ops.log(x!),
  sqrt: ([x]) => ops.sqrt(x!),
  abs: ([x]) => ops.abs(x!),
  square: ([x]) => ops.square(x!),
  sigmoid: ([x]) => ops.sigmoid(x!),
  relu: ([x]) => ops.relu(x!),
  softplus: ([x]) => ops.softplus(x!),
  reciprocal: ([x]) => ops.reciprocal(x!),
  tanh: ([x]) => ops.tanh(x!),
  clamp: ([x], { low, high }) => ops.clamp(x!, low, high),
  add: binary(ops.add),
  sub: binary(ops.sub),
  mul: binary(ops.mul),
  div: binary(ops.div),
  pow: binary(ops.pow),
  minimum: binary(ops.minimum),
  maximum: binary(ops.maximum),
  equal: binary(ops.equal),
  notEqual: binary(ops.notEqual),
  less: binary(ops.less),
  lessEqual: binary(ops.lessEqual),
  greater: binary(ops.greater),
  greaterEqual: binary(ops.greaterEqual),
  where: ([condition, a, b]) => ops.where(condition!, a!, b!),
  sum: ([x], { axes, keepDims = false }) => ops.sum(x!, axes, { keepDims }),
  mean: ([x], { axes, keepDims = false }) => ops.mean(x!, axes, { keepDims }),
  max: ([x], { axes, keepDims = false }) => ops.max(x!, axes, { keepDims }),
  min: ([x], { axes, keepDims = false }) => ops.min(x!, axes, { keepDims }),
  argmax: ([x], { axis }) => ops.argmax(x!, axis),
  softmax: ([x], { axis }) => ops.softmax(x!, axis),
  logSoftmax: ([x], { axis }) => ops.logSoftmax(x!, axis),
  topK: ([x], { k }) => {
    const { values, indices } = ops.topK(x!, k);
    return [values, indices];
  },
  reshape: ([x], { shape }) => ops.reshape(x!, shape),
  transpose: ([x], { order }) => ops.transpose(x!, order),
  broadcastTo: ([x], { shape }) => ops.broadcastTo(x!, shape),
  slice: ([x], { starts, sizes }) => ops.slice(x!, starts, sizes),
  pad: ([x], { amounts, value }) => ops.pad(x!, amounts, value),
  concat: (inputs, { axis }) => ops.concat(inputs, axis),
  gather: ([x, indices], { axis }) => ops.gather(x!, indices!, axis),
  matmul: ([a, b]) => ops.matmul(a!, b!),
  conv2d: ([x, w, bias], options) => ops.conv2d(x!, w!, bias ?? null, options),
  maxPool2d: ([x], options) => ops.maxPool2d(x!, options),
  avgPool2d: ([x], options) => ops.avgPool2d(x!, options),
  upsampleNearest: ([x], { size }) => ops.upsampleNearest(x!, size),
  upsampleBilinear: ([x], { size }) => ops.upsampleBilinear(x!, size),
  batchNorm: ([x, gamma, beta], options) => {
    const { y, mean, variance } = ops.batchNorm(x!, gamma!, beta!, options);
    return [y, mean, variance];
  },
  batchNormInference: ([x, gamma, beta, mean, variance], options) =>
    ops.batchNormInference(x!, gamma!, beta!, mean!, variance!, options),
  groupNorm: ([x, gamma, beta], { groups, ...options }) => ops.groupNorm(x!, groups, gamma!, beta!, options),
  sigmoidFocalLoss: ([logits, targets], options) => ops.sigmoidFocalLoss(logits!, targets!, options),
  bceWithLogits: ([logits, targets]) => ops.bceWithLogits(logits!, targets!, { reduction: 'none' }),
  crossEntropy: ([logits, targets]) => ops.crossEntropy(logits!, targets!, { reduction: 'none' }),
  smoothL1: ([a, b], options) => ops.smoothL1(a!, b!, options),
  giouLoss: ([a, b], options) => ops.giouLoss(a!, b!, options),
};
