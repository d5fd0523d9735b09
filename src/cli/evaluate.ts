import { existsSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openDataset, readLabels, writeLabels, type LabelTable } from '../data.ts';
import { compareRuns, comparisonText, judgementText, type JudgeOptions } from '../evaluation.ts';
import { init } from '../node.ts';
import { comparisonHtml } from '../report.ts';
import { loadDetector } from '../train.ts';
import { tablesOf } from '../detector/detections-table.ts';
import {
  adapterOption,
  choice,
  EXIT,
  makeFolder,
  number,
  text,
  type Call,
  type Command,
  type Values,
} from './command.ts';
import { UsageError } from './usage-error.ts';
import { imageResults, judgedData, judgeTables, matchingOf } from '../task/judging.ts';
import { titleOf, writeReport } from '../task/report.ts';
import { syntheticToEvaluate } from './synthetic.ts';
import { interruptSignal } from './terminal.ts';
import { weightsFile } from './run-paths.ts';

const help = `retinagrad evaluate: compares detections with the truth: precision, recall, F1, COCO's and SpaceNet's metrics.

Usage:
  retinagrad evaluate --truth FILE --predictions FILE [--compare FILE]
      Scores detections that any tool made; no model and no GPU are needed.
  retinagrad evaluate DATA [--weights FILE]
      Runs a detector on labelled images that it was not trained on, and scores it. DATA may be the word synthetic: 100 chips
      that no training sees.

Labels are files or folders in any format that retinagrad convert reads; predictions have scores. A detection is right if its
IoU with an object of its class, which no surer detection has found, is at least --iou. Crowds and difficult objects are
neither to be found nor wrong when found.

Options:
  --truth FILE        true boxes
  --predictions FILE  detections with scores
  --compare FILE      detections of another run on the same images: says which is better, and how sure that is
  --weights FILE      weights of a run (best.safetensors of the newest run in runs/)
  --iou X             IoU from which a detection is right (0.5)
  --threshold X       score from which detections count; with DATA that of training. Otherwise the one with the highest F1
                      on these images, which flatters
  --match-by HOW      file compares paths of images; stem names without folders and endings (file if that finds all)
  --images FOLDER     where the images are, if not around the labels
  --resamples N       of the bootstrap over images, for the intervals; 0 leaves them out (1000)
  --out FOLDER        writes evaluation.json and report.html there, and with DATA predictions.csv (evaluation, with DATA;
                      nothing otherwise)
  --adapter NAME      hardware, lavapipe, swiftshader, or a part of an adapter's name (the best there is)
  --json              all figures as JSON

Exit status: 0 done, 1 failed, 2 wrong command line, 130 interrupted.

Examples:
  npx retinagrad evaluate --truth instances.json --predictions results.json
  npx retinagrad evaluate --truth test.csv --predictions a.csv --compare b.csv --iou 0.4
  npx retinagrad evaluate unseen --weights runs/mine/best.safetensors --out results
`;

export const evaluate: Command = {
  help,
  options: {
    truth: { type: 'string' },
    predictions: { type: 'string' },
    compare: { type: 'string' },
    weights: { type: 'string' },
    iou: { type: 'string' },
    threshold: { type: 'string' },
    'match-by': { type: 'string' },
    images: { type: 'string' },
    resamples: { type: 'string' },
    out: { type: 'string' },
    adapter: { type: 'string' },
  },
  run: runEvaluate,
};

async function runEvaluate(call: Call): Promise<number> {
  const { values, positionals } = call;
  const [data, ...more] = positionals;
  if (more.length > 0) throw new UsageError(`expected one data set, got ${positionals.join(' ')}`);
  const files = text(values, 'truth') !== undefined || text(values, 'predictions') !== undefined;
  if (files === (data !== undefined)) {
    throw new UsageError('give either --truth and --predictions, or a data set to run a detector on');
  }
  return data === undefined ? evaluateFiles(call) : evaluateData(call, data);
}

function judgeOptions(values: Values): JudgeOptions {
  const scoreThreshold = number(values, 'threshold', { min: 0, max: 1 });
  const resamples = number(values, 'resamples', { min: 0, whole: true });
  return {
    iouThreshold: number(values, 'iou', { min: 0.05, max: 1 }) ?? 0.5,
    ...(scoreThreshold === undefined ? {} : { scoreThreshold }),
    ...(resamples === undefined ? {} : { resamples }),
  };
}

