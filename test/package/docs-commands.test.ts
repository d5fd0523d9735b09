// The command lines of the documentation: commands, options, settings and npm scripts exist, and so do the files and
// headings that links lead to.
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { readPage, root } from '../support/markdown.ts';
import { retinagradHere } from '../cli/support.ts';

const FOLDERS = ['docs', 'examples', 'bench'];
const PAGES = [
  ...readdirSync(root).filter((file) => file.endsWith('.md')),
  ...FOLDERS.flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
      .map((file) => `${folder}/${file.replaceAll('\\', '/')}`)
      .filter((file) => file.endsWith('.md') && !file.includes('node_modules')),
  ),
];
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
  readonly scripts: Readonly<Record<string, string>>;
  readonly repository: { readonly url: string };
};

const retinagrad = retinagradHere(root);

/** Code of a page: lines of indented and fenced blocks, and what stands between backticks. */
function codeOf(page: string): string[] {
  const text = readPage(page);
  const fenced = [...text.matchAll(/^```\w*\n(.*?)^```$/gms)].flatMap(([, code]) => code!.split('\n'));
  const prose = text.replaceAll(/^```\w*\n.*?^```$/gms, '');
  const indented = [...prose.matchAll(/^ {4,}(\S.*)$/gm)].map(([, line]) => line!);
  const inline = [...prose.replaceAll(/^ {4,}\S.*$/gm, '').matchAll(/`([^`]+)`/g)].map(([, code]) =>
    code!.replaceAll(/\s+/g, ' '),
  );
  return [...fenced, ...indented, ...inline].flatMap((line) => line.split(/&& |; /));
}

/** The words of a command line without quotes, up to a comment: after `#`, or after two spaces. */
const wordsOf = (line: string): string[] =>
  [...line.replace(/(?:\s#\s| {2,}).*$/, '').matchAll(/(?:'[^']*'|"[^"]*"|[^\s'"])+/g)].map(([word]) =>
    word.replaceAll(/['"]/g, ''),
  );

const HELP = (await retinagrad(['--help'])).stdout;
const COMMANDS = [...HELP.slice(HELP.indexOf('Commands:')).matchAll(/^ {2}([a-z]+) {2,}/gm)].map(([, name]) => name!);
const optionsIn = (text: string): Set<string> => new Set(text.match(/(?<![\w-])--?[a-z][\w-]*/g));
const COMMON = optionsIn(HELP);
const helps = new Map<string, string>();
for (const command of COMMANDS) helps.set(command, (await retinagrad([command, '--help'])).stdout);
const SETTINGS = new Set([...helps.get('train')!.matchAll(/^ {2}(\w+\.\w+)=/gm)].map(([, name]) => name!));

/** A call of the command in the documentation: its words after `retinagrad`. */
interface CommandLine {
  readonly page: string;
  readonly line: string;
  readonly words: readonly string[];
}

const START = [
  [/^(?:npx |npm run (?:-s )?)?retinagrad (?:-- )?(?=[a-z-])/, ''],
  [/^npx tsx --conditions retinagrad-source src\/cli\/main\.ts /, ''],
  [/^npm run bench -- /, 'bench '],
  [/^npm start -- /, 'train '],
] as const;

const lines: CommandLine[] = PAGES.flatMap((page) =>
  codeOf(page).flatMap((line) => {
    const found = START.find(([pattern]) => pattern.test(line));
    const isShort = COMMANDS.some((command) => line.startsWith(`${command} `)) && /--|\w=/.test(line);
    if (found === undefined && !isShort) return [];
    const words = wordsOf(found === undefined ? line : line.replace(found[0], found[1]));
    return [{ page, line, words }];
  }),
);

test('the documentation has command lines, and the command has commands and settings', () => {
  assert.ok(lines.length > 30, `${lines.length} lines`);
  assert.ok(COMMANDS.length >= 7 && SETTINGS.size > 40, `${COMMANDS.length} commands, ${SETTINGS.size} settings`);
  console.log(`# ${lines.length} command lines in ${new Set(lines.map(({ page }) => page)).size} pages`);
});

test('their commands and options exist', () => {
  const wrong: string[] = [];
  for (const { page, line, words } of lines) {
    const [command = '', ...args] = words;
    if (command === '--help') continue;
    const help = helps.get(command);
    if (help === undefined) wrong.push(`${page}: ${line}: there is no command ${command}`);
    const known = optionsIn(help ?? '');
    for (const arg of args.filter((word) => /^--?[a-z]/.test(word)))
      if (!known.has(arg) && !COMMON.has(arg)) wrong.push(`${page}: ${line}: ${command} has no option ${arg}`);
  }
  assert.equal(wrong, []);
});

test('options that the guide names alone belong to a command', () => {
  const known = optionsIn([...helps.values()].join(''));
  const alone = codeOf('docs/your-own-data.md').filter((code) => /^--[a-z]/.test(code));
  assert.ok(alone.length > 0);
  assert.equal(
    alone.filter((code) => !known.has(wordsOf(code)[0]!) && !COMMON.has(wordsOf(code)[0]!)),
    [],
  );
});

test('settings that the guide names exist', () => {
  const group = new Set([...SETTINGS].map((name) => name.split('.')[0]));
  const named = codeOf('docs/your-own-data.md').filter(
    (code) => /^[a-z]+\.(?!yaml$)[a-zA-Z]+$/.test(code) && group.has(code.split('.')[0]),
  );
  assert.ok(named.length > 0);
  assert.equal(
    named.filter((name) => !SETTINGS.has(name)),
    [],
  );
});

test('settings that the pages give a value have that name and may have that value', async () => {
  const given = new Set(
    PAGES.flatMap(codeOf)
      .flatMap((line) => wordsOf(line))
      .filter((word) => /^(?:data|sampling|augment|model|train)\.\w+=./.test(word)),
  );
  assert.ok(given.size > 10, `${given.size} settings`);
  const wrong: string[] = [];
  // A command line sets each name once: the first value of each name, then the second, and so on.
  for (let left = [...given]; left.length > 0;) {
    const now = new Map<string, string>();
    for (const word of left) if (!now.has(word.split('=')[0]!)) now.set(word.split('=')[0]!, word);
    left = left.filter((word) => now.get(word.split('=')[0]!) !== word);
    const { status, stderr } = await retinagrad(['train', 'tiles', ...now.values(), '--print-config']);
    if (status !== 0) wrong.push(stderr);
  }
  assert.equal(wrong, []);
});

test('npm scripts and files that are run exist', () => {
  const wrong = PAGES.flatMap((page) =>
    codeOf(page).flatMap((line) => {
      const script = /^npm run (?:-s )?([\w:]+)/.exec(line)?.[1];
      const file = /^node .*?\b((?:scripts|bench|test|examples)\/[\w./-]+\.(?:mjs|ts))/.exec(line)?.[1];
      const isMissing =
        (script !== undefined && manifest.scripts[script] === undefined) ||
        (file !== undefined && !existsSync(join(root, file)) && page !== 'docs/adding-an-op.md');
      return isMissing ? [`${page}: ${line}`] : [];
    }),
  );
  assert.equal(wrong, []);
});

/** The anchor that GitHub gives a heading. */
const anchorOf = (heading: string): string =>
  heading
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
    .trim()
    .replaceAll(' ', '-');

test('links within the repository lead to files and headings that exist', () => {
  const wrong: string[] = [];
  for (const page of PAGES) {
    const prose = readPage(page).replaceAll(/^```.*?^```$/gms, '');
    for (const [, target] of prose.matchAll(/\]\((?!https?:)([^)\s]+)\)/g)) {
      const [path, anchor] = target!.split('#');
      const file = path === '' ? page : relative(root, join(root, dirname(page), path!));
      if (!existsSync(join(root, file))) wrong.push(`${page}: ${target}`);
      else if (anchor !== undefined && file.endsWith('.md')) {
        const anchors = [...readPage(file).matchAll(/^#+ (.*)$/gm)].map(([, heading]) => anchorOf(heading!));
        if (!anchors.includes(anchor)) wrong.push(`${page}: ${target}`);
      }
    }
  }
  assert.equal(wrong, []);
});

test('every address of the repository is that of package.json', () => {
  const address = manifest.repository.url.replace(/^git\+|\.git$/g, '');
  const hidden = readdirSync(join(root, '.github'), { recursive: true, encoding: 'utf8' }).map(
    (file) => `.github/${file}`,
  );
  const files = [...PAGES, ...hidden, 'CITATION.cff', 'package.json'].filter((file) => /\.\w+$/.test(file));
  let found = 0;
  for (const file of files) {
    for (const [url] of readFileSync(join(root, file), 'utf8').matchAll(
      /https:\/\/github\.com\/[\w-]+\/retinagrad\b/g,
    )) {
      assert.is(url, address, file);
      found++;
    }
  }
  assert.ok(found >= 4, `${found} addresses`);
});

test.run();
