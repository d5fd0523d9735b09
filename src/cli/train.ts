import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { tableOf, type LabelTable } from '../data.ts';
import { judge, judgementText, type Judgement } from '../evaluation.ts';
import { init, manualSeed, RetinaNet, type Device, type RetinaNetSpec } from '../node.ts';
import { lineChart } from '../report.ts';
import {
  findLearningRate,
  loadDetector,
  loadPretrained,
  RunFolder,
  runFiles,
  trainDetector,
  type RateCurve,
  type TrainerOptions,
} from '../train.ts';
import { tablesOf } from '../detector/detections-table.ts';
import { defineCommand, defined, EXIT, makeFolder, quoted, type Call } from './command.ts';
import type { HelpText } from './help.ts';
import { adapter, flag, integer, option, text, type OptionTable } from './options.ts';
import { UsageError } from './usage-error.ts';
import { boxSizesOf, networkSpec } from '../task/network.ts';
import { printSettings, readSettingsFile, resolveSettings, settingsHelp, splitOverrides } from '../train/schema.ts';
import { formatDuration, interruptSignal, type Terminal } from './terminal.ts';
import { titleOf, writeReport } from '../task/report.ts';
import { checkData, openTrainData, type TrainData } from '../task/training-data.ts';
import { chooseAuto, trainSchema, type ModelName, type RunSettings, type TrainSettings } from '../train/settings.ts';
import { timestamp } from './run-paths.ts';
import { imageResults } from '../task/judging.ts';

const OPTIONS = {
  config: option(text, { value: 'FILE', about: 'settings as YAML or JSON; config.yaml of another run is one' }),
  out: option(text, { value: 'FOLDER', about: 'new folder for all results', otherwise: 'runs/DATE-TIME' }),
  resume: option(text, { value: 'FOLDER', about: 'continues an unfinished run with its settings' }),
  seed: option(integer({ min: 0 }), { value: 'N', about: 'same as train.seed=N' }),
  'find-rate': flag('does not train: runs a learning-rate range test, prints its suggestion and plots the curve'),
  'print-config': flag('does not train: prints all settings with comments, to be saved as a file'),
  adapter,
} as const satisfies OptionTable;

const help: HelpText = {
  usage: `
retinagrad train DATA [SETTING=VALUE...] [--config FILE] [--out FOLDER]
retinagrad train --resume FOLDER`,
  about: `
DATA is a folder of images with labels (CSV, COCO, Pascal VOC, YOLO, SpaceNet, GeoJSON), a label file, or the word synthetic,
which generates a data set. Settings on the command line override those of --config, which override the defaults. About a fifth of the images is held
out: training keeps the weights that score best on them, and report.html evaluates those weights on them.`,
  details: `
Settings with their defaults ("none" disables):
${settingsHelp(trainSchema)}
Ctrl-C finishes the current step, saves and exits; a second Ctrl-C exits at once.`,
  exit: { [EXIT.usage]: 'invalid command line or setting', [EXIT.interrupted]: 'interrupted (--resume continues)' },
  examples: [
    ['npx retinagrad train tiles'],
    ['npx retinagrad train tiles/boxes.csv data.images=tiles train.epochs=80 model.network=resnet50'],
    ['npx retinagrad train scenes data.tile=512 sampling.emptyShare=0.25', 'large images, cut into tiles'],
    ['npx retinagrad train tiles model.weights=old/best.safetensors model.freeze=2 train.backboneRate=0.1'],
    ['npx retinagrad train tiles --print-config > mine.yaml && npx retinagrad train --config mine.yaml'],
  ],
};

export const train = defineCommand('train', {
  help,
  output: 'the outcome and the metrics',
  options: OPTIONS,
  run: runTrain,
});

