import { defined } from '../../src/common/check.ts';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { bench } from '../../src/cli/bench.ts';
import { quoted, type Command } from '../../src/cli/command.ts';
import { convert } from '../../src/cli/convert.ts';
import { doctor } from '../../src/cli/doctor.ts';
import { evaluate, shortNames } from '../../src/cli/evaluate.ts';
import { exportCommand } from '../../src/cli/export.ts';
import { info, type Info } from '../../src/cli/info.ts';
import { parseCommandLine, readOptions } from '../../src/cli/options.ts';
import { predict } from '../../src/cli/predict.ts';
import { summaries, type CommandName } from '../../src/cli/summaries.ts';
import { train } from '../../src/cli/train.ts';
import { tune } from '../../src/cli/tune.ts';
import { ends, json, refuses, retinagradHere, retinagradIn, temporaryFolder } from './support.ts';

const commands: Readonly<Record<CommandName, Command>> = {
  doctor,
  train,
  predict,
  evaluate,
  convert,
  export: exportCommand,
  bench,
  tune,
  info,
};
const entries = Object.entries(commands) as [CommandName, Command][];
const folder = temporaryFolder();
const retinagrad = retinagradIn(folder.path);
const here = retinagradHere(folder.path);
const test = suite('command line');
test.after(folder.remove);

const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
  version: string;
};

test('the help of each command has its summary, exit statuses and examples', () => {
  for (const [name, { help }] of entries) {
    assert.ok(help.startsWith(`retinagrad ${name}: ${summaries[name]}.\n`), name);
    assert.match(help, /Exit status: 0 /, name);
    assert.match(help, new RegExp(`^Examples:\\n {2}npx retinagrad ${name}\\b`, 'm'), name);
    for (const line of help.split('\n')) assert.ok(line.length <= 120, `${name}: ${line}`);
  }
});

test('the options of a command and of its help are the same', () => {
  for (const [name, { help, options }] of entries) {
    for (const [option, { value }] of Object.entries(options)) {
      const row = `^ {2}--${option}(?:, -\\w)?${value === null ? '' : ` ${value}`}(?: {2}|$)`;
      assert.match(help, new RegExp(row, 'm'), `${name} --${option}`);
    }
    for (const [, option] of help.matchAll(/(?<![\w-])--([a-z][a-z-]*)/g)) {
      assert.ok(Object.hasOwn(options, option!), `${name}: there is no --${option}`);
    }
    const usage = help.slice(help.indexOf('Usage:'), help.indexOf('\n\n', help.indexOf('Usage:')));
    for (const [, option, value] of usage.matchAll(/--([a-z-]+)(?: ([A-Z,]+))?/g)) {
      assert.is(value ?? null, options[option!]!.value, `${name}: usage of --${option}`);
    }
  }
});

test('the examples of every help, of the README and of the guide parse', async () => {
  const { stdout } = await ends(here(['--help']), 0);
  for (const help of [stdout, ...entries.map(([, command]) => command.help)]) {
    const examples = commandLines(help);
    assert.ok(examples.length > 0);
    examples.forEach(parses);
  }
  for (const file of ['README.md', 'docs/your-own-data.md']) {
    const examples = commandLines(readFileSync(new URL(`../../${file}`, import.meta.url), 'utf8'));
    assert.ok(examples.length > 5, file);
    examples.forEach(parses);
  }
});

