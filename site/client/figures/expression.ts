// Reads expressions such as a * b + relu(c - 2) and computes them with any kind of number.

/** What an expression is made of. */
export interface Algebra<T> {
  readonly number: (value: number) => T;
  /** Undefined for a name that there is not. */
  readonly name: (name: string) => T | undefined;
  readonly add: (a: T, b: T) => T;
  readonly sub: (a: T, b: T) => T;
  readonly mul: (a: T, b: T) => T;
  readonly div: (a: T, b: T) => T;
  readonly functions: Readonly<Record<string, (a: T) => T>>;
}

const TOKEN = /\s*(\d+\.?\d*|\.\d+|[a-z]\w*|[-+*/()])/giy;

/** Cuts a text into numbers, names and signs. Throws at anything else. */
function tokensOf(text: string): string[] {
  const tokens: string[] = [];
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < text.trimEnd().length) {
    const at = TOKEN.lastIndex;
    const found = TOKEN.exec(text);
    if (found === null) throw new Error(`The expression has an unexpected "${text.slice(at).trim()[0]}".`);
    tokens.push(found[1]!);
  }
  return tokens;
}

/** The value of an expression. Throws an error with a sentence for the reader. */
export function evaluate<T>(text: string, algebra: Algebra<T>): T {
  const tokens = tokensOf(text);
  const expect = (token: string): void => {
    const next = tokens.shift();
    if (next !== token) throw new Error(`Expected "${token}", found ${next === undefined ? 'the end' : `"${next}"`}.`);
  };
  const factor = (): T => {
    const token = tokens.shift();
    if (token === undefined) throw new Error('The expression ends too early.');
    if (token === '-') return algebra.sub(algebra.number(0), factor());
    if (token === '(') {
      const value = sum();
      expect(')');
      return value;
    }
    if (/[\d.]/.test(token[0]!)) return algebra.number(Number(token));
    if (tokens[0] === '(' && token in algebra.functions) {
      const argument = factor();
      return algebra.functions[token]!(argument);
    }
    const value = algebra.name(token);
    if (value === undefined) throw new Error(`There is no "${token}".`);
    return value;
  };
  const product = (): T => {
    let value = factor();
    while (tokens[0] === '*' || tokens[0] === '/') {
      value = tokens.shift() === '*' ? algebra.mul(value, factor()) : algebra.div(value, factor());
    }
    return value;
  };
  const sum = (): T => {
    let value = product();
    while (tokens[0] === '+' || tokens[0] === '-') {
      value = tokens.shift() === '+' ? algebra.add(value, product()) : algebra.sub(value, product());
    }
    return value;
  };
  const value = sum();
  if (tokens.length > 0) throw new Error(`The expression has an unexpected "${tokens[0]}".`);
  return value;
}
