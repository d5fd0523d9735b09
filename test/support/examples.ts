// The examples in the comments of public names: `@example`, then a program in which each comment is what it prints.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './files.ts';

/** The example of each exported function, class and constant of `src` that has one. Throws if two of one name have one. */
export function examplesOfSource(): Map<string, string> {
  const examples = new Map<string, string>();
  for (const file of readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })) {
    if (!file.endsWith('.ts')) continue;
    const text = readFileSync(join(root, 'src', file), 'utf8');
    const documented =
      /^\/\*\*((?:(?!\*\/)[^])*)\*\/\nexport (?:abstract )?(?:async )?(?:function|class|const) (\w+)/gm;
    for (const [, comment, name] of text.matchAll(documented)) {
      const [, example] = comment!.split(/^ \* @example\n/m);
      if (example === undefined) continue;
      if (examples.has(name!)) throw new Error(`two exports called ${name} have an example; one is in ${file}`);
      examples.set(name!, example.trimEnd().replaceAll(/^ \* ?/gm, ''));
    }
  }
  return examples;
}

/** What an example says that it prints: its comments. */
export const promisedBy = (code: string): string =>
  [...code.matchAll(/(?:^|; )\/\/ (.*)$/gm)].map(([, text]) => text).join('\n');

/** Numbers and what is between them, without spaces. */
const tokens = (text: string): string[] => text.replaceAll(/\s/g, '').match(/-?\d+(?:\.\d*)?(?:e[+-]?\d+)?|\D/g) ?? [];

/** Half of the last decimal place of a number may differ, because GPUs do not round alike; whole numbers are equal. */
function agree(printed: string, promised: string): boolean {
  const [, decimals = '', exponent = '0'] = /\.(\d+)(?:e(.*))?$/.exec(promised) ?? [];
  if (decimals === '') return Number(printed) === Number(promised);
  const unit = Math.max(10 ** (Number(exponent) - decimals.length), 1e-6 * Math.abs(Number(promised)));
  return Math.abs(Number(printed) - Number(promised)) <= 1.5 * unit;
}

/** Whether a program printed what its comments promise. */
export function printsAsPromised(printed: string, promised: string): boolean {
  const [actual, expected] = [tokens(printed), tokens(promised)];
  return (
    actual.length === expected.length &&
    expected.every((token, i) => token === actual[i] || (/\d/.test(token) && agree(actual[i]!, token)))
  );
}
