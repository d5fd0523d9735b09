import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { bench } from '../../src/cli/bench.ts';
import { commonOptions, didYouMean, quoted } from '../../src/cli/command.ts';
import { convert } from '../../src/cli/convert.ts';
import { doctor } from '../../src/cli/doctor.ts';
import { evaluate, shortNames } from '../../src/cli/evaluate.ts';
import { info, type Info } from '../../src/cli/info.ts';
import { predict } from '../../src/cli/predict.ts';
import { train } from '../../src/cli/train.ts';
import { ends, inPairs, json, refuses, retinagradIn, temporaryFolder } from './support.ts';

const commands = { doctor, train, predict, evaluate, convert, bench, info };
const folder = temporaryFolder();
const retinagrad = retinagradIn(folder.path);
const test = suite('command line');
test.after(folder.remove);

const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
  version: string;
};

test('the help of each command explains its options, exit statuses, and has examples', () => {
  for (const [name, { help, options }] of Object.entries(commands)) {
    assert.ok(help.startsWith(`retinagrad ${name}: `), name);
    for (const option of Object.keys(options)) {
      assert.match(help, new RegExp(`--${option}\\b`), `${name} --${option}`);
    }
    assert.match(help, /Exit status: 0 /, name);
    assert.match(help, new RegExp(`^Examples:\\n {2}npx retinagrad ${name}\\b`, 'm'), name);
    // What an example gives must exist.
    const known = new Set([...Object.keys(options), ...Object.keys(commonOptions)]);
    for (const [line] of help.matchAll(new RegExp(`^ {2}npx retinagrad ${name}\\b.*`, 'gm'))) {
      for (const [, option] of line.matchAll(/ --([a-z-]+)/g)) assert.ok(known.has(option!), `${line}: --${option}`);
    }
    for (const line of help.split('\n')) assert.ok(line.length <= 130, `${name}: ${line}`);
  }
});

test('--help lists the commands, and shows the help of one', async () => {
  const { stdout } = await ends(retinagrad(['--help']), 0);
  for (const name of Object.keys(commands)) assert.match(stdout, new RegExp(`^ {2}${name} +\\w.{20}`, 'm'));
  for (const text of ['--json', '--quiet', '--adapter NAME', 'RETINAGRAD_ADAPTER', 'Exit status:', '130'])
    assert.ok(stdout.includes(text), text);
  assert.is((await ends(retinagrad(['help', 'predict']), 0)).stdout, predict.help);
  assert.is((await ends(retinagrad(['convert', '-h']), 0)).stdout, convert.help);
  assert.is((await ends(retinagrad(['--version']), 0)).stdout, `${version}\n`);
});

const weights = ['--weights', 'any.safetensors'];
const WRONG: readonly (readonly [args: readonly string[], ...message: string[]])[] = [
  [[], 'no command given; there are doctor, train, predict, evaluate, convert, bench and info'],
  [['trian'], 'unknown command "trian"; did you mean train?'],
  [['constructor'], 'unknown command "constructor"; there are doctor,'],
  [['help', 'evalaute'], 'unknown command "evalaute"; did you mean evaluate?'],
  [['info', 'more'], 'info takes no further arguments, got more'],
  [['info', '--jsn'], 'unknown option --jsn; did you mean --json?', 'Try: retinagrad info --help'],
  [['info', '--adapter'], "'--adapter <value>' argument missing"],
  [['bench', 'parts', '--checkpoint'], 'bench: --checkpoint goes with whole, not parts'],
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
  [['predict'], 'name at least one image or folder'],
  [
    ['predict', 'wrong.yaml', ...weights, '--tile', '64', '--overlap', '64'],
    '--overlap is 64, expected less than --tile, 64',
  ],
  [['predict', 'wrong.yaml', ...weights, '--threshold', '2'], '--threshold is "2", expected a number from 0 to 1'],
  [['predict', 'wrong.yaml', ...weights, '--format', 'vocc'], '--format is "vocc"', 'did you mean voc?'],
  [['predict', 'wrong.yaml'], 'best.safetensors yet: train with retinagrad train, or name --weights'],
  [['evaluate'], 'give either --truth and --predictions, or a data set'],
  [['evaluate', 'a', '--truth', 'b', '--predictions', 'c'], 'give either --truth and --predictions, or a data set'],
  [['evaluate', '--truth', 'b'], '--truth and --predictions go together'],
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
  await inPairs(
    WRONG.map(
      ([args, ...message]) =>
        () =>
          refuses(retinagrad(args), 2, ...message),
    ),
  );
});

test('the nearest word is proposed, and none where none is near', () => {
  assert.is(didYouMean('trian', ['train', 'predict']), '; did you mean train?');
  assert.is(didYouMean('zzzzzz', ['train', 'predict']), '');
  assert.is(didYouMean('sugest', ['quiet', 'suggest-anchors'], '--'), '; did you mean --suggest-anchors?');
  assert.is(didYouMean('epochs', ['train.epochs', 'train.seed']), '; did you mean train.epochs?');
});

test('an argument is quoted where a shell would take it apart', () => {
  assert.is(quoted('data.tile=512'), 'data.tile=512');
  assert.is(quoted('my tiles'), "'my tiles'");
  assert.is(quoted("data.scene=^(.*)'$"), "'data.scene=^(.*)'\\''$'");
});

test('columns of two runs are headed with what tells their paths apart', () => {
  assert.equal(shortNames('runs/a/boxes.csv', 'runs/b/boxes.csv'), { a: 'a', b: 'b' });
  assert.equal(shortNames('out/a.csv', 'b.csv'), { a: 'a.csv', b: 'b.csv' });
  assert.equal(shortNames('boxes.csv', 'runs/boxes.csv'), { a: 'boxes.csv', b: 'runs/boxes.csv' });
});

test('messages name options, not arguments of functions', async () => {
  writeFileSync(join(folder.path, 'labels.csv'), 'image,x1,y1,x2,y2,label\na.png,1,2,3,4,car\n');
  await refuses(
    retinagrad(['convert', 'labels.csv', 'wrong.yaml', '--to', 'coco']),
    1,
    'exists already; to replace it, use --overwrite',
  );
  const toYolo = retinagrad(['convert', 'labels.csv', 'yolo', '--to', 'yolo']);
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
  assert.match(stdout, /^check +.*exactly the processor's result$/m);
});

test('an adapter that is not there is a failure with the remedies', async () => {
  const run = retinagrad(['info', '--adapter', 'no such adapter']);
  await refuses(run, 1, 'no WebGPU adapter named "no such adapter" could be opened.', 'Remedies:');
  assert.is((await run).stdout, '');
});

test.run();