/** The command lines in a text, without the name of the program, comments and redirections. */
const commandLines = (content: string): string[] =>
  content
    .split(/\n|`| && /)
    .flatMap((line) => /(?:npx retinagrad|npm run -s retinagrad --|^ {4}retinagrad) (.*)/.exec(line)?.[1] ?? [])
    .map((line) => line.replace(/ {2,}.*| > .*/, ''));

/** Asserts that a command takes all options of a line. */
function parses(line: string): void {
  const [name = '', ...args] = line.match(/'[^']*'|"[^"]*"|\S+/g)!.map((word) => word.replaceAll(/^['"]|['"]$/g, ''));
  const [, command] = entries.find(([candidate]) => candidate === name) ?? [];
  assert.ok(command, `${line}: there is no ${name}`);
  readOptions(command.options, parseCommandLine(args, command.options).given);
}

test('--help lists the commands, and shows the help of one', async () => {
  const { stdout } = await ends(retinagrad(['--help']), 0);
  for (const name of Object.keys(commands)) assert.match(stdout, new RegExp(`^ {2}${name} +\\w.{20}`, 'm'));
  for (const text of ['--json', '--quiet', '--adapter NAME', 'RETINAGRAD_ADAPTER', 'Exit status:', '130'])
    assert.ok(stdout.includes(text), text);
  assert.is((await ends(here(['help', 'predict']), 0)).stdout, predict.help);
  assert.is((await ends(here(['convert', '-h']), 0)).stdout, convert.help);
  assert.is((await ends(here(['--version']), 0)).stdout, `${version}\n`);
});

const weights = ['--weights', 'any.safetensors'];
const WRONG: readonly (readonly [args: readonly string[], ...message: string[]])[] = [
  [[], 'no command given; there are doctor, train, predict, evaluate, convert, export, bench, tune and info'],
  [['trian'], 'unknown command "trian"; did you mean train?'],
  [['constructor'], 'unknown command "constructor"; there are doctor,'],
  [['help', 'evalaute'], 'unknown command "evalaute"; did you mean evaluate?'],
  [['info', 'more'], 'info takes no further arguments, got more'],
  [['info', '--jsn'], 'unknown option --jsn; did you mean --json?', 'Try: retinagrad info --help'],
  [['info', '-j'], 'unknown option -j'],
  [['info', '--adapter'], '--adapter needs a value: --adapter NAME'],
  [['tune', 'now'], 'tune takes no further arguments, got now'],
  [['tune', '--size', '100'], '--size is 100, expected a multiple of 32'],
  [['bench', 'part'], 'bench: expected one of kernels, ladder, parts, whole, first-step, loader, compare, got "part"'],
  [['bench', 'parts', '--checkpoint'], 'bench: --checkpoint goes with whole, not parts'],
  [
    ['bench', 'whole', '--size', '256,100'],
    '--size is "256,100", expected a multiple of 32, or a comma-separated list',
  ],
  [['train'], 'name the data set'],
  [['train', 'a', 'b'], 'expected one data set, got a b'],
  [['train', 'a', 'data.path=b'], 'the data set is named twice: a, data.path'],
  [['train', 'a', 'train.epoch=3'], 'there is no setting train.epoch; did you mean train.epochs?'],
  [['train', 'a', 'model.network=huge'], 'model.network is "huge", expected one of tiny, small,'],
  [['train', 'a', 'data.tile=64', 'data.overlap=64'], 'data.overlap is 64, expected less than data.tile, which is 64'],
  [['train', 'a', 'data.scene=('], 'data.scene: Invalid regular expression'],
  [['train', 'a', '--config', 'none.yaml'], 'there is no none.yaml'],
  [['train', '--config', 'wrong.yaml'], 'wrong.yaml: there is no setting train.lr'],
  [['train', '--resume', 'none'], 'none holds no run: it has no config.yaml'],
  [['train', '--resume', 'a', 'train.epochs=3'], '--resume takes all from the run: leave out train.epochs=3'],
  [['train', '--resume', 'a', '--seed', '3'], '--resume takes all from the run: leave out --seed'],
  [['evaluate', '--truth', 'a', '--predictions', 'b', '--resample'], '--resample goes with a data set, not with'],
  [['predict'], 'name at least one image or folder, or --tiles'],
  [['predict', 'a.png', '--bbox', '-75,40,-74,41'], '--bbox goes with --tiles'],
  [['predict', '--tiles', 'https://a.b/{z}/{x}/{y}', '--zoom', '3'], '--tiles needs --bbox W,S,E,N and --zoom Z'],
  [['predict', '--tiles', 'x', '--bbox', '1,2,3'], '--bbox is "1,2,3", expected four numbers W,S,E,N in degrees'],
  [
    ['predict', '--tiles', 'x', '--header', 'abc'],
    "expected a name and a value, such as 'Authorization: Bearer {key}'",
  ],
  [
    ['predict', '--tiles', 'https://a.b/{z}/{x}/{y}?key={key}', '--bbox', '-75,40,-74,41', '--zoom', '3'],
    '{key} has no value: give --key-env NAME or --key-file FILE',
  ],
  [
    [
      'predict',
      '--tiles',
      '{z}/{x}/{y}',
      '--bbox',
      '-75,40,-74,41',
      '--zoom',
      '3',
      '--key-env',
      'RETINAGRAD_NO_SUCH_KEY',
    ],
    '--key-env: the environment variable RETINAGRAD_NO_SUCH_KEY is not set',
  ],
  [
    ['predict', 'wrong.yaml', ...weights, '--tile', '64', '--overlap', '64'],
    '--overlap is 64, expected less than --tile, 64',
  ],
  [['predict', 'wrong.yaml', ...weights, '--threshold', '2'], '--threshold is "2", expected a number from 0 to 1'],
  [['predict', 'wrong.yaml', ...weights, '--format', 'vocc'], '--format is "vocc"', 'did you mean voc?'],
  [
    ['predict', 'wrong.yaml', ...weights, '--format', 'csv,deepforest'],
    '--format names csv and deepforest, which would both be written to predictions.csv',
  ],
  [['predict', 'wrong.yaml', ...weights, '--crs', 'EPSG:4326'], '--crs goes with --format geojson, gpkg, fgb or shp'],
  [
    ['predict', 'wrong.yaml', ...weights, '--format', 'gpkg', '--crs', '4326'],
    '--crs is "4326", expected raster or an EPSG code such as EPSG:4326',
  ],
  [['predict', 'wrong.yaml'], 'best.safetensors yet: train with retinagrad train, or name --weights'],
  [['evaluate'], 'give either --truth and --predictions, or a data set'],
  [['evaluate', 'a', '--truth', 'b', '--predictions', 'c'], 'give either --truth and --predictions, or a data set'],
  [['evaluate', '--truth', 'b'], '--truth and --predictions go together'],
  [['evaluate', 'a.gpkg', '--truth', 'b.gpkg', '--compare', 'c'], '--compare does not go with LAYER'],
  [
    ['evaluate', '--truth', 'b', '--predictions', 'c', '--area', 'd'],
    '--area goes with DATA, or with LAYER --truth LAYER',
  ],
  [['evaluate', 'a', ...weights, '--compare', 'b'], '--compare goes with --truth and --predictions'],
  [['evaluate', '--truth', 'b', '--predictions', 'c', ...weights], '--weights goes with a data set'],
  [['doctor'], 'expected one data set, got 0'],
  [['doctor', 'a', 'model.imagesize=3'], 'did you mean model.imageSize?'],
  [['convert', 'a'], 'convert takes an input and an output, got 1'],
  [['convert', 'a', 'b'], 'convert needs --to, one of coco,'],
  [['convert', 'a', 'b', '--to', 'cocoo'], '--to is "cocoo"', 'did you mean coco?'],
];

test('a wrong command line ends with status 2, and says what is wrong and what would be right', async () => {
  writeFileSync(join(folder.path, 'wrong.yaml'), 'train:\n  lr: 3\n');
  for (const [i, [args, ...message]] of WRONG.entries()) {
    const run = i % 20 === 0 ? retinagrad : here; // Some as users start them.
    await refuses(run(args), 2, ...message);
  }
});

test('an argument is quoted where a shell would take it apart', () => {
  assert.is(quoted('data.tile=512'), 'data.tile=512');
  assert.is(quoted('my tiles'), "'my tiles'");
  assert.is(quoted("data.scene=^(.*)'$"), "'data.scene=^(.*)'\\''$'");
});

test('entries that are undefined are left out', () => {
  assert.equal(Object.keys(defined({ a: 1, b: undefined, c: null })), ['a', 'c']);
});

test('columns of two runs are headed with what tells their paths apart', () => {
  assert.equal(shortNames('runs/a/boxes.csv', 'runs/b/boxes.csv'), { a: 'a', b: 'b' });
  assert.equal(shortNames('out/a.csv', 'b.csv'), { a: 'a.csv', b: 'b.csv' });
  assert.equal(shortNames('boxes.csv', 'runs/boxes.csv'), { a: 'boxes.csv', b: 'runs/boxes.csv' });
});

test('messages name options, not arguments of functions', async () => {
  writeFileSync(join(folder.path, 'labels.csv'), 'image,x1,y1,x2,y2,label\na.png,1,2,3,4,car\n');
  await refuses(
    here(['convert', 'labels.csv', 'wrong.yaml', '--to', 'coco']),
    1,
    'exists already; to replace it, use --overwrite',
  );
  const toYolo = here(['convert', 'labels.csv', 'yolo', '--to', 'yolo']);
  await refuses(toYolo, 1, 'retinagrad: YOLO needs the size of a.png', 'give the folder of the images with --images');
});

test('info checks the adapter, for people and as JSON', async () => {
  const report = await json<Info>(retinagrad(['info', '--json']));
  assert.is(report.retinagrad, version);
  assert.ok(report.adapter.name.length > 0);
  assert.ok(['hardware', 'software'].includes(report.adapter.kind));
  assert.equal(report.check, { name: report.check.name, correct: true, wrong: 0 });
  assert.ok(report.limits.maxBufferSize >= 2 ** 28);
  for (const [name, value] of Object.entries(report.timings)) assert.ok(value > 0, name);
  const { stdout } = await ends(retinagrad(['info']), 0);
  assert.match(stdout, /^adapter +\S/m);
  assert.match(stdout, /^check +.*equal to the CPU's result$/m);
});

test('an adapter that is not there is a failure with the remedies', async () => {
  const run = retinagrad(['info', '--adapter', 'no such adapter']);
  await refuses(run, 1, 'no WebGPU adapter named "no such adapter" could be opened.', 'Remedies:');
  assert.is((await run).stdout, '');
});

test.run();
