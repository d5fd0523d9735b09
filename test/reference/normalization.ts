import { batchNorm as reference, moments } from '../../src/measure/reference/batch-norm.ts';
import { evaluate, ref, sizeOf, type Ref } from './array.ts';

/** Batch normalisation of x [.., C] with the mean and the biased variance of each channel over all other axes. */
export function batchNorm(x: Ref, gamma: Ref, beta: Ref, eps?: number) {
  const { y, mean, variance } = reference(x, gamma, beta, eps);
  return { y: evaluate(y), mean: evaluate(mean), variance: evaluate(variance) };
}

/** (x - mean) / sqrt(variance + eps) * gamma + beta for each channel of x [.., C]. */
export function batchNormInference(x: Ref, gamma: Ref, beta: Ref, mean: Ref, variance: Ref, eps = 1e-5): Ref {
  const channels = x.shape.at(-1)!;
  const values = x.data.map((value, i) => {
    const c = i % channels;
    return ((value - mean.data[c]!) / Math.sqrt(variance.data[c]! + eps)) * gamma.data[c]! + beta.data[c]!;
  });
  return ref(x.shape, values);
}

/** Group normalisation (Wu and He, 2018) of x [N, .., C]: each group of neighbouring channels of each item by itself. */
export function groupNorm(x: Ref, groups: number, gamma: Ref, beta: Ref, eps = 1e-5): Ref {
  const channels = x.shape.at(-1)!;
  const item = sizeOf(x.shape.slice(1));
  const groupOf = (i: number): number => Math.floor((i % channels) / (channels / groups));
  const y = ref(x.shape);
  for (let n = 0; n < x.shape[0]!; n++) {
    for (let g = 0; g < groups; g++) {
      const members = [...Array(item).keys()].filter((i) => groupOf(i) === g).map((i) => n * item + i);
      const [mean, variance] = moments(members.length, (i) => x.data[members[i]!]!);
      for (const i of members) {
        const c = i % channels;
        y.data[i] = ((x.data[i]! - mean) / Math.sqrt(variance + eps)) * gamma.data[c]! + beta.data[c]!;
      }
    }
  }
  return y;
}

/** Layer normalisation (Ba et al., 2016) of each row of `columns` values; gamma and beta have as many. */
export function layerNorm(x: Ref, columns: number, gamma?: Ref, beta?: Ref, eps = 1e-5): Ref {
  let [mean, variance] = [0, 0];
  const values = x.data.map((value, i) => {
    if (i % columns === 0) [mean, variance] = moments(columns, (c) => x.data[i + c]!);
    const normal = (value - mean) / Math.sqrt(variance + eps);
    return normal * (gamma?.data[i % columns] ?? 1) + (beta?.data[i % columns] ?? 0);
  });
  return ref(x.shape, values);
}
