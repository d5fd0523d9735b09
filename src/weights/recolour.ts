import type { HostTensor } from '../nn/module.ts';
import type { TransformSpec } from '../retinanet/spec.ts';

/** How colours become the values that a network sees. */
type Colours = Pick<TransformSpec, 'mean' | 'std' | 'channels' | 'white'>;

/** Mean and standard deviation of red, green and blue, as fractions of white. */
const inRgb = ({ mean, std, channels, white }: Colours): { mean: number[]; std: number[] } => {
  const ordered = (values: readonly number[]): number[] =>
    (channels === 'rgb' ? [...values] : [...values].reverse()).map((value) => value / white);
  return { mean: ordered(mean), std: ordered(std) };
};

/** Whether two networks subtract the same colour, up to rounding. */
export function hasSameMean(one: Colours, other: Colours): boolean {
  const [a, b] = [inRgb(one).mean, inRgb(other).mean];
  return a.length === b.length && a.every((value, i) => Math.abs(value - b[i]!) < 1e-3);
}

/**
 * The filters of a first convolution for three colours that are ordered and scaled as `to` says, with the responses that they had
 * when they were as `from` says. Exact if both subtract the same mean (`hasSameMean`).
 *
 * @param filter [height, width, 3, out]
 */
export function recolourFilter({ shape, data }: HostTensor, from: Colours, to: Colours): HostTensor {
  const filters = shape[3]!;
  const [before, after] = [inRgb(from).std, inRgb(to).std];
  const out = Float32Array.from(data, (_, i) => {
    const k = i % filters;
    const channel = ((i - k) / filters) % 3;
    const start = i - k - channel * filters;
    const colour = to.channels === 'rgb' ? channel : 2 - channel;
    const theirs = from.channels === 'rgb' ? colour : 2 - colour;
    return (data[start + theirs * filters + k]! * after[colour]!) / before[colour]!;
  });
  return { shape, data: out };
}
