import { basename, join } from 'node:path';
import { counted, defined } from '../common/check.ts';
import { replaceFile } from '../common/node/replace-file.ts';
import { findImages, readLabels, writeLabels, type ReadLabels, type ReadLabelsOptions } from '../data-node.ts';
import {
  evaluate as evaluateTask,
  compareLayers,
  evaluationOnImages,
  judgeTables,
  omittedImages,
  matchImages,
  resolutionNote,
  scenesIn,
  openEvaluationData,
  outcomesOnImages,
  SYNTHETIC,
  syntheticToEvaluate,
  titleOf,
  writeReport,
  type OutcomeImages,
  type WriteReportOptions,
} from '../detector-node.ts';
import { areaText, compareRuns, comparisonText, judgementText, type JudgeOptions } from '../evaluation.ts';
import { defaultDevice, init } from '../node.ts';
import { comparisonHtml } from '../report.ts';
import { defineCommand, EXIT, makeFolder, type Call } from './command.ts';
import type { HelpText } from './help.ts';
import {
  classNames,
  flag,
  gpuOptions,
  initOptions,
  integer,
  number,
  oneOf,
  option,
  pattern,
  text,
  type OptionTable,
  type OptionValues,
} from './options.ts';
import { adapterText, limitNote, resampleNote, unreadableNote } from './notes.ts';
import { writeMapPage } from './map.ts';
import { openToRun } from './open-detector.ts';
import { weightsFile } from './run-paths.ts';
import { interruptSignal, type Terminal } from './terminal.ts';
import { UsageError } from './usage-error.ts';

const OPTIONS = {
  truth: option(text, { value: 'FILE', about: 'ground truth' }),
  area: option(text, {
    value: 'FILE',
    about: 'with DATA or LAYER, a vector file with the polygons of the area that is judged',
    otherwise: 'everything counts',
  }),
  exclude: option(text, {
    value: 'FILE',
    about: 'with DATA or LAYER, a vector file of polygons in which nothing counts',
  }),
  predictions: option(text, { value: 'FILE', about: 'detections with scores' }),
  compare: option(text, {
    value: 'FILE',
    about: 'detections of a second run on the same images: tests which run is better, with confidence intervals',
  }),
  weights: option(text, {
    value: 'FILE',
    about: 'weights of a run, or the Hugging Face folder of a RetinaNet',
    otherwise: 'best.safetensors of the newest run in runs/',
  }),
  classes: option(classNames, {
    value: 'LIST',
    about: 'for weights without class names: the names in label order, comma-separated, or a file of them',
  }),
  iou: option(number({ min: 0.05, max: 1 }), {
    value: 'X',
    about: 'minimum IoU of a detection with an object',
    default: 0.5,
  }),
  threshold: option(number({ min: 0, max: 1 }), {
    value: 'X',
    about: 'minimum score',
    otherwise: "with DATA the detector's; otherwise the F1-optimal threshold on these same images, which is optimistic",
  }),
  'match-by': option(oneOf(['file', 'stem']), {
    value: 'HOW',
    about: 'file matches images by path, stem by name without folders and extension',
    otherwise: 'file if it matches all images, otherwise stem',
  }),
  images: option(text, {
    value: 'FOLDER',
    about: 'folder of the images; with LAYER and --map, georeferenced images (a folder, a file or a pattern)',
    otherwise: 'found near the labels',
  }),
  map: flag(
    'with DATA, or LAYER and --images, also writes map/index.html: hits, misses and false alarms over the imagery',
  ),
  split: option(oneOf(['train', 'val', 'test']), {
    value: 'NAME',
    about: 'with DATA, the split of a data set that has splits',
    otherwise: 'test, or val if there is no test',
  }),
  'class-property': option(text, {
    value: 'NAME',
    about:
      'property of vector features with the class (with LAYER, of the ground truth), as data.classProperty in training',
    otherwise: 'label, class, category or another usual one',
  }),
  'point-size': option(number({ above: 0 }), {
    value: 'PIXELS',
    about: 'side of the square box around a point, as data.pointSize in training',
    otherwise: 'points are left out and counted',
  }),
  resample: flag('with DATA, reads georeferenced images at the ground resolution of the training images'),
  resamples: option(integer({ min: 0 }), {
    value: 'N',
    about: 'bootstrap resamples of the scenes for the confidence intervals; 0 omits them',
    default: 1000,
  }),
  scene: option(pattern, {
    value: 'REGEX',
    about: 'extracts the scene from an image path; intervals resample scenes, because their images are much alike',
    otherwise: 'each image is a scene of its own',
  }),
  'max-detections': option(integer({ min: 1 }), {
    value: 'N',
    about: 'with DATA, the maximum number of detections of an image or tile',
    otherwise: 'as in training',
  }),
  out: option(text, {
    value: 'FOLDER',
    about:
      'folder for evaluation.json, report.html and, with DATA, predictions.csv; with LAYER, for evaluation.json and ' +
      'judgement.gpkg, a layer of hits, misses and false alarms',
    otherwise: 'evaluation with DATA; otherwise no files are written',
  }),
  ...gpuOptions,
} as const satisfies OptionTable;