async function evaluateFiles({ values, terminal }: Call): Promise<number> {
  const [truthFile, file] = [text(values, 'truth'), text(values, 'predictions')];
  if (truthFile === undefined || file === undefined) throw new UsageError('--truth and --predictions go together');
  if (values['weights'] !== undefined) throw new UsageError('--weights goes with a data set, not with --predictions');
  const given = judgeOptions(values);
  const chosen = choice(values, 'match-by', ['file', 'stem']);
  const out = text(values, 'out');
  if (out !== undefined) makeFolder(out, '--out');
  const images = text(values, 'images');
  const where = images === undefined ? {} : { images };
  const truth = await readLabels(truthFile, where);
  const read = (path: string): Promise<LabelTable> => readLabels(path, { ...where, like: truth });
  const predictions = await read(file);
  const other = text(values, 'compare');
  const others = other === undefined ? null : await read(other);
  const matchBy = chosen ?? matchingOf(truth, others === null ? [predictions] : [predictions, others]);
  if (chosen === undefined && matchBy === 'stem') {
    terminal.say('The paths of the images differ: they are matched by their names without folders and endings.');
  }
  const options = { ...given, matchBy };
  const judgement = await judgeTables(truth, predictions, options);
  const comparison = others === null ? null : compareRuns(truth, predictions, others, options);
  terminal.print(judgementText(judgement));
  if (comparison !== null) terminal.print(`\na is ${file}, b is ${other}\n${comparisonText(comparison)}`);
  const result = { truth: truthFile, predictions: file, ...judgement, ...(comparison === null ? {} : { comparison }) };
  terminal.result(result);
  if (out === undefined) return EXIT.done;
  const command = `retinagrad evaluate --truth ${truthFile} --predictions ${file} --iou ${options.iouThreshold}`;
  const report = await writeEvaluation(out, result, {
    title: `${file} against ${truthFile}`,
    summary: `Detections of ${truth.classes.join(', ')} compared with the truth at IoU ${options.iouThreshold}.`,
    judgement,
    facts: [],
    commands: [command],
    files: [truthFile, file].filter((path) => existsSync(path) && statSync(path).isFile()),
  });
  terminal.print(`\n${report}`);
  if (comparison !== null && other !== undefined) {
    const page = join(out, 'comparison.html');
    writeFileSync(
      page,
      comparisonHtml({
        title: `${file} and ${other}`,
        names: shortNames(file, other),
        comparison,
        curves: { a: judgement.curve, b: (await judgeTables(truth, others!, { ...options, resamples: 0 })).curve },
        reproduction: { commands: [`${command} --compare ${other}`] },
      }),
    );
    terminal.print(page);
  }
  return EXIT.done;
}

/** What tells two paths apart, to head columns with: `first` and `second` for first/boxes.csv and second/boxes.csv. */
export function shortNames(a: string, b: string): { readonly a: string; readonly b: string } {
  const [left, right] = [a.split(/[\\/]+/), b.split(/[\\/]+/)];
  const most = Math.min(left.length, right.length) - 1;
  let ends = 0;
  while (ends < most && left.at(-1 - ends) === right.at(-1 - ends)) ends++;
  const name = (parts: readonly string[]): string => parts[parts.length - 1 - ends]!;
  return name(left) === name(right) ? { a, b } : { a: name(left), b: name(right) };
}

async function evaluateData({ values, terminal }: Call, given: string): Promise<number> {
  for (const name of ['compare', 'match-by']) {
    if (values[name] !== undefined) throw new UsageError(`--${name} goes with --truth and --predictions`);
  }
  const options = judgeOptions(values);
  const weights = weightsFile(values);
  const out = text(values, 'out') ?? 'evaluation';
  const images = text(values, 'images');
  makeFolder(out, '--out');
  const path = given === 'synthetic' ? await syntheticToEvaluate(terminal) : given;
  const device = await init(adapterOption(values));
  const { model, classes, scoreThreshold, reading, tile } = loadDetector(weights);
  const opened = await openDataset(path, { ...reading, ...(images === undefined ? {} : { images }) });
  const strangers = opened.classes.filter((name) => !classes.includes(name));
  if (strangers.length > 0) {
    throw new Error(
      `${path} has the classes ${strangers.join(', ')}, which the detector does not know: it finds ${classes.join(', ')}`,
    );
  }
  const { dataset, truth } = await judgedData(path, opened, classes, images);
  terminal.facts([
    ['adapter', `${device.adapter.name} (${device.adapter.kind})`],
    ['weights', weights],
    ['data', `${path}, ${dataset.ids.length} images`],
  ]);
  const signal = interruptSignal(() => terminal.warn('Interrupted'));
  const results = await imageResults(model, dataset, [...dataset.ids.keys()], {
    signal,
    tile,
    onProgress: (done, total) => terminal.progress('evaluating', done, total),
  });
  model.dispose();
  if (results === null) return EXIT.interrupted;
  const { predictions } = tablesOf(dataset, results);
  const judgement = await judgeTables(truth, predictions, { scoreThreshold, ...options });
  terminal.print(`\n${judgementText(judgement)}`);
  const result = { weights, data: path, ...judgement };
  terminal.result(result);
  const report = await writeEvaluation(out, result, {
    title: titleOf(classes, path),
    summary: `The detector of ${weights} on ${dataset.ids.length} images.`,
    judgement,
    dataset,
    images: results,
    facts: [{ heading: 'Run', values: { weights, data: path, adapter: device.adapter.name } }],
    commands: [`retinagrad evaluate ${path} --weights ${weights} --threshold ${judgement.settings.scoreThreshold}`],
    files: [weights],
  });
  await writeLabels(predictions, join(out, 'predictions.csv'), 'csv', { overwrite: true });
  terminal.print(`\n${report}, and predictions.csv beside it`);
  device.destroy();
  return EXIT.done;
}

async function writeEvaluation(
  out: string,
  result: object,
  report: Parameters<typeof writeReport>[1],
): Promise<string> {
  writeFileSync(join(out, 'evaluation.json'), `${JSON.stringify(result, null, 2)}\n`);
  const file = join(out, 'report.html');
  await writeReport(file, report);
  return file;
}
