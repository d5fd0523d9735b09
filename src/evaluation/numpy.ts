/**
 * `np.linspace(start, stop, count)`: multiples of the step added to the start, with the last value set, so that each value
 * is rounded as NumPy rounds it.
 */
export function linspace(start: number, stop: number, count: number): Float64Array {
  const step = (stop - start) / (count - 1);
  return Float64Array.from({ length: count }, (_, i) => (i === count - 1 ? stop : i * step + start));
}

/**
 * The sum of `values[from]` .. `values[to - 1]` in the order in which NumPy adds contiguous float64 values: pairwise, in
 * blocks of at most 128 that are added in eight lanes (`DOUBLE_pairwise_sum` of NumPy 1.9 to 2.x).
 */
function pairwiseSum(values: Float64Array, from: number, to: number): number {
  const count = to - from;
  const at = (i: number) => values[from + i]!;
  if (count > 128) {
    const half = (count >> 1) - ((count >> 1) % 8);
    return pairwiseSum(values, from, from + half) + pairwiseSum(values, from + half, to);
  }
  if (count < 8) return values.subarray(from, to).reduce((sum, value) => sum + value, 0);
  const lanes = values.slice(from, from + 8);
  const whole = count - (count % 8);
  for (let i = 8; i < whole; i++) lanes[i % 8] = lanes[i % 8]! + at(i);
  const pair = (k: number) => lanes[k]! + lanes[k + 1]!;
  let sum = pair(0) + pair(2) + (pair(4) + pair(6));
  for (let i = whole; i < count; i++) sum += at(i);
  return sum;
}

/** `np.mean` of contiguous float64 values, to the last digit; null for none. */
export function pairwiseMean(values: Float64Array): number | null {
  return values.length === 0 ? null : pairwiseSum(values, 0, values.length) / values.length;
}
