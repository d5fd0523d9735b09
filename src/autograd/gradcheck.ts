import { tensor } from '../tensor/create.ts';
import { tidy } from '../tensor/scope.ts';
import { sizeOf } from '../tensor/shape.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { mul } from './ops/binary.ts';
import { sum } from './ops/broadcast.ts';
import { concat, reshape } from './ops/shape.ts';
import { grad, noGrad } from './tape.ts';

export interface GradcheckOptions {
  /** Half the distance between the two points of a difference. Default 0.01: with smaller steps, float32 rounding dominates. */
  readonly eps?: number;
  /** Maximum difference, relative to the gradient's largest element. Default 0.01. */
  readonly tolerance?: number;
  /** Maximum number of elements of each input to check, spread evenly. Default 64. */
  readonly samples?: number;
}

/** The difference between the two gradients of one input. */
export interface GradcheckReport {
  readonly input: number;
  readonly checked: number;
  /** Largest difference, relative to the gradient's largest element (at least 1e-3). */
  readonly error: number;
}

/**
 * Compares the gradient that autograd computes for `fn` with central differences, (f(x + eps) - f(x - eps)) / 2 eps, of
 * the sum of its output times fixed weights. Use it on an operation of your own, with small inputs away from points
 * without a derivative, such as 0 for relu.
 *
 * @param inputs float32 tensors with requiresGrad; other inputs are passed on and not checked
 * @throws Error that names the input, the element and both values where they disagree
 *
 * @example
 * const x = tensor([0.5, 1, 2], { requiresGrad: true });
 * const [report] = await gradcheck((t) => tanh(square(t)), [x]);
 * console.log(report.checked, report.error < 0.01); // 3 true
 */
export async function gradcheck(
  fn: (...inputs: Tensor[]) => Tensor,
  inputs: readonly Tensor[],
  { eps = 0.01, tolerance = 0.01, samples = 64 }: GradcheckOptions = {},
): Promise<GradcheckReport[]> {
  const checked = inputs.filter((input) => input.requiresGrad);
  if (checked.length === 0) throw new Error('gradcheck: no input has requiresGrad');
  const weighted = (values: readonly Tensor[]): Tensor => {
    const y = fn(...values);
    // Different weights, so that errors of different elements cannot cancel.
    const weights = Float32Array.from({ length: sizeOf(y.shape) }, (_, i) => 1 + 0.5 * Math.sin(1 + 2 * i));
    return sum(mul(y, tensor(weights, { shape: y.shape, device: y.device })));
  };
  const analytic = tidy(() => grad(weighted(inputs), checked));
  const reports: GradcheckReport[] = [];
  try {
    for (const [k, input] of checked.entries()) {
      const actual = await analytic[k]!.data();
      const indices = spread(input.size, samples);
      const expected = await differences(weighted, inputs, input, indices, eps);
      const scale = indices.reduce((most, i) => Math.max(most, Math.abs(actual[i]!)), 1e-3);
      let error = 0;
      indices.forEach((index, j) => {
        const difference = Math.abs(actual[index]! - expected[j]!) / scale;
        error = Math.max(error, difference);
        if (!(difference <= tolerance)) {
          throw new Error(
            `gradcheck: input ${inputs.indexOf(input)} [${input.shape}], element ${index}: autograd gives ` +
              `${actual[index]}, central differences ${expected[j]} (largest gradient ${scale}, tolerance ${tolerance})`,
          );
        }
      });
      reports.push({ input: inputs.indexOf(input), checked: indices.length, error });
    }
  } finally {
    for (const tensor of analytic) tensor.dispose();
  }
  return reports;
}

/** Central differences with respect to some elements of one input, all read back at once. */
async function differences(
  f: (values: readonly Tensor[]) => Tensor,
  inputs: readonly Tensor[],
  input: Tensor,
  indices: readonly number[],
  eps: number,
): Promise<number[]> {
  if (indices.length === 0) return [];
  const values = await input.data();
  const at = (index: number, value: number): Tensor => {
    const moved = Float32Array.from(values);
    moved[index] = value;
    const changed = tensor(moved, { shape: input.shape, device: input.device });
    return tidy(() => reshape(f(inputs.map((other) => (other === input ? changed : other))), [1]));
  };
  // The points are rounded to float32, so their distance is measured, not assumed.
  const points = indices.map((index) => {
    return { index, high: Math.fround(values[index]! + eps), low: Math.fround(values[index]! - eps) };
  });
  const results = noGrad(() =>
    tidy(() =>
      concat(
        points.flatMap(({ index, high, low }) => [at(index, high), at(index, low)]),
        0,
      ),
    ),
  );
  const sums = await results.data();
  results.dispose();
  return points.map(({ high, low }, j) => (sums[2 * j]! - sums[2 * j + 1]!) / (high - low));
}

/** At most `samples` positions, spread evenly over `size` elements. */
function spread(size: number, samples: number): number[] {
  const count = Math.min(size, samples);
  return Array.from({ length: count }, (_, i) => Math.floor((i * size) / count));
}
