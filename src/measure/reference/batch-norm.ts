import { offsetOf, sizeOf, type Reference, type Values } from './array.ts';

/** Mean and biased variance of `count` numbers. */
export function moments(count: number, value: (i: number) => number): readonly [mean: number, variance: number] {
  const mean = sum(count, value) / count;
  return [mean, sum(count, (i) => (value(i) - mean) ** 2) / count];
}

/** Sum of `count` numbers. */
function sum(count: number, value: (i: number) => number): number {
  let total = 0;
  for (let i = 0; i < count; i++) total += value(i);
  return total;
}

/** A function of the channel that is computed once for each. */
function once<T>(f: (channel: number) => T): (channel: number) => T {
  const known = new Map<number, T>();
  return (channel) => {
    if (!known.has(channel)) known.set(channel, f(channel));
    return known.get(channel)!;
  };
}

/** An array of the shape of x [.., C] whose elements depend on their position and on their channel. */
const overChannels = (shape: readonly number[], at: (i: number, channel: number) => number): Reference => ({
  shape,
  at: (...index) => at(offsetOf(shape, index), index.at(-1)!),
});

/** Mean and biased variance of each channel of x [.., C], over all other axes. */
function statistics(x: Values): (channel: number) => readonly [mean: number, variance: number] {
  const channels = x.shape.at(-1)!;
  const rows = sizeOf(x.shape.slice(0, -1));
  return once((c) => moments(rows, (row) => x.data[row * channels + c]!));
}

/** Batch normalisation of x [.., C] by the statistics of each channel: y, and those. */
export function batchNorm(x: Values, gamma: Values, beta: Values, eps = 1e-5) {
  const of = statistics(x);
  const shape = [x.shape.at(-1)!];
  const mean: Reference = { shape, at: (c: number) => of(c)[0] };
  const variance: Reference = { shape, at: (c: number) => of(c)[1] };
  const y = overChannels(
    x.shape,
    (i, c) => ((x.data[i]! - mean.at(c)) / Math.sqrt(variance.at(c) + eps)) * gamma.data[c]! + beta.data[c]!,
  );
  return { y, mean, variance };
}

/** The gradients of `batchNorm`, given the gradient dy of y. They flow through the statistics too. */
export function batchNormGradients(x: Values, gamma: Values, dy: Values, eps = 1e-5) {
  const of = statistics(x);
  const channels = x.shape.at(-1)!;
  const rows = sizeOf(x.shape.slice(0, -1));
  const inverse = (c: number): number => 1 / Math.sqrt(of(c)[1] + eps);
  const normal = (i: number, c: number): number => (x.data[i]! - of(c)[0]) * inverse(c);
  const overRows = (f: (i: number, c: number) => number) => once((c) => sum(rows, (row) => f(row * channels + c, c)));
  const beta = overRows((i) => dy.data[i]!);
  const gammaOf = overRows((i, c) => dy.data[i]! * normal(i, c));
  const dx = overChannels(
    x.shape,
    (i, c) => gamma.data[c]! * inverse(c) * (dy.data[i]! - beta(c) / rows - (normal(i, c) * gammaOf(c)) / rows),
  );
  return { dx, dgamma: { shape: [channels], at: gammaOf }, dbeta: { shape: [channels], at: beta } };
}
