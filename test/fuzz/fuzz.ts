// Draws programs, runs them in batches, and shrinks the first that disagrees.
import * as fc from 'fast-check';
import { hash32 } from '../../src/common/random.ts';
import type { Device } from '../../src/tensor/device.ts';
import { disagreement, newTally, type Disagreement, type Tally } from './compare.ts';
import { interpret, rawPrograms, without, type RawProgram } from './generate.ts';
import { print } from './print.ts';
import type { Program, Row } from './program.ts';
import { runAll } from './run.ts';

export interface FuzzOptions {
  readonly programs: number;
  readonly seed: number;
  /** Maximum number of failures to shrink before giving up. Default 1. */
  readonly failures?: number;
  /** Called after each batch. */
  readonly onProgress?: (report: FuzzReport) => void;
}

export interface FuzzReport {
  /** Programs of at least three operations that were run. */
  programs: number;
  readonly tally: Tally;
  /** Programs that contain each operation. */
  readonly covered: Map<string, number>;
  /** Shrunk programs that disagree, as TypeScript. */
  readonly failures: string[];
}

const BATCH = 40;
/** Programs drawn from one seed of fast-check. */
const CHUNK = 400;
const SHRINK_SECONDS = 120;

/** Runs programs and reports disagreements with the reference. */
export async function fuzz(device: Device, table: ReadonlyMap<string, Row>, options: FuzzOptions): Promise<FuzzReport> {
  const { programs, seed, failures = 1, onProgress } = options;
  const covered = new Map([...table.keys()].map((op) => [op, 0]));
  const report: FuzzReport = { programs: 0, tally: newTally(), covered, failures: [] };
  const drawn = rawPrograms(table.size);
  for (let chunk = 0; report.programs < programs; chunk++) {
    const chunkSeed = hash32('fuzz', seed, chunk) | 0;
    const raws = fc.sample(drawn, { seed: chunkSeed, numRuns: CHUNK, unbiased: true });
    for (let start = 0; start < CHUNK && report.programs < programs; start += BATCH) {
      const batch = raws.slice(start, start + BATCH).map((raw) => interpret(raw, table));
      const wrong = await runBatch(device, batch, report);
      for (const i of wrong) {
        report.failures.push(await shrink(table, drawn, { seed: chunkSeed, path: `${start + i}` }));
        if (report.failures.length >= failures) return report;
      }
      onProgress?.(report);
    }
  }
  return report;
}

/** Positions of the programs of a batch that disagree. */
async function runBatch(device: Device, batch: readonly Program[], report: FuzzReport): Promise<number[]> {
  const before = device.memory().tensors;
  const outcomes = await runAll(batch);
  await device.idle();
  const left = device.memory().tensors - before;
  if (left !== 0) throw new Error(`a batch left ${left} tensors behind`);
  const wrong: number[] = [];
  for (const [i, program] of batch.entries()) {
    const ops = program.entries.flatMap(({ made }) => (made.kind === 'call' ? [made.op] : []));
    if (ops.length >= 3) report.programs++;
    for (const op of new Set(ops)) report.covered.set(op, report.covered.get(op)! + 1);
    if (disagreement(program, outcomes[i]!, report.tally) !== null) wrong.push(i);
  }
  return wrong;
}

interface Failure {
  readonly program: Program;
  readonly found: Disagreement;
}

/** The same failure without the calls and tensors that it does not need. */
async function withoutUnused(failure: Failure): Promise<Failure> {
  let smallest = failure;
  for (let position = failure.program.entries.length - 1; position >= 0; position--) {
    const program = without(smallest.program, position);
    if (program === null) continue;
    const [outcome] = await runAll([program]);
    const found = disagreement(program, outcome!, newTally());
    if (found !== null) smallest = { program, found };
  }
  return smallest;
}

/** The smallest program that fast-check finds to disagree, as TypeScript. */
async function shrink(
  table: ReadonlyMap<string, Row>,
  drawn: fc.Arbitrary<RawProgram>,
  { seed, path }: { readonly seed: number; readonly path: string },
): Promise<string> {
  let smallest = null as Failure | null;
  const known = new Map<string, boolean>();
  const agrees = async (raw: RawProgram): Promise<boolean> => {
    const program = interpret(raw, table);
    const key = JSON.stringify([
      program.special,
      program.entries.map(({ made }) =>
        made.kind === 'leaf' ? [made.value.shape, [...made.value.data].map(String)] : [made.op, made.args],
      ),
    ]);
    const before = known.get(key);
    if (before !== undefined) return before;
    const [outcome] = await runAll([program]);
    const found = disagreement(program, outcome!, newTally());
    known.set(key, found === null);
    if (found !== null) smallest = { program, found };
    return found === null;
  };
  const property = fc.asyncProperty(drawn, agrees);
  const limit = { interruptAfterTimeLimit: SHRINK_SECONDS * 1000, markInterruptAsFailure: true };
  await fc.check(property, { seed, path, numRuns: 1, unbiased: true, ...limit });
  if (smallest !== null) smallest = await withoutUnused(smallest);
  if (smallest === null) return `// seed ${seed}, path ${path}: disagreed once, and not again`;
  const { program, found } = smallest;
  return print(program, found, `fast-check seed ${seed}, path ${path}`);
}

/** What a run compared, in a few lines. */
export function notes({ programs, tally, failures }: FuzzReport): string[] {
  const { values, loose, directions, kinks, singular, vague } = tally;
  return [
    `${programs} programs, ${failures.length} disagree`,
    `${values} elements compared, ${loose} with an allowed error above 1 %`,
    `${directions} derivatives compared, except ${kinks} at kinks, ${singular} at poles and ${vague} that float32 cannot compute`,
  ];
}

/** How many programs have each operation, the rarest first. */
export const coverage = ({ covered }: FuzzReport): string[] =>
  [...covered].sort(([, a], [, b]) => a - b).map(([op, count]) => `${op} ${count}`);