const help: HelpText = {
  usage: `
retinagrad evaluate --truth FILE --predictions FILE [--compare FILE]
    Scores detections of any tool; needs no model and no GPU.
retinagrad evaluate DATA [--weights FILE]
    Runs a detector on labelled images that it was not trained on, and scores it. DATA may be the word synthetic: 100
    generated images that training never sees.
retinagrad evaluate LAYER --truth FILE [--area FILE] [--exclude FILE]
    Scores a vector layer of detections on the map, in any coordinate system; needs no images.`,
  about: `
Prints precision, recall, F1 and the metrics of COCO and SpaceNet. Labels are files or folders in any format that retinagrad
convert reads; predictions need scores. A detection is correct if its IoU with an object of its class, not already matched by
a higher-scoring detection, is at least --iou. Crowds and difficult objects count neither as misses nor as false positives.

LAYER is GeoJSON, GeoPackage, shapefile, FlatGeobuf or KML. Both layers are converted to one coordinate system in metres, where
the bounds of their outlines are compared over the whole area as if it were one image. An object counts if the centre of its
box lies in the area; a detection counts with its object, or else by its own centre. Densities are per hectare on the
ground; intervals resample square blocks of ground, a tenth of the longer side of the area.`,
  exit: {
    [EXIT.failed]: 'failed, or images could not be read (the others are scored)',
    [EXIT.interrupted]: 'interrupted',
  },
  examples: [
    ['npx retinagrad evaluate --truth instances.json --predictions results.json'],
    ['npx retinagrad evaluate --truth test.csv --predictions a.csv --compare b.csv --iou 0.4'],
    ['npx retinagrad evaluate predictions.gpkg --truth buildings.shp --area district.geojson'],
    ['npx retinagrad evaluate unseen --weights runs/mine/best.safetensors --out results'],
  ],
};

export const evaluate = defineCommand('evaluate', {
  help,
  output: 'all metrics',
  options: OPTIONS,
  run: runEvaluate,
});

async function runEvaluate(call: Call<typeof OPTIONS>): Promise<number> {
  const { options, positionals } = call;
  const [data, ...more] = positionals;
  if (more.length > 0) throw new UsageError(`expected one data set, got ${positionals.join(' ')}`);
  if (data !== undefined && options.truth !== undefined && options.predictions === undefined)
    return evaluateLayer(call, data);
  const files = options.truth !== undefined || options.predictions !== undefined;
  if (files === (data !== undefined)) {
    throw new UsageError(
      'give either --truth and --predictions, or a data set to run a detector on, or LAYER and --truth',
    );
  }
  if (data !== undefined) return evaluateData(call, data);
  for (const name of ['area', 'exclude', 'map'] as const) {
    if (options[name] !== undefined && options[name] !== false)
      throw new UsageError(`--${name} goes with DATA, or with LAYER --truth LAYER`);
  }
  return evaluateFiles(call);
}

const judgeOptions = ({ iou, threshold, resamples }: OptionValues<typeof OPTIONS>): JudgeOptions => ({
  iouThreshold: iou,
  resamples,
  ...defined({ scoreThreshold: threshold }),
});

/** How features of GeoJSON become objects. */
const featureOptions = (values: OptionValues<typeof OPTIONS>): Pick<ReadLabelsOptions, 'classProperty' | 'pointSize'> =>
  defined({ classProperty: values['class-property'], pointSize: values['point-size'] });

