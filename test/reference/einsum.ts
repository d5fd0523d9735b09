import { at, build, type Ref } from './array.ts';

/** Sum of products over every value of every letter. An ellipsis is written out by the caller. */
export function einsum(equation: string, operands: readonly Ref[]): Ref {
  const [left, right] = equation.replaceAll(' ', '').split('->');
  const terms = left!.split(',');
  const letters = [...new Set(terms.join(''))];
  const once = letters.filter((letter) => terms.join('').split(letter).length === 2).sort();
  const output = right === undefined ? once : [...right];
  const extents = new Map(letters.map((letter) => [letter, 1]));
  terms.forEach((term, i) =>
    [...term].forEach((letter, d) => {
      const extent = operands[i]!.shape[d]!;
      if (extent !== 1) extents.set(letter, extent);
    }),
  );
  const summed = letters.filter((letter) => !output.includes(letter));
  const product = (value: ReadonlyMap<string, number>): number =>
    terms.reduce((result, term, i) => {
      const { shape } = operands[i]!;
      const index = [...term].map((letter, d) => (shape[d] === 1 ? 0 : value.get(letter)!));
      return result * at(operands[i]!, index);
    }, 1);
  const shapeOf = (list: readonly string[]): number[] => list.map((letter) => extents.get(letter)!);
  return build(shapeOf(output), (outer) => {
    const base: [string, number][] = output.map((letter, d) => [letter, outer[d]!]);
    const products = build(shapeOf(summed), (inner) =>
      product(new Map([...base, ...summed.map((letter, d): [string, number] => [letter, inner[d]!])])),
    );
    return products.data.reduce((a, b) => a + b, 0);
  });
}
