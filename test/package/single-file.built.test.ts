/** The kernels of the single file, which have no comments and short names. */
import { readdirSync } from 'node:fs';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { WgslSource } from '../../src/kernels/wgsl.ts';
import { testDevice } from '../support/device.ts';

interface Minifier {
  readonly minifyWgsl: (code: string) => string;
  readonly withShortNames: (kernels: readonly WgslSource[]) => readonly WgslSource[];
}

const importOf = async (path: string): Promise<unknown> => import(new URL(`../../${path}`, import.meta.url).href);

const { minifyWgsl, withShortNames } = (await importOf('scripts/minify-wgsl.mjs')) as Minifier;
const files = readdirSync(new URL('../../dist/kernels/wgsl', import.meta.url)).filter((f) => f.endsWith('.wgsl.js'));
const kernels = (await Promise.all(files.map((file) => importOf(`dist/kernels/wgsl/${file}`)))).flatMap((module) =>
  Object.values(module as Record<string, WgslSource>),
);
const minified = kernels.map((kernel) => ({ ...kernel, code: minifyWgsl(kernel.code) }));
const short = withShortNames(minified);

const tokens = (code: string): string[] =>
  code
    .replace(/\/\/.*$/gm, '')
    .match(/[A-Za-z_]\w*|\.?\d(?:[\w.]|(?<=[eEpP])[-+])*|\+\+|--|->|&&|\|\||<<|>>|[-+*/%&|^!=<>]=|[^\s\w]/g)!;

test('minified kernels have the same tokens', () => {
  assert.ok(kernels.length > 50);
  for (const [i, { file, code }] of kernels.entries()) {
    assert.equal(tokens(minified[i]!.code), tokens(code), file);
    // Launches replace lines of this form.
    const lines = (text: string) => text.match(/^(?:const|alias) \w+/gm) ?? [];
    assert.equal(lines(minified[i]!.code), lines(code), file);
  }
});

test('short names stand for one name each, and names that launches know stay', () => {
  for (const [i, { file, code, ...known }] of short.entries()) {
    const [before, after] = [tokens(minified[i]!.code), tokens(code)];
    assert.is(after.length, before.length, file);
    const [to, from] = [new Map<string, string>(), new Map<string, string>()];
    for (const [k, token] of after.entries()) {
      if (!to.has(before[k]!)) to.set(before[k]!, token);
      if (!from.has(token)) from.set(token, before[k]!);
      assert.is(to.get(before[k]!), token, file);
      assert.is(from.get(token), before[k], file);
    }
    const { consts, aliases, params, bindings } = known;
    for (const name of [consts, aliases, params, bindings].flatMap(Object.keys)) assert.is(to.get(name), name, file);
  }
  const length = (list: readonly WgslSource[]): number => list.reduce((sum, { code }) => sum + code.length, 0);
  assert.ok(length(short) < 0.95 * length(minified));
});

test('kernels with short names compile without a message', async () => {
  const device = await testDevice();
  for (const { file, code } of short) {
    if (code.includes('enable subgroups;') && !device.features.has('subgroups')) continue;
    const module = device.guard(file, 0, () => device.gpu.createShaderModule({ label: file, code }));
    const { messages } = await module.getCompilationInfo();
    assert.equal(
      messages.map((m) => `${m.lineNum}:${m.linePos} ${m.type}: ${m.message}`),
      [],
      file,
    );
  }
  await device.idle();
});

test.run();
