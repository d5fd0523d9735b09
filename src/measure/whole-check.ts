import type { HeadOutput } from '../retinanet/heads.ts';
import { disagreement } from './check.ts';
import { expectedOutputs } from './whole-expected.ts';
import type { WorkloadOptions } from './workload.ts';

// What a benchmark times must be right: the outputs of the untrained network are compared with those of a float64 forward pass on the
// CPU (test/measure/whole-float64.ts), which are stored.

/** Sampled anchors: dense among those of P3, and some of every level up to P7. */
const SAMPLES = 48;
const HALVING = 5;
/** Difference that is attributed to rounding in fifty layers, as a fraction of the largest value. */
const TOLERANCE = 1e-3;

/**
 * One logit, without the bias of an untrained network, and two offsets of some anchors.
 *
 * @param logits [A, 2]
 * @param deltas [A, 4]
 */
export function sampledOutputs(logits: ArrayLike<number>, deltas: ArrayLike<number>, prior: number): number[] {
  const anchors = deltas.length / 4;
  const bias = -Math.log((1 - prior) / prior);
  return Array.from({ length: SAMPLES }, (_, k) => Math.floor(anchors * (1 - 2 ** (-k / HALVING)))).flatMap((at, k) => [
    logits[2 * at + (k % 2)]! - bias,
    deltas[4 * at + (k % 4)]!,
    deltas[4 * at + ((k + 1) % 4)]!,
  ]);
}

/** Null if the outputs of an untrained workload are those of the reference, otherwise a message; undefined without a reference. */
export async function checkWhole(
  { logits, deltas }: Pick<HeadOutput, 'logits' | 'deltas'>,
  prior: number,
  { depth, size, batch }: WorkloadOptions,
): Promise<string | null | undefined> {
  const expected = batch === 1 ? expectedOutputs[`${depth} ${size}`] : undefined;
  if (expected === undefined) return undefined;
  const actual = sampledOutputs(await logits.data(), await deltas.data(), prior);
  return disagreement(
    actual.map((value, i) => [value, expected[i]!] as const),
    TOLERANCE,
  );
}
