import * as fc from 'fast-check';
import { sizeOf, type Ref } from '../reference/array.ts';
import { Draw } from './draw.ts';
import {
  compute,
  isFloat,
  isRef,
  listOf,
  Operand,
  operandsOf,
  resolve,
  type Argument,
  type Call,
  type Leaf,
  type Entry,
  type Program,
  type Row,
  type Value,
} from './program.ts';

/** What fast-check draws and shrinks: any numbers make a legal program. */
export interface RawProgram {
  /** 3 makes a program with special values. */
  readonly kind: number;
  readonly steps: readonly RawStep[];
}

interface RawStep {
  /** Number of the operation; 0 does nothing, so that a step can shrink away. */
  readonly op: number;
  readonly picks: readonly number[];
}

/** Numbers that a step may use up; it reads zeros after them. */
export const PICKS = 24;
const MOST_STEPS = 12;
/** Maximum number of elements of one result. */
const MOST_ELEMENTS = 600;
/** Results of ordinary programs are at most this large, so that most programs are well conditioned. */
const LARGEST = 1e5;

/** Programs of operations of a table. */
export function rawPrograms(operations: number): fc.Arbitrary<RawProgram> {
  const pick = fc.nat(0xffff);
  const step = fc.record({
    op: fc.nat(operations),
    picks: fc.array(pick, { minLength: PICKS, maxLength: PICKS }),
  });
  return fc.record({
    kind: fc.nat(3),
    steps: fc.array(step, { minLength: 1, maxLength: MOST_STEPS + 3, size: 'max' }),
  });
}

/** The program that numbers stand for. A step whose operation refuses what was drawn is left out. */
export function interpret({ kind, steps }: RawProgram, table: ReadonlyMap<string, Row>): Program {
  const names = [...table.keys()];
  const program = { special: kind === 3, entries: [] as Entry[], values: [] as Value[] };
  let calls = 0;
  for (const { op, picks } of steps) {
    if (op === 0 || calls === MOST_STEPS) continue;
    const name = names[op - 1]!;
    const before = [program.entries.length, program.values.length] as const;
    if (extend(program, name, table.get(name)!, new Draw(picks, program))) {
      calls++;
      continue;
    }
    program.entries.length = before[0];
    program.values.length = before[1];
  }
  return program;
}

/** Adds a call; false if there is none. */
function extend(
  program: { special: boolean; entries: Entry[]; values: Value[] },
  op: string,
  row: Row,
  d: Draw,
): boolean {
  const args = row.draw(d);
  if (args === null) return false;
  const at = (index: number): Value => program.values[index]!;
  const results = row.reference(...args.map((arg) => resolve(arg, at)));
  const list = listOf<Ref>(results, isRef);
  if (list.some(({ shape }) => sizeOf(shape) > MOST_ELEMENTS)) return false;
  const isOne = isRef(results);
  const isList = !isOne && Array.isArray(results);
  const made: Call = { kind: 'call', op, row, args, names: isOne || isList ? null : Object.keys(results), isList };
  const values = compute(made, at);
  if (!program.special && !values.every(isModerate)) return false;
  if (program.special && row.mayOverflow === true && !inputsOf(made, program.values).every(isSmall)) return false;
  program.entries.push({ made, first: program.values.length, count: values.length });
  program.values.push(...values);
  return true;
}

const isModerate = (value: Value): boolean => !isFloat(value) || value.data.every((v) => Math.abs(v) <= LARGEST);

/** Whether no finite element is large enough to overflow in a sum of products. */
const isSmall = ({ data }: Value): boolean => data.every((v) => !(Math.abs(v) > 1e9) || Math.abs(v) === Infinity);

/** The values that a call reads. */
export function inputsOf(call: Call, values: readonly Value[]): Value[] {
  const found: Value[] = [];
  for (const arg of call.args) resolve(arg, (index) => found.push(values[index]!));
  return found;
}

/** The program without an entry; null if another one reads it. */
export function without({ special, entries, values }: Program, position: number): Program | null {
  const { first, count } = entries[position]!;
  const isGone = (index: number): boolean => index >= first && index < first + count;
  const rest = entries.filter((_, i) => i !== position);
  if (rest.some(({ made }) => made.kind === 'call' && made.args.some((arg) => operandsOf(arg).some(isGone))))
    return null;
  const moved = (index: number): number => (index < first ? index : index - count);
  return {
    special,
    entries: rest.map((entry) => ({ ...entry, first: moved(entry.first), made: renumbered(entry.made, moved) })),
    values: values.filter((_, index) => !isGone(index)),
  };
}

const renumbered = (made: Leaf | Call, moved: (index: number) => number): Leaf | Call =>
  made.kind === 'leaf'
    ? made
    : { ...made, args: made.args.map((arg) => resolve(arg, (index) => new Operand(moved(index))) as Argument) };