async function runTrain(call: Call<typeof OPTIONS>): Promise<number> {
  const { options, terminal } = call;
  const start = performance.now();
  const { settings: asked, out, resume } = chooseRun(call);
  if (options['print-config']) {
    terminal.print(printSettings(trainSchema, asked).trimEnd());
    terminal.result(asked);
    return EXIT.done;
  }
  checkData(asked);
  const device = await init(defined({ adapter: options.adapter }));
  const settings = chooseAuto(asked, device.adapter.kind === 'hardware');
  const data = await openTrainData(settings, device.adapter.kind === 'hardware', terminal);
  try {
    makeFolder(out, '--out');
    const truth = await tableOf(data.dataset, data.split.train);
    manualSeed(settings.train.seed);
    const model = new RetinaNet(data.dataset.classes.length, networkSpec(settings, truth));
    announce(settings, device, data, model, out, terminal);
    if (settings.model.weights !== null) {
      const loaded = await loadPretrained(model, settings.model.weights, { classes: data.dataset.classes });
      terminal.say(loaded.summary);
    }
    if (options['find-rate']) return await findRate(model, data, settings, out, terminal);

    const folder = new RunFolder(out);
    if (!resume) folder.writeConfig(printSettings(trainSchema, settings));
    const signal = interruptSignal(() => terminal.warn('Interrupted: finishing the step and saving...'));
    const result = await trainDetector(model, {
      ...trainerOptions(settings),
      folder,
      dataset: data.dataset,
      split: data.split,
      source: data.source,
      augment: null,
      ...(data.sampler === null ? {} : { sampler: data.sampler }),
      reading: data.reading,
      tile: settings.data.tile,
      hardNegatives: settings.sampling.hardNegatives,
      epochs: settings.train.epochs,
      batchSize: settings.train.batchSize,
      seed: settings.train.seed,
      evaluateEvery: settings.train.evaluateEvery,
      monitor: settings.train.monitor,
      patience: settings.train.patience ?? Infinity,
      tensorboard: settings.train.tensorboard,
      resume,
      signal,
      onStep({ step, epoch, loss, imagesPerSecond }, total) {
        const left = ((total - step) * settings.train.batchSize * settings.train.accumulate) / imagesPerSecond;
        const note = `loss ${loss.toFixed(3)}, ${imagesPerSecond.toFixed(1)} images/s, ${formatDuration(left)} left`;
        terminal.progress(`epoch ${epoch + 1}/${settings.train.epochs}`, step, total, note);
      },
      onEvaluationProgress: (done, total) => terminal.progress('evaluating', done, total),
      onEvaluation({ epoch, f1, precision, recall, averagePrecision }, best) {
        terminal.say(
          `epoch ${String(epoch).padStart(2)}: F1 ${f1.toFixed(3)} (precision ${precision.toFixed(3)}, recall ${recall.toFixed(3)}), ` +
            `average precision ${averagePrecision?.toFixed(3) ?? 'undefined'}${best ? ', the best so far' : ''}`,
        );
      },
    });
    model.dispose();
    const { end, steps, totalSteps } = result;
    const seconds = (performance.now() - start) / 1000;
    const judgement =
      end === 'interrupted' ? null : await reportRun(folder, data, truth, settings, { seconds, call, signal });
    if (judgement === null) {
      terminal.print(
        `Saved after step ${steps} of ${totalSteps}. Go on with: retinagrad train --resume ${quoted(out)}`,
      );
      terminal.result({ run: out, end: 'interrupted', steps, totalSteps });
      return EXIT.interrupted;
    }
    if (end === 'early') terminal.say(`Ended early: no better one in ${settings.train.patience} evaluations.`);
    terminal.print(
      `\nDone in ${formatDuration(seconds)}. On ${judgement.counts.images} held-out images, which also chose weights and score threshold:\n`,
    );
    terminal.print(judgementText(judgement));
    terminal.say('');
    terminal.facts([
      [join(out, runFiles.report), 'all of it, with curves and pictures: open it in a browser'],
      [join(out, runFiles.best), 'the weights'],
    ]);
    terminal.say('\nNext: retinagrad predict IMAGES... finds objects in your images.');
    const { counts, best, coco } = judgement;
    terminal.result({ run: out, end, steps, totalSteps, seconds, counts, best, coco });
    return EXIT.done;
  } finally {
    await data.close();
  }
}

