import { checkInteger, checkNumber, optionsOf } from '../../common/check.ts';
import { gatherStrided } from '../../kernels/copy.ts';
import {
  batchNormGradients,
  normalizeBatch,
  type Normalized,
  type RunningStatistics,
} from '../../kernels/batch-norm.ts';
import { binary, checkFloat, unary } from '../../kernels/elementwise.ts';
import { channelAffine, channelLayout, channelSums, channelTotals } from '../../kernels/normalization.ts';
import { reduce } from '../../kernels/reduce.ts';
import { tidy } from '../../tensor/scope.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import { noGrad, record } from '../tape.ts';
import { epilogueOf, lazy, throughRelu, type Epilogue } from './epilogue.ts';

export interface NormOptions {
  /** Added to the variance, so that a constant channel does not divide by zero. Default 1e-5. */
  readonly eps?: number;
}

const mul = (a: Tensor, b: Tensor | number): Tensor => binary('mul', a, b);
const neg = (x: Tensor): Tensor => unary('neg', x);
const inverseRoot = (variance: Tensor, eps: number): Tensor =>
  unary('reciprocal', unary('sqrt', binary('add', variance, eps)));
/** [N, C] summed over images, [C]. */
const overImages = (sums: Tensor): Tensor => reduce('sum', sums, 0);

/** Checks the options of a normalisation. Returns eps. */
export function epsOf(op: string, options: NormOptions): number {
  const { eps } = optionsOf(op, options, { eps: 1e-5 });
  checkNumber(op, 'eps', eps, { min: 0, finite: true });
  return eps;
}

function check(op: string, x: Tensor, perChannel: readonly Tensor[]): void {
  checkFloat(op, x, ...perChannel);
  const channels = x.shape.at(-1);
  if (x.shape.length < 2) throw new RangeError(`${op}: [${x.shape}] has no channels: expected [N, ..., C]`);
  for (const t of perChannel) {
    if (t.shape.length !== 1 || t.shape[0] !== channels) {
      throw new RangeError(
        `${op}: [${t.shape}] does not fit the input [${x.shape}]: expected [${channels}], one per channel`,
      );
    }
  }
}

/** Result of batch normalisation in training, with the statistics of the batch, which carry no gradient. */
export interface BatchNormResult {
  readonly y: Tensor;
  /** [C] */
  readonly mean: Tensor;
  /** [C], divided by the number of values (not one less). */
  readonly variance: Tensor;
}

/** Running statistics to update in place, [C] each, and the weight of a batch in them, 0 to 1. */
export interface Running {
  readonly mean: Tensor;
  readonly variance: Tensor;
  readonly momentum: number;
}

/**
 * Batch normalisation in training (Ioffe and Szegedy 2015): y = gamma (x - mean) / sqrt(variance + eps) + beta, with the
 * statistics of each channel over all other axes. With xhat = (y - beta) / gamma and M values per channel:
 *
 *     dbeta = sum dy,  dgamma = sum dy xhat,  dx = gamma / sqrt(variance + eps) (dy - dbeta / M - xhat dgamma / M)
 *
 * `after` adds a tensor and applies ReLU in the same pass, as at the end of a residual block.
 *
 * @param x [N, ..., C]
 * @param gamma [C]
 * @param beta [C]
 *
 * @example
 * const x = tensor([[1, 10], [3, 30]]);
 * const { y, mean: means, variance: variances } = batchNorm(x, ones([2]), zeros([2]));
 * await y.print();
 * // Tensor(float32 [2,2])
 * // [[-1.0000, -1.0000],
 * //  [ 1.0000,  1.0000]]
 * await means.print(); // Tensor(float32 [2]) [ 2., 20.]
 * await variances.print(); // Tensor(float32 [2]) [  1., 100.]
 */
export function batchNorm(
  x: Tensor,
  gamma: Tensor,
  beta: Tensor,
  options: NormOptions = {},
  after: Epilogue = {},
): BatchNormResult {
  const { y, moments } = normalized(x, gamma, beta, null, options, after);
  return { y, ...moments! };
}

/**
 * `batchNorm` that updates running statistics in the same launch, as the layer does. Their variance is that with one value less,
 * as in PyTorch.
 */
