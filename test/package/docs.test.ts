// The blocks of the documentation: programs run as they stand, quotes are in the source that they quote, and the other
// pieces of programs compile. Two pages have a test of their own: README.md and docs/adding-an-op.md.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { blocksOf, isProgram, root, type Block } from '../support/markdown.ts';
import { sourceOptions } from '../support/source-options.ts';

const PAGES = readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.md') && file !== 'adding-an-op.md')
  .map((file) => `docs/${file.replaceAll('\\', '/')}`);
const ENTRIES = ['', '/data', '/evaluation', '/report', '/detector', '/train', '/distributed', '/geo'].map(
  (entry) => `retinagrad${entry}`,
);
/** A line of a quote that stands for any number of lines. */
const ELLIPSIS = /^(?:\/\/|#) ?(?:\.\.\.|…)/;

// Inside the package, where its own name can be imported.
const scratch = mkdtempSync(join(root, '.cache-docs-'));
test.after(() => rmSync(scratch, { recursive: true }));

/** Whether the lines of a quote follow each other in a text, apart from indentation and from what an ellipsis skips. */
function isQuoteOf(quote: string, text: string): boolean {
  const lines = text.split('\n').map((line) => line.trim());
  let from = 0;
  for (const run of runsOf(quote)) {
    const at = lines.findIndex((_, i) => i >= from && run.every((line, k) => lines[i + k] === line));
    if (at === -1) return false;
    from = at + run.length;
  }
  return true;
}

/** The lines of a quote, divided at its ellipses. */
function runsOf(quote: string): string[][] {
  const runs: string[][] = [[]];
  for (const line of quote.trimEnd().split('\n')) {
    if (ELLIPSIS.test(line.trim())) runs.push([]);
    else runs.at(-1)!.push(line.trim());
  }
  return runs.filter((run) => run.length > 0);
}

/** The files of the source that the text before a block names, such as `src/nn/layers.ts`. */
const filesNamed = ({ before }: Block): string[] =>
  [...before.matchAll(/\bsrc\/[\w/-]+\.(?:ts|wgsl)\b/g)]
    .map(([file]) => file)
    .filter((file) => existsSync(join(root, file)));

/** A file of weights as torchvision has them, which programs of docs/retinanet.md load: random ones, made on demand. */
const WEIGHTS = 'retinanet.safetensors';
const makeWeights = `
import { writeFileSync } from 'node:fs';
import { encodeSafetensors, init, readStateDict, RetinaNet, retinaNetSpec, toTorchvisionStateDict } from 'retinagrad';
await init();
const model = new RetinaNet(91, retinaNetSpec('torchvision', { backbone: { normEps: 0 } }));
writeFileSync('${WEIGHTS}', encodeSafetensors(toTorchvisionStateDict(await readStateDict(model.stateDict())), {}));
`;

/** Runs a program and returns what it printed. */
function run({ code, origin }: Pick<Block, 'code' | 'origin'>): string {
  if (code.includes(`readFile('${WEIGHTS}')`) && !existsSync(join(scratch, WEIGHTS)))
    run({ code: makeWeights, origin: 'weights' });
  const file = join(scratch, `${origin.replaceAll(/\W/g, '-')}.ts`);
  writeFileSync(file, code);
  const { status, stdout, stderr } = spawnSync(process.execPath, [...sourceOptions, file], {
    cwd: scratch,
    encoding: 'utf8',
  });
  assert.is(status, 0, stderr);
  return stdout;
}

const names = new Map<string, string>();
for (const entry of ENTRIES) {
  for (const name of Object.keys((await import(entry)) as object)) names.set(name, names.get(name) ?? entry);
}
names.set('readFile', 'node:fs/promises');

/**
 * What the compiler says about a page's pieces of programs, each inside the scope of the one before it, after the first
 * program of the page. Public names are imported where the pieces use them.
 */
function compilerMessages(program: Block | undefined, pieces: readonly Block[]): string[] {
  const text = `${program?.code ?? ''}${pieces.map(({ origin, code }) => `{ // ${origin}\n${code}`).join('')}`;
  const used = new Set(text.match(/\b[A-Za-z]\w*\b/g));
  const imports = [...names].filter(
    ([name]) => used.has(name) && !new RegExp(`^import [^;]*\\b${name}\\b`, 'm').test(program?.code ?? ''),
  );
  const file = join(scratch, 'pieces.ts');
  writeFileSync(
    file,
    `${imports.map(([name, from]) => `import { ${name} } from '${from}';\n`).join('')}${text}${'}\n'.repeat(pieces.length)}`,
  );
  const config = ts.readConfigFile(join(root, 'tsconfig.json'), (path) => ts.sys.readFile(path)) as { config: object };
  const { options } = ts.parseJsonConfigFileContent(config.config, ts.sys, root);
  const compiled = ts.createProgram([file], { ...options, noUnusedLocals: false });
  return ts
    .getPreEmitDiagnostics(compiled)
    .filter((diagnostic) => diagnostic.file?.fileName === file)
    .map(({ messageText, start = 0 }) => {
      const origin =
        [
          ...readFileSync(file, 'utf8')
            .slice(0, start)
            .matchAll(/^\{ \/\/ (\S+)$/gm),
        ].at(-1)?.[1] ?? '';
      return `${origin}: ${ts.flattenDiagnosticMessageText(messageText, ' ')}`;
    });
}

for (const page of PAGES) {
  const blocks = blocksOf(page).filter(({ language }) => language === 'ts' || language === 'wgsl');
  const programs = blocks.filter(isProgram);
  for (const program of programs) {
    test(`${program.origin}: the program runs and prints what its comments say`, () => {
      const printed = run(program).replaceAll(/\s/g, '');
      let from = 0;
      for (const [, expected] of program.code.matchAll(/^console\.log\(.*\); \/\/ (.*)$/gm)) {
        const at = printed.indexOf(expected!.replaceAll(/\s/g, ''), from);
        assert.ok(at >= 0, `expected ${expected}, printed:\n${printed}`);
        from = at + 1;
      }
    });
  }
  const others = blocks.filter((block) => !isProgram(block));
  if (others.length === 0) continue;
  test(`${page}: ${others.length} blocks are quotes of a file that their section names, or compile`, () => {
    const quotes = others.filter((block) =>
      filesNamed(block).some((file) => isQuoteOf(block.code, readFileSync(join(root, file), 'utf8'))),
    );
    const pieces = others.filter((block) => !quotes.includes(block));
    console.log(`# ${page}: ${quotes.length} quotes, ${pieces.length} pieces of programs`);
    if (pieces.length > 0) assert.equal(compilerMessages(programs[0], pieces), []);
  });
}

test('a quote is found line by line, and an ellipsis skips lines', () => {
  const text = 'one\n  two\n  three\nfour\n';
  for (const quote of ['two\nthree\n', 'one\n// ... and so on\nfour\n', '  // …\n  three\n'])
    assert.ok(isQuoteOf(quote, text));
  for (const quote of ['two\nfour\n', 'four\n// ...\none\n', 'tw\n']) assert.not(isQuoteOf(quote, text));
});

test.run();