/** Folder and settings of a new run or, with --resume, of an old one. Makes nothing yet. */
function chooseRun({ options, positionals }: Call<typeof OPTIONS>): {
  out: string;
  settings: TrainSettings;
  resume: boolean;
} {
  const { overrides, others } = splitOverrides(positionals);
  const { resume: old, config, seed } = options;
  if (old !== undefined) {
    const excluded = ['config', 'out', 'seed', 'find-rate', 'print-config'] as const;
    const given = excluded.filter((name) => options[name] !== OPTIONS[name].initial);
    if (given.length > 0) throw new UsageError(`--resume takes all from the run: leave out --${given.join(', --')}`);
    if (positionals.length > 0)
      throw new UsageError(`--resume takes all from the run: leave out ${positionals.join(' ')}`);
    const file = join(old, runFiles.config);
    if (!existsSync(file)) throw new UsageError(`--resume: ${old} holds no run: it has no ${runFiles.config}`);
    return { out: old, settings: resolveSettings(trainSchema, [layer(file)]), resume: true };
  }
  if (others.length > 1) throw new UsageError(`expected one data set, got ${others.join(' ')}`);
  if (others[0] !== undefined) {
    if (overrides.has('data.path')) throw new UsageError(`the data set is named twice: ${others[0]}, data.path`);
    overrides.set('data.path', others[0]);
  }
  if (seed !== undefined) overrides.set('train.seed', seed);
  const layers = [...(config === undefined ? [] : [layer(config)]), { from: 'command line', values: overrides }];
  const settings = resolveSettings(trainSchema, layers);
  const out = options.out ?? join('runs', timestamp());
  if (existsSync(join(out, runFiles.state)) || existsSync(join(out, runFiles.metrics)))
    throw new UsageError(`${out} holds a run already: go on with --resume ${out}, or choose another --out`);
  return { out, settings, resume: false };
}

function layer(file: string): { from: string; values: Map<string, unknown> } {
  if (!existsSync(file)) throw new UsageError(`there is no ${file}`);
  return { from: file, values: readSettingsFile(readFileSync(file, 'utf8'), file) };
}

function trainerOptions({ train, model }: RunSettings): Omit<TrainerOptions, 'totalSteps'> {
  const { optimizer, backboneRate, schedule, clipNorm, averageDecay, accumulate } = train;
  return {
    optimizer,
    backboneRate,
    schedule,
    clipNorm,
    averageDecay,
    accumulate,
    freeze: model.freeze,
    learningRate: train.learningRate,
    ...(train.warmup === 'auto' ? {} : { warmup: train.warmup }),
    ...(train.weightDecay === 'auto' ? {} : { weightDecay: train.weightDecay }),
  };
}

/** Networks that train on a processor in reasonable time, the quickest first. */
const forProcessors: readonly ModelName[] = ['tiny', 'small'];

function announce(
  settings: RunSettings,
  device: Device,
  { description, dataset, split, notes }: TrainData,
  model: RetinaNet,
  out: string,
  terminal: Terminal,
): void {
  const weights = model.parameters().reduce((sum, { size }) => sum + size, 0);
  const what = settings.data.tile === null ? 'images' : 'tiles';
  const sizes = model.spec.anchors.sizes.flat();
  terminal.facts([
    ['adapter', `${device.adapter.name} (${device.adapter.kind})`],
    ['data', description],
    [what, `${split.train.length} to train on, ${split.heldOut.length} held out`],
    ['classes', dataset.classes.join(', ')],
    [
      'model',
      `RetinaNet on ResNet-${model.spec.backbone.depth} (${settings.model.network}), ${(weights / 1e6).toFixed(2)} million weights`,
    ],
    ['anchors', `${Math.round(Math.min(...sizes))} to ${Math.round(Math.max(...sizes))} pixels`],
    ['run', out],
  ]);
  for (const note of notes) terminal.say(note);
  if (device.adapter.kind === 'software' && !forProcessors.includes(settings.model.network)) {
    terminal.say(
      `There is no GPU: ${settings.model.network} takes long here. model.network=${forProcessors[0]} trains many times faster.`,
    );
  }
}

