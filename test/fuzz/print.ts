// A program as TypeScript that runs, with what is wrong with it.
import type { Disagreement } from './compare.ts';
import { Operand, type Argument, type Call, type Program, type Value } from './program.ts';
import { differentiated, floatResults, weightsOf } from './run.ts';

const literal = (v: number): string => (Object.is(v, -0) ? '-0' : `${v}`);
const name = (index: number): string => `v${index}`;

function argument(arg: Argument): string {
  if (arg instanceof Operand) return name(arg.index);
  if (Array.isArray(arg)) return `[${arg.map((item: Argument) => argument(item)).join(', ')}]`;
  if (typeof arg === 'number') return literal(arg);
  if (typeof arg === 'string') return `'${arg}'`;
  if (typeof arg !== 'object' || arg === null) return `${arg}`;
  const fields = Object.entries(arg).map(([key, value]) => `${key}: ${argument(value as Argument)}`);
  return fields.length === 0 ? '{}' : `{ ${fields.join(', ')} }`;
}

/** Arguments without those at the end that are not given. */
function written(args: readonly Argument[]): string[] {
  const list = args.map((arg) => argument(arg));
  while (list.at(-1) === 'undefined' || list.at(-1) === '{}') list.pop();
  return list;
}

function leaf({ shape, dtype, data }: Value, index: number, differentiable: boolean): string {
  const options = [`shape: [${shape.join(', ')}]`];
  if (dtype !== 'float32') options.push(`dtype: '${dtype}'`);
  if (differentiable) options.push('requiresGrad: true');
  return `const ${name(index)} = tensor([${[...data].map(literal).join(', ')}], { ${options.join(', ')} });`;
}

function left({ names, isList }: Call, first: number, count: number): string {
  if (names !== null) return `{ ${names.map((result, i) => `${result}: ${name(first + i)}`).join(', ')} }`;
  const list = Array.from({ length: count }, (_, i) => name(first + i)).join(', ');
  return isList ? `[${list}]` : list;
}

/** The calls of a program, one a line. */
function lines(program: Program): string[] {
  const wanted = new Set(differentiated(program));
  return program.entries.map(({ made, first, count }) => {
    if (made.kind === 'leaf') return leaf(made.value, first, wanted.has(first));
    const args = written(made.args);
    const text = made.row.call === undefined ? `${made.op}(${args.join(', ')})` : made.row.call.text(...args);
    return `const ${left(made, first, count)} = ${text};`;
  });
}

/** Lines that print the gradient of the weighted sum of all results. */
function gradientLines(program: Program, leafIndex: number): string[] {
  const terms = floatResults(program).map((index) => {
    const { shape } = program.values[index]!;
    const weights = [...weightsOf(program, index)].map(literal).join(', ');
    return `sum(mul(${name(index)}, tensor([${weights}], { shape: [${shape.join(', ')}] })))`;
  });
  return [
    `const loss = ${terms.reduce((all, term) => `add(${all}, ${term})`)};`,
    'backward(loss);',
    `console.log(await ${name(leafIndex)}.grad!.data());`,
  ];
}

/** A whole program. */
export function print(program: Program, { kind, index, message }: Disagreement, note: string): string {
  const body = lines(program);
  if (kind === 'gradient') body.push(...gradientLines(program, index!));
  else if (index !== null) body.push(`console.log(await ${name(index)}.data());`);
  const what = kind === 'gradient' ? `gradient of ${name(index!)}` : index === null ? 'the program' : name(index);
  const text = body.join('\n');
  const used = text.match(/(?<![.\w])[a-zA-Z]\w*(?=\()/g) ?? [];
  return [
    `// ${note}`,
    ...`${what} ${message}`.split('\n').map((line) => `// ${line}`),
    `import { ${[...new Set([...used, 'init', 'tensor'])].sort().join(', ')} } from 'retinagrad';`,
    'await init();',
    text,
  ].join('\n');
}