export function batchNormUpdating(
  x: Tensor,
  gamma: Tensor,
  beta: Tensor,
  running: Running,
  options: NormOptions = {},
  after: Epilogue = {},
): Tensor {
  return normalized(x, gamma, beta, running, options, after).y;
}

function normalized(
  x: Tensor,
  gamma: Tensor,
  beta: Tensor,
  running: Running | null,
  options: NormOptions,
  after: Epilogue,
): Normalized {
  const op = 'batchNorm';
  check(op, x, [gamma, beta, ...(running === null ? [] : [running.mean, running.variance])]);
  const eps = epsOf(op, options);
  const { add, relu } = epilogueOf(op, x.shape, after);
  const count = x.size / x.shape.at(-1)!;
  if (!(count > 0)) throw new RangeError(`batchNorm: [${x.shape}] has no values to take statistics of`);
  const weighted = running && weights(op, running, count);
  const result = normalizeBatch(op, { x, gamma, beta, eps, running: weighted, add, relu });
  const { y, saved } = result;
  const hasAdd = add !== null;
  record(op, y, [x, gamma, beta, add], [x, relu ? y : null, ...saved], (dy, [x, y, ...saved]) => {
    // The first gradient computes all of them.
    const all = lazy(() => batchNormGradients(`${op} gradient`, dy, y ?? null, x!, saved as Tensor[], hasAdd));
    return [() => all().dx, () => all().dgamma, () => all().dbeta, () => all().dadd!];
  });
  for (const used of saved) used.dispose();
  return result;
}

/** The weights with which running statistics and those of a batch of `count` values per channel are added. */
function weights(op: string, { mean, variance, momentum }: Running, count: number): RunningStatistics {
  checkNumber(op, 'momentum', momentum, { min: 0, max: 1 });
  if (count <= 1) throw new RangeError(`${op}: ${count} value per channel has no variance for the running statistics`);
  const varWeight = (momentum * count) / (count - 1);
  return { mean, variance, old: 1 - momentum, meanWeight: momentum, varWeight };
}

/**
 * Batch normalisation with given statistics, as in evaluation: y = gamma (x - mean) / sqrt(variance + eps) + beta.
 * Differentiable in x, gamma and beta.
 *
 * @param x [N, ..., C]; the others are [C]
 *
 * @example
 * const x = tensor([[1, 10], [3, 30]]);
 * await batchNormInference(x, ones([2]), zeros([2]), tensor([2, 20]), tensor([1, 100])).print();
 * // Tensor(float32 [2,2])
 * // [[-1.0000, -1.0000],
 * //  [ 1.0000,  1.0000]]
 */
export function batchNormInference(
  x: Tensor,
  gamma: Tensor,
  beta: Tensor,
  mean: Tensor,
  variance: Tensor,
  options: NormOptions = {},
  after: Epilogue = {},
): Tensor {
  const op = 'batchNormInference';
  check(op, x, [gamma, beta, mean, variance]);
  const eps = epsOf(op, options);
  const { add, relu } = epilogueOf(op, x.shape, after);
  const { y, inverse } = noGrad(() =>
    tidy(() => {
      const inverse = inverseRoot(variance, eps);
      return { y: channelAffine(op, x, { mean, q: mul(gamma, inverse), r: beta }, { u: add, relu }), inverse };
    }),
  );
  const saved = [x, gamma, mean, inverse, relu ? y : null] as const;
  record(op, y, [x, gamma, beta, add], saved, (dy, [x, gamma, mean, inverse, y]) => {
    const dSum = lazy(() => throughRelu(dy, y));
    return [
      () => mul(dSum(), mul(gamma, inverse)),
      () => mul(channelTotals(op, 'products', x, mean, dSum()), inverse),
      () => channelTotals(op, 'sum', dSum(), gamma),
      dSum,
    ];
  });
  inverse.dispose();
  return y;
}

/** Sums [N, C] added over each group of channels and divided by the number of values, [N, groups, 1]. */
function groupMeans(sums: Tensor, groups: number, count: number): Tensor {
  const [images, channels] = sums.shape as [number, number];
  const grouped = sums.alias([images, groups, channels / groups]);
  return binary('div', reduce('sum', grouped, 2, true), Math.max(count, 1));
}

