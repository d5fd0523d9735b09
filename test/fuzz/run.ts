// Runs programs on the GPU. Everything that a batch computes is read back at once.
import * as ops from '../../src/index.ts';
import { grad } from '../../src/autograd/tape.ts';
import { concat, reshape } from '../../src/autograd/ops/shape.ts';
import { tensor } from '../../src/tensor/create.ts';
import { tidy } from '../../src/tensor/scope.ts';
import { Tensor } from '../../src/tensor/tensor.ts';
import { hashedWeights } from '../support/central-difference.ts';
import { isFloat, listOf, resolve, type Call, type Program, type Results, type Value } from './program.ts';

/** What the library computed. */
export interface Outcome {
  /** By the number of the value; leaves are missing. */
  readonly values: ReadonlyMap<
    number,
    { readonly shape: readonly number[]; readonly dtype: string; readonly data: ArrayLike<number> }
  >;
  /** Gradient of the weighted sum of all float results, by the number of the leaf. */
  readonly gradients: ReadonlyMap<number, ArrayLike<number>>;
}

/** Numbers of the leaves with respect to which a program is differentiated. */
export const differentiated = (program: Program): number[] =>
  program.special
    ? []
    : program.entries.flatMap(({ made, first }) => (made.kind === 'leaf' && made.differentiable ? [first] : []));

/** Numbers of the float results: together they are what is differentiated. */
export const floatResults = (program: Program): number[] =>
  program.entries.flatMap(({ made, first, count }) =>
    made.kind === 'call'
      ? Array.from({ length: count }, (_, i) => first + i).filter((i) => isFloat(program.values[i]!))
      : [],
  );

/** Weights of the elements of a result in the sum that is differentiated: larger results get smaller ones. */
export function weightsOf(program: Program, index: number): Float64Array {
  const { data } = program.values[index]!;
  const largest = data.reduce((most, v) => Math.max(most, Math.abs(v)), 1);
  const scale = 2 ** -Math.floor(Math.log2(largest));
  return hashedWeights(`fuzz ${index}`, data.length).map((w) => w * scale);
}

const functions = ops as unknown as Readonly<Record<string, (...args: readonly unknown[]) => Results<Tensor>>>;
const isTensor = (value: object): boolean => value instanceof Tensor;

function call({ op, row, args }: Call, tensors: readonly Tensor[]): readonly Tensor[] {
  const resolved = args.map((arg) => resolve(arg, (index) => tensors[index]!));
  const results = row.call === undefined ? functions[op]!(...resolved) : row.call.run(...resolved);
  return listOf<Tensor>(results, isTensor);
}

/** Uploads leaves and runs all calls. */
function forward(program: Program): Tensor[] {
  const wanted = new Set(differentiated(program));
  const tensors: Tensor[] = [];
  for (const { made, first } of program.entries) {
    if (made.kind === 'call') tensors.push(...call(made, tensors));
    else tensors.push(upload(made.value, wanted.has(first)));
  }
  return tensors;
}

const upload = ({ shape, data, dtype }: Value, requiresGrad: boolean): Tensor =>
  tensor(data, { shape, dtype, requiresGrad });

/** Float results and gradients, joined so that each takes one read, and the other results. */
interface Pending {
  readonly tensors: readonly Tensor[];
  readonly joined: Tensor | null;
  readonly gradients: readonly Tensor[];
  readonly others: ReadonlyMap<number, Tensor>;
}

const flat = (tensors: readonly Tensor[]): Tensor =>
  concat(
    tensors.map((t) => reshape(t, [t.size])),
    0,
  );

function launch(program: Program): Pending {
  return tidy(() => {
    const tensors = forward(program);
    const floats = floatResults(program).filter((index) => tensors[index]?.dtype === 'float32');
    const results = program.entries.flatMap(({ made, first, count }) =>
      made.kind === 'call' ? Array.from({ length: count }, (_, i) => first + i) : [],
    );
    const others = new Map(results.filter((i) => !floats.includes(i)).map((i) => [i, tensors[i]!]));
    const joined = floats.length === 0 ? null : flat(floats.map((i) => tensors[i]!));
    const leaves = differentiated(program);
    const gradients =
      joined === null || joined.node === null
        ? []
        : differentiate(
            program,
            joined,
            floats,
            leaves.map((i) => tensors[i]!),
          );
    return { tensors, joined, gradients, others };
  });
}

function differentiate(
  program: Program,
  joined: Tensor,
  floats: readonly number[],
  leaves: readonly Tensor[],
): Tensor[] {
  const weights = floats.flatMap((index) => [...weightsOf(program, index)]);
  if (weights.length !== joined.size) return [];
  return grad(joined, leaves, { gradient: tensor(weights, { shape: [weights.length] }) });
}

async function finish(program: Program, { tensors, joined, gradients, others }: Pending): Promise<Outcome> {
  const all = (await joined?.data()) ?? new Float32Array();
  const values = new Map<number, { shape: readonly number[]; dtype: string; data: ArrayLike<number> }>();
  let offset = 0;
  for (const [index, t] of tensors.entries()) {
    const { shape, dtype, size } = t;
    const other = others.get(index);
    if (other !== undefined) values.set(index, { shape, dtype, data: await other.data() });
    else if (!isLeaf(program, index)) values.set(index, { shape, dtype, data: all.subarray(offset, (offset += size)) });
  }
  const leaves = differentiated(program);
  const read = await Promise.all(gradients.map((g) => g.data()));
  return { values, gradients: new Map(read.map((data, i) => [leaves[i]!, data])) };
}

const isLeaf = (program: Program, index: number): boolean =>
  program.entries.some(({ made, first }) => made.kind === 'leaf' && first === index);

/** Outcomes of a batch, each an error where the library refused the program. */
export async function runAll(programs: readonly Program[]): Promise<(Outcome | Error)[]> {
  const pending = programs.map((program) => {
    try {
      return launch(program);
    } catch (error) {
      return error as Error;
    }
  });
  const outcomes = await Promise.all(
    pending.map(async (p, i) => {
      if (p instanceof Error) return p;
      return finish(programs[i]!, p).catch((error: unknown) => error as Error);
    }),
  );
  for (const p of pending) {
    if (p instanceof Error) continue;
    for (const t of [...p.tensors, ...p.gradients, ...(p.joined === null ? [] : [p.joined])]) t.dispose();
  }
  return outcomes;
}
