import { checkFloat } from '../../kernels/elementwise.ts';
import { tidy } from '../../tensor/scope.ts';
import { sizeOf } from '../../tensor/shape.ts';
import { checkTensor, type Tensor } from '../../tensor/tensor.ts';
import { separate } from './axes.ts';
import { mul } from './binary.ts';
import { broadcastTo, sum } from './broadcast.ts';
import { matmul } from './matmul.ts';
import { reshape, transpose } from './shape.ts';
import { diagonal } from './strided.ts';

/** Names of axes: letters, and for the axes of an ellipsis `.1`, `.2`, ... counted from the last. */
type Labels = readonly string[];

const isStretched = (label: string): boolean => label.startsWith('.');

/** A tensor with the names of its axes. */
interface Operand {
  readonly x: Tensor;
  readonly labels: Labels;
}

/**
 * Sum of products over named axes (Einstein's convention), as PyTorch's einsum: `einsum('ij,jk->ik', a, b)` is a matrix product,
 * `'bij,bjk->bik'` one of batches, `'i,j->ij'` an outer product, `'ij->ji'` a transpose, `'ii'` a trace.
 *
 * Each operand has a letter for each axis. Axes with the same letter are multiplied elementwise; those that are not in the
 * output are summed. `...` stands for any number of axes, which broadcast, as do extents of 1. Without `->`, the output has the
 * axes of `...`, and then the letters that occur once, in alphabetical order (capitals first). Operands are contracted from
 * left to right, each pair by one matrix product, or by one product and sum if one of them is a vector.
 *
 * @param equation letters, commas, `...` and `->`; spaces are ignored
 * @param operands float32, one for each term of the equation
 * @throws RangeError if the equation is malformed or does not fit the shapes
 *
 * @example
 * const a = tensor([[1, 2], [3, 4]]);
 * await einsum('ij,jk->ik', a, a).print();
 * // Tensor(float32 [2,2])
 * // [[ 7., 10.],
 * //  [15., 22.]]
 * await einsum('ii', a).print(); // Tensor(float32 []) 5.
 * await einsum('i,j->ij', tensor([1, 2]), tensor([3, 4])).print();
 * // Tensor(float32 [2,2])
 * // [[3., 4.],
 * //  [6., 8.]]
 */
export function einsum(equation: string, ...operands: readonly Tensor[]): Tensor {
  if (typeof equation !== 'string') {
    throw new TypeError(`einsum: the equation is ${String(equation)}, expected text such as "ij,jk->ik"`);
  }
  for (const x of operands) checkTensor('einsum', 'an operand', x);
  checkFloat('einsum', ...operands);
  const [inputs, output] = parse(equation, operands);
  checkExtents(equation, operands, inputs);
  return tidy(() => {
    const list = operands.map((x, i) => withoutRepeats({ x, labels: inputs[i]! }));
    let result = list[0]!;
    for (let i = 1; i < list.length; i++) {
      const kept = new Set([output, ...list.slice(i + 1).map(({ labels }) => labels)].flat());
      result = contract(result, list[i]!, kept);
    }
    return separate(arranged(summed(result, new Set(output)), output), operands);
  });
}

/** An error about an equation. */
const malformed = (equation: string, problem: string): RangeError =>
  new RangeError(`einsum: ${problem} in "${equation}"`);

/** The labels of each operand and of the output. */
function parse(equation: string, operands: readonly Tensor[]): [inputs: Labels[], output: Labels] {
  const [left, right, ...more] = equation.replaceAll(' ', '').split('->');
  if (more.length > 0) throw malformed(equation, 'more than one "->"');
  const terms = left!.split(',');
  if (terms.length !== operands.length) {
    throw malformed(equation, `${operands.length} operands for ${terms.length} terms`);
  }
  const inputs = terms.map((term, i) => labelsOf(equation, term, operands[i]!.shape));
  const all = inputs.flat();
  const stretched = inputs
    .map((labels) => labels.filter(isStretched))
    .reduce((longest, labels) => (labels.length > longest.length ? labels : longest));
  if (right === undefined) {
    const letters = all.filter((label) => !isStretched(label) && all.indexOf(label) === all.lastIndexOf(label));
    return [inputs, [...stretched, ...letters.sort()]];
  }
  const output = split(equation, right).flatMap((part) => (part === '...' ? stretched : part));
  for (const label of output) {
    if (!all.includes(label)) throw malformed(equation, `output subscript ${label} is in no operand`);
    if (output.indexOf(label) !== output.lastIndexOf(label)) {
      throw malformed(equation, `output subscript ${label} occurs twice`);
    }
  }
  return [inputs, output];
}

/** The letters and the ellipsis of a term. */
function split(equation: string, term: string): string[] {
  const parts: string[] = term.match(/\.\.\.|[^]/g) ?? [];
  const odd = parts.find((part) => !/^(?:\.\.\.|[A-Za-z])$/.test(part));
  if (odd !== undefined) throw malformed(equation, `"${odd}", expected letters, "...", "," and "->"`);
  if (parts.indexOf('...') !== parts.lastIndexOf('...')) throw malformed(equation, `more than one "..." in a term`);
  return parts;
}