async function evaluateFiles({ options: values, terminal }: Call<typeof OPTIONS>): Promise<number> {
  const { truth: truthFile, predictions: file, compare: other, out } = values;
  if (truthFile === undefined || file === undefined) throw new UsageError('--truth and --predictions go together');
  if (values.weights !== undefined) throw new UsageError('--weights goes with a data set, not with --predictions');
  if (values.resample) throw new UsageError('--resample goes with a data set, not with --predictions');
  const given = judgeOptions(values);
  const chosen = values['match-by'];
  if (out !== undefined) makeFolder(out, '--out');
  const where = defined({ images: values.images });
  const truth = await readLabels(truthFile, { ...where, ...featureOptions(values) });
  const read = (path: string): Promise<ReadLabels> => readLabels(path, { ...where, like: truth });
  const predictions = await read(file);
  const others = other === undefined ? null : await read(other);
  const tables = others === null ? [truth, predictions] : [truth, predictions, others];
  for (const { path, notes } of tables) for (const note of notes) terminal.say(`${path}: note: ${note}`);
  const matchBy = chosen ?? matchImages(truth, others === null ? [predictions] : [predictions, others]);
  if (chosen === undefined && matchBy === 'stem') {
    terminal.say('The paths of the images differ: they are matched by name without folders and extension.');
  }
  const scenes = values.scene && scenesIn(truth, values.scene);
  const options = { ...given, matchBy, ...defined({ scenes }) };
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
    summary: `Detections of ${truth.classes.join(', ')} compared with the ground truth at IoU ${options.iouThreshold}.`,
    judgement,
    facts: [],
    commands: [command],
    files: [truthFile, file],
  });
  terminal.print(`\n${report}`);
  if (comparison !== null && other !== undefined) {
    const page = join(out, 'comparison.html');
    replaceFile(
      'evaluate',
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

async function evaluateLayer({ options: values, terminal }: Call<typeof OPTIONS>, layer: string): Promise<number> {
  const foreign = ['compare', 'weights', 'match-by', 'split', 'point-size', 'scene', 'max-detections'] as const;
  for (const name of foreign) {
    if (values[name] !== undefined) throw new UsageError(`--${name} does not go with LAYER --truth LAYER`);
  }
  if (values.resample) throw new UsageError('--resample does not go with LAYER --truth LAYER');
  const { truth, area, exclude, out, images, map, 'class-property': classProperty } = values;
  if (map && (images === undefined || out === undefined)) {
    throw new UsageError('--map with LAYER needs --images with georeferenced images, and --out');
  }
  if (images !== undefined && !map) throw new UsageError('--images goes with LAYER --truth LAYER only for --map');
  const files = images === undefined ? [] : await findImages([images]);
  if (out !== undefined) makeFolder(out, '--out');
  const { judgement, outcomes } = await compareLayers(truth!, layer, {
    ...judgeOptions(values),
    ...defined({ area, exclude, classProperty, outcomes: out === undefined ? undefined : join(out, 'judgement.gpkg') }),
  });
  for (const note of judgement.notes) terminal.say(`note: ${note}`);
  const place = `${area ?? 'bounds of both layers'}${exclude === undefined ? '' : ` without ${exclude}`}`;
  terminal.print(areaText(judgement, `${place}; boxes compared in ${judgement.crs}`));
  const result = { truth, predictions: layer, area: area ?? null, exclude: exclude ?? null, ...judgement };
  terminal.result(result);
  if (out === undefined) return EXIT.done;
  replaceFile('evaluate', join(out, 'evaluation.json'), `${JSON.stringify(result, null, 2)}\n`);
  terminal.print(`\n${join(out, 'judgement.gpkg')}, and evaluation.json beside it`);
  const [first, ...others] = files;
  if (first === undefined) return EXIT.done;
  const onImages = await outcomesOnImages(outcomes, [first, ...others]);
  if (onImages.elsewhere > 0) {
    terminal.say(
      `${counted(onImages.elsewhere, 'object or detection lies', 'objects and detections lie')} on no image`,
    );
  }
  const signal = interruptSignal(() => terminal.warn('Interrupted'));
  const title = `${basename(layer)} against ${basename(truth!)}`;
  return printMap(out, onImages, { title, classes: outcomes.classes, judgement, signal, terminal });
}

/** Writes the map of an evaluation, prints its path, and returns the exit code. */
async function printMap(
  out: string,
  { images, count }: OutcomeImages,
  {
    judgement,
    terminal,
    ...page
  }: {
    readonly title: string;
    readonly classes: readonly string[];
    readonly judgement: { readonly settings: { readonly scoreThreshold: number } };
    readonly signal: AbortSignal;
    readonly terminal: Terminal;
  },
): Promise<number> {
  const threshold = judgement.settings.scoreThreshold;
  const file = await writeMapPage(out, { ...page, threshold, images, count, terminal });
  if (file === null) return EXIT.interrupted;
  terminal.print(`map: ${file}`);
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

async function evaluateData({ options: values, terminal }: Call<typeof OPTIONS>, given: string): Promise<number> {
  for (const name of ['compare', 'match-by'] as const) {
    if (values[name] !== undefined) throw new UsageError(`--${name} goes with --truth and --predictions`);
  }
  const weights = weightsFile(values.weights);
  const out = values.out ?? 'evaluation';
  makeFolder(out, '--out');
  const onDrawing = (done: number, total: number): void => terminal.progress('drawing synthetic images', done, total);
  const path = given === SYNTHETIC ? await syntheticToEvaluate(onDrawing) : given;
  const device = await init(initOptions(values));
  const detector = await openToRun(weights, values.classes, terminal);
  const { images: folder, split, area, exclude } = values;
  const opening = { ...defined({ images: folder, split, area, exclude }), ...featureOptions(values) };
  const data = await openEvaluationData(detector, path, opening);
  const { dataset } = data;
  terminal.facts([
    ['adapter', adapterText(device.adapter)],
    ['weights', weights],
    ['data', `${path}, ${data.split === null ? '' : `split ${data.split}, `}${dataset.ids.length} images`],
  ]);
  for (const note of data.notes) terminal.say(note);
  // If images are resized as a whole, their size decides, not that of their pixels.
  const resolution = resolutionNote(detector.decoding.groundResolution, dataset.decoding?.groundResolution);
  if (resolution !== null && detector.detectionTile !== null && !values.resample) terminal.warn(resolution);
  const { 'max-detections': maxDetections = detector.spec.postprocess.maxDetections } = values;
  const signal = interruptSignal(() => terminal.warn('Interrupted'));
  const evaluation = await evaluateTask(detector, data, {
    ...judgeOptions(values),
    ...defined({ scene: values.scene }),
    maxDetections,
    resample: values.resample,
    signal,
    onProgress: (done, total) => terminal.progress('evaluating', done, total),
  });
  detector.dispose();
  if (evaluation === null) return EXIT.interrupted;
  const { judgement, predictions, images, unreadable } = evaluation;
  terminal.print(`\n${judgementText(judgement)}`);
  if (unreadable.length > 0) terminal.warn(unreadableNote(unreadable.map(({ reason }) => reason)));
  const unknown = images.filter(({ groundResolution }) => groundResolution === undefined).length;
  const resampled = values.resample ? resampleNote(unknown) : null;
  if (resampled !== null) terminal.warn(resampled);
  const all = images.map(({ detections }) => detections);
  const limited = omittedImages(all, judgement.settings.scoreThreshold);
  if (limited > 0) terminal.warn(limitNote(limited, maxDetections, '--max-detections'));
  const result = { weights, data: path, ...defined({ area, exclude }), limited, unreadable, ...judgement };
  terminal.result(result);
  const report = await writeEvaluation(out, result, {
    title: titleOf(detector.classes, path),
    summary: `The detector of ${weights} on ${images.length} images${unreadable.length === 0 ? '' : `; ${unreadable.length} could not be read`}.`,
    judgement,
    pictured: { dataset, images },
    facts: [
      { heading: 'Run', values: { weights, data: path, ...defined({ area, exclude }), adapter: device.adapter.name } },
    ],
    commands: [
      `retinagrad evaluate ${path} --weights ${weights} --threshold ${judgement.settings.scoreThreshold}` +
        `${area === undefined ? '' : ` --area ${area}`}${exclude === undefined ? '' : ` --exclude ${exclude}`}`,
    ],
    files: [weights],
  });
  await writeLabels(predictions, join(out, 'predictions.csv'), 'csv', { overwrite: true });
  terminal.print(`\n${report}, and predictions.csv beside it`);
  defaultDevice().destroy();
  if (values.map) {
    const page = { title: titleOf(detector.classes, path), classes: dataset.classes, judgement, signal, terminal };
    const exit = await printMap(out, evaluationOnImages(data, evaluation), page);
    if (exit !== EXIT.done) return exit;
  }
  return unreadable.length > 0 ? EXIT.failed : EXIT.done;
}

async function writeEvaluation(out: string, result: object, report: WriteReportOptions): Promise<string> {
  replaceFile('evaluate', join(out, 'evaluation.json'), `${JSON.stringify(result, null, 2)}\n`);
  const file = join(out, 'report.html');
  await writeReport(file, report);
  return file;
}