/** The range test of the learning rate, with its curve. */
async function findRate(
  model: RetinaNet,
  { dataset, split, source }: TrainData,
  settings: RunSettings,
  out: string,
  terminal: Terminal,
): Promise<number> {
  const { schedule: _, warmup: __, learningRate: ___, ...options } = trainerOptions(settings);
  let done = 0;
  const found = await findLearningRate(model, {
    ...options,
    dataset,
    indices: split.train,
    source,
    augment: null,
    batchSize: settings.train.batchSize,
    seed: settings.train.seed,
    onStep: (_, steps) => terminal.progress('measuring', ++done, steps),
  });
  const folder = new RunFolder(out);
  const file = join(folder.path, 'learning-rate.svg');
  writeFileSync(file, rateChart(found));
  terminal.print(
    found.suggestion === null
      ? `No rate made the loss fall: ${found.reason}`
      : `train.learningRate=${Number(found.suggestion.toPrecision(2))}  ${found.reason}`,
  );
  terminal.print(`${file}  the curve`);
  terminal.result({ ...found, file });
  return EXIT.done;
}

/** The loss over the rates. The sweep ends where the loss exceeds four times its lowest: what lies above would hide the rest. */
function rateChart({ curve, suggestion }: RateCurve): string {
  const x = curve.map(({ learningRate }) => Math.log10(learningRate));
  const smoothed = curve.map((point) => point.smoothed);
  const lowest = Math.min(...smoothed.filter(Number.isFinite));
  const at = suggestion === null ? -1 : curve.findIndex(({ learningRate }) => learningRate >= suggestion);
  return lineChart({
    title: 'Loss while the learning rate grows',
    xLabel: 'logarithm (base 10) of the learning rate',
    yLabel: 'loss',
    yMin: 0,
    ...(lowest > 0 && lowest < Infinity ? { yMax: 4 * lowest } : {}),
    series: [
      { name: 'each step', x, y: curve.map(({ loss }) => loss), faint: true, colour: '#0072b2' },
      { name: 'smoothed', x, y: smoothed, colour: '#0072b2' },
    ],
    marks: at < 0 ? [] : [{ x: x[at]!, y: smoothed[at]!, label: `suggested ${suggestion!.toPrecision(2)}` }],
  });
}

/** Anchors by level: with `model.anchors=auto` no setting tells them. */
function anchorFacts({ anchors }: RetinaNetSpec): Record<string, string> {
  const rounded = (values: readonly number[]): string => values.map((value) => Number(value.toPrecision(3))).join(', ');
  return {
    ...Object.fromEntries(anchors.sizes.map((sizes, level) => [`P${level + 3}`, rounded(sizes)])),
    'height / width': rounded(anchors.ratios),
  };
}

/** Scores the best weights, as they lie in their file, on the held-out images, and writes the report; null if interrupted. */
async function reportRun(
  folder: RunFolder,
  { dataset, split, description }: TrainData,
  truth: LabelTable,
  settings: RunSettings,
  {
    seconds,
    call,
    signal,
  }: { readonly seconds: number; readonly call: Call<typeof OPTIONS>; readonly signal: AbortSignal },
): Promise<Judgement | null> {
  const { terminal, version } = call;
  const { model } = loadDetector(folder.file('best'));
  const images = await imageResults(model, dataset, split.heldOut, {
    signal,
    onProgress: (done, total) => terminal.progress('judging the best weights', done, total),
  });
  model.dispose();
  if (images === null) return null;
  const tables = tablesOf(dataset, images);
  const judgement = judge(tables.truth, tables.predictions, { iouThreshold: 0.5 });
  await writeReport(folder.file('report'), {
    title: titleOf(dataset.classes, description),
    summary: `RetinaNet on ResNet-${model.spec.backbone.depth} (${settings.model.network}), trained on ${split.train.length} images and judged on ${split.heldOut.length} that it was not trained on.`,
    judgement,
    dataset,
    images,
    training: folder.records,
    boxSizes: boxSizesOf(truth, model.spec),
    facts: [
      { heading: 'Settings', values: settings },
      { heading: 'Anchors', values: anchorFacts(model.spec) },
      { heading: 'Run', values: { ...folder.readEnvironment(), seconds: Math.round(seconds), retinagrad: version } },
    ],
    commands: [`retinagrad train --config ${folder.file('config')} --out runs/again`],
    seed: settings.train.seed,
    files: [folder.file('config'), folder.file('best')],
  });
  return judgement;
}
