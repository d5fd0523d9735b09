// The classes that boxes are labelled with.

export interface LabelClass {
  readonly name: string;
  /** Of its boxes, as CSS writes it. */
  readonly colour: string;
  /** Key that chooses it: a digit, or empty from the tenth class on. */
  readonly key: string;
}

/**
 * Colours that people with any kind of colour vision can tell apart (Okabe and Ito, "Color Universal Design", 2008), those first that
 * stand out from vegetation and soil. Black is left out: it cannot be seen on shadows.
 */
const COLOURS = ['#e69f00', '#56b4e9', '#cc79a7', '#f0e442', '#0072b2', '#d55e00', '#009e73'];

/** Classes of the given names, with colours and keys by their positions. */
export const classesOf = (names: readonly string[]): LabelClass[] =>
  names.map((name, i) => ({ name, colour: COLOURS[i % COLOURS.length]!, key: i < 9 ? String(i + 1) : '' }));

/** What is wrong with the name of a class; null if nothing is. */
export function problemOfName(name: string, others: readonly string[]): string | null {
  if (name.trim() === '') return 'A class needs a name.';
  return others.includes(name.trim()) ? `There is a class ${name.trim()} already.` : null;
}