/** Values [N, groups, 1] repeated for the channels of each group, [N, C]. */
function repeatPerChannel(op: string, values: Tensor, channels: number): Tensor {
  const [images, groups] = values.shape as [number, number];
  const walk = { start: 0, strides: [groups, 1, 0] };
  return gatherStrided(op, values, walk, [images, groups, channels / groups]).alias([images, channels]);
}

/** The first value of each image and group, repeated for its channels, [N, C]. */
function firstPerGroup(op: string, x: Tensor, groups: number): Tensor {
  const { images, rows, channels } = channelLayout(x);
  const walk = { start: 0, strides: [rows * channels, channels / groups, 0] };
  return gatherStrided(op, x, walk, [images, groups, channels / groups]).alias([images, channels]);
}

/**
 * Group normalisation (Wu and He 2018): as batch normalisation, but with the statistics of each image over groups of
 * neighbouring channels, so that it does not depend on the batch.
 *
 * @param x [N, ..., C]
 * @param groups number of groups; it divides C
 * @param gamma [C]
 * @param beta [C]
 *
 * @example
 * const x = tensor([[1, 3, 10, 30]]);
 * await groupNorm(x, 2, ones([4]), zeros([4])).print();
 * // Tensor(float32 [1,4]) [[-1.0000,  1.0000, -1.0000,  1.0000]]
 */
export function groupNorm(x: Tensor, groups: number, gamma: Tensor, beta: Tensor, options: NormOptions = {}): Tensor {
  const op = 'groupNorm';
  check(op, x, [gamma, beta]);
  const eps = epsOf(op, options);
  const channels = x.shape.at(-1)!;
  const images = x.shape[0]!;
  checkInteger(op, 'groups', groups, { min: 1 });
  if (channels % groups !== 0) {
    throw new RangeError(`groupNorm: ${channels} channels of [${x.shape}] do not divide into ${groups} groups`);
  }
  // A matrix [N, C] has one row per image, not one image of N rows.
  const source = x.shape.length === 2 ? x.alias([images, 1, channels]) : x.alias(x.shape);
  const { rows } = channelLayout(source);
  const count = (rows * channels) / groups;
  if (x.size > 0 && count === 0) throw new RangeError(`groupNorm: [${x.shape}] has no values to take statistics of`);
  const perGroup = (sums: Tensor): Tensor => groupMeans(sums, groups, count);
  const perChannel = (values: Tensor): Tensor => repeatPerChannel(op, values, channels);
  const { y, mean, inverse } = noGrad(() =>
    tidy(() => {
      // Distances from the first value add up exactly where all values are equal, or nearly.
      const origin = x.size === 0 ? channelSums(op, 'sum', source, gamma) : firstPerGroup(op, source, groups);
      const mean = binary('add', origin, perChannel(perGroup(channelSums(op, 'distances', source, origin))));
      const inverse = perChannel(inverseRoot(perGroup(channelSums(op, 'squares', source, mean)), eps));
      const r = gatherStrided(op, beta, { start: 0, strides: [0, 1] }, [images, channels]);
      const y = channelAffine(op, source, { mean, q: mul(inverse, gamma), r });
      return { y: y.alias(x.shape), mean, inverse };
    }),
  );
  const saved = x.alias(x.shape);
  record(op, y, [x, gamma, beta], [saved, gamma, mean, inverse], (dy, [x, gamma, mean, inverse]) => {
    const flat = [images, rows, channels];
    const [source, dy3] = [x.alias(flat), dy.alias(flat)];
    const dySums = lazy(() => channelSums(op, 'sum', dy3, gamma));
    const dyProducts = lazy(() => mul(channelSums(op, 'products', source, mean, dy3), inverse));
    return [
      () => {
        const a = perChannel(perGroup(mul(dySums(), gamma)));
        const b = perChannel(perGroup(mul(dyProducts(), gamma)));
        const p = mul(inverse, gamma);
        const q = neg(mul(mul(inverse, inverse), b));
        const r = neg(mul(inverse, a));
        return channelAffine(`${op} gradient`, source, { mean, q, r }, { u: dy3, p }).alias(x.shape);
      },
      () => overImages(dyProducts()),
      () => overImages(dySums()),
    ];
  });
  for (const used of [source, saved, mean, inverse]) used.dispose();
  return y;
}