/** The labels of the axes of an operand. */
function labelsOf(equation: string, term: string, shape: readonly number[]): Labels {
  const parts = split(equation, term);
  const letters = parts.filter((part) => part !== '...').length;
  const rest = shape.length - letters;
  if (rest < 0 || (rest > 0 && letters === parts.length)) {
    throw malformed(equation, `"${term}" names ${letters} axes of [${shape}]`);
  }
  const stretched = Array.from({ length: rest }, (_, d) => `.${rest - d}`);
  return parts.flatMap((part) => (part === '...' ? stretched : part));
}

/** Throws unless the axes of each label have one extent, or 1. Those of one operand may not broadcast. */
function checkExtents(equation: string, operands: readonly Tensor[], inputs: readonly Labels[]): void {
  const seen = new Map<string, { readonly extent: number; readonly operand: number }>();
  operands.forEach(({ shape }, operand) =>
    inputs[operand]!.forEach((label, d) => {
      const extent = shape[d]!;
      const before = seen.get(label);
      if (before !== undefined && before.extent !== extent) {
        const canStretch = before.operand !== operand && (before.extent === 1 || extent === 1);
        if (!canStretch) {
          const name = isStretched(label) ? 'an axis of "..."' : `subscript ${label}`;
          const shapes = `${before.extent} in [${operands[before.operand]!.shape}] and ${extent} in [${shape}]`;
          throw malformed(equation, `${name} is ${shapes}`);
        }
      }
      if (before === undefined || before.extent === 1 || before.operand === operand)
        seen.set(label, { extent, operand });
    }),
  );
}

/** Axes of an operand with one label become one: its diagonal. */
function withoutRepeats({ x, labels }: Operand): Operand {
  const second = labels.findIndex((label, d) => labels.indexOf(label) < d);
  if (second < 0) return { x, labels };
  const first = labels.indexOf(labels[second]!);
  const others = labels.filter((_, d) => d !== first && d !== second);
  return withoutRepeats({ x: diagonal('einsum', x, first, second), labels: [...others, labels[second]!] });
}

/** Sums over the axes that are not kept. */
function summed({ x, labels }: Operand, kept: ReadonlySet<string>): Operand {
  const axes = [...labels.keys()].filter((d) => !kept.has(labels[d]!));
  if (axes.length === 0) return { x, labels };
  return { x: sum(x, axes), labels: labels.filter((label) => kept.has(label)) };
}

/** The axes in the order of the labels. */
function arranged({ x, labels }: Operand, order: Labels): Tensor {
  return order.every((label, d) => label === labels[d])
    ? x
    : transpose(
        x,
        order.map((label) => labels.indexOf(label)),
      );
}

/** The product of two operands, summed over the axes that they share and that are not kept. */
function contract(left: Operand, right: Operand, kept: ReadonlySet<string>): Operand {
  const [inLeft, inRight] = [new Set(left.labels), new Set(right.labels)];
  const a = summed(left, new Set([...inRight, ...kept]));
  const b = summed(right, new Set([...inLeft, ...kept]));
  const shared = a.labels.filter((label) => inRight.has(label));
  const batch = shared.filter((label) => kept.has(label));
  const inner = shared.filter((label) => !kept.has(label));
  const rows = a.labels.filter((label) => !inRight.has(label));
  const columns = b.labels.filter((label) => !inLeft.has(label));
  const extentIn = ({ x, labels }: Operand, label: string): number => x.shape[labels.indexOf(label)] ?? 1;
  const extentsOf = (list: Labels): number[] =>
    list.map((label) => (extentIn(a, label) === 1 ? extentIn(b, label) : extentIn(a, label)));
  /** An operand as [batch, first, second], stretched to the extents of the other. */
  const matrix = (operand: Operand, first: Labels, second: Labels): Tensor => {
    const order = [...batch, ...first, ...second];
    const whole = stretchedTo(arranged(operand, order), extentsOf(order));
    return reshape(
      whole,
      [batch, first, second].map((list) => sizeOf(extentsOf(list))),
    );
  };
  const p = matrix(a, rows, inner);
  let product: Tensor;
  if (inner.length === 0) product = mul(p, matrix(b, inner, columns));
  else if (rows.length > 0 && columns.length > 0) product = matmul(p, matrix(b, inner, columns));
  // Products with a vector are sums of many terms for few results, which a reduction divides better.
  else product = sum(mul(p, matrix(b, columns, inner)), 2);
  const labels = [...batch, ...rows, ...columns];
  return { x: reshape(product, extentsOf(labels)), labels };
}

/** x stretched to a shape, or x itself if it has it. */
const stretchedTo = (x: Tensor, shape: readonly number[]): Tensor =>
  x.shape.every((extent, d) => extent === shape[d]) ? x : broadcastTo(x, shape);
