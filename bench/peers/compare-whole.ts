/** Maximum difference that a different order of summation causes over a hundred layers, as a fraction of the largest value. */
const TOLERANCE = 1e-2;

/**
 * Compares what libraries computed for the whole network, which has no float64 reference.
 *
 * @param results of each library; undefined if it has none
 * @param references libraries to compare with, the most trusted first
 * @returns for each library except the reference, null or what is wrong with its results
 */
export function compareWhole(
  results: ReadonlyMap<string, readonly Float32Array[] | undefined>,
  references: readonly string[],
): Map<string, string | null> {
  const verdicts = new Map<string, string | null>();
  const reference = references.find((key) => results.get(key) !== undefined);
  if (reference === undefined) return verdicts;
  const expected = results.get(reference)!;
  for (const [key, actual] of results) {
    if (key === reference || actual === undefined) continue;
    const differences = expected.map((values, i) => difference(values, actual[i] ?? new Float32Array(0)));
    const worst = Math.max(...differences);
    const isRight = worst <= TOLERANCE; // Also false for NaN.
    verdicts.set(key, isRight ? null : `off by ${(100 * worst).toPrecision(2)} % of the largest value of ${reference}`);
  }
  return verdicts;
}

function difference(expected: Float32Array, actual: Float32Array): number {
  if (expected.length !== actual.length) return Infinity;
  let [worst, largest] = [0, 0];
  expected.forEach((value, i) => {
    worst = Math.max(worst, Math.abs(value - actual[i]!));
    largest = Math.max(largest, Math.abs(value));
  });
  return worst / largest;
}
