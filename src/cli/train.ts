import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { counted, defined } from '../common/check.ts';
import { replaceFile } from '../common/node/replace-file.ts';
import type { Communicator } from '../distributed-node.ts';
import {
  checkDataSettings,
  cpuNetworks,
  findRate,
  jsonSchemaOf,
  openTraining,
  printSettings,
  rateChart,
  readSettingsFile,
  resolveLayers,
  RunFolder,
  runFiles,
  settingsHelp,
  settingsSchema,
  splitOverrides,
  train as trainTask,
  trainReplica,
  type OpenedTraining,
  type SettingLayer,
  type Settings,
  type TrainOutcome,
} from '../detector-node.ts';
import { judgementText } from '../evaluation.ts';
import { init, type Device } from '../node.ts';
import { defineCommand, EXIT, makeFolder, quoted, type Call } from './command.ts';
import type { HelpText } from './help.ts';
import { flag, gpuOptions, initOptions, integer, option, text, type OptionTable } from './options.ts';
import { adapterText, limitNote } from './notes.ts';
import { adapterOfRank, drawInTurn, withRanks, type Ranks } from './ranks.ts';
import { timestamp } from './run-paths.ts';
import { abortOnInterrupt, formatDuration, type Terminal } from './terminal.ts';
import { UsageError } from './usage-error.ts';

const OPTIONS = {
  config: option(text, { value: 'FILE', about: 'settings as YAML or JSON; config.yaml of another run is one' }),
  out: option(text, { value: 'FOLDER', about: 'new folder for all results', otherwise: 'runs/DATE-TIME' }),
  resume: option(text, { value: 'FOLDER', about: 'continues an unfinished run with its settings' }),
  seed: option(integer({ min: 0 }), { value: 'N', about: 'same as train.seed=N' }),
  'find-rate': flag('does not train: runs a learning-rate range test, prints its suggestion and plots the curve'),
  'print-schema': flag('does not train: prints the JSON schema of settings files, for editors'),
  'print-config': flag('does not train: prints all settings with comments, to be saved as a file'),
  'rank-timeout': option(integer({ min: 1 }), {
    value: 'SECONDS',
    about: 'with several ranks (mpirun): how long a step waits for another rank before all end',
    default: 60,
  }),
  ...gpuOptions,
  adapter: {
    ...gpuOptions.adapter,
    about: `${gpuOptions.adapter.about}; with several ranks, a list by rank of the host`,
  },
} as const satisfies OptionTable;

const help: HelpText = {
  usage: `
retinagrad train DATA [SETTING=VALUE...] [--config FILE] [--out FOLDER]
retinagrad train --resume FOLDER
mpirun -n RANKS retinagrad train ...`,
  about: `
DATA is a folder of images with labels (CSV, COCO, Pascal VOC, YOLO, SpaceNet, GeoJSON), a label file, or the word synthetic,
which generates a data set. Settings on the command line override those of --config, which override the defaults. About a fifth of the images is held
out or, if the data set has splits (data.yaml, ImageSets, folders or files named train, val and test), those of val; images of
test are never used. Training keeps the weights that score best on the held-out images, and report.html evaluates those weights on them.`,
  details: `
Settings with their defaults ("none" disables):
${settingsHelp(settingsSchema)}
The state is saved after each epoch, every train.saveMinutes within one, and before an error ends the training. Ctrl-C,
SIGTERM and the end of the terminal or of the output (| head) finish the current step, save and exit; a second Ctrl-C
exits at once. If the GPU is lost, for example because its driver was reset, training goes on from the last state on a new
device; if it is lost again at the same step, it ends.

train.batchSize=auto processes as many images together as fit into the memory (--memory-limit): divisors of
train.stepImages are tried on noise, the largest first. train.accumulate follows, so that a step has train.stepImages
images on any computer. config.yaml has what was found, and --resume keeps it.`,
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
  const { options, terminal, version } = call;
  if (options['print-schema']) {
    process.stdout.write(`${JSON.stringify(jsonSchemaOf(settingsSchema, 'Settings of retinagrad'), null, 2)}\n`);
    return EXIT.done;
  }
  return withRanks({ terminal, version, timeout: options['rank-timeout'] }, (ranks) => {
    const isFollower = ranks !== null && ranks.communicator.rank > 0;
    return isFollower ? runReplica(call, ranks) : runFirst(call, ranks);
  });
}

/** What the ranks other than 0 do: they train with its settings, and print and write nothing. */
async function runReplica({ options }: Call<typeof OPTIONS>, ranks: Ranks): Promise<number> {
  const { communicator, replicas } = ranks;
  const { settings, resume } = await communicator.broadcast<Pick<ChosenRun, 'settings' | 'resume'>>(undefined);
  await init(initOptions({ ...options, adapter: adapterOfRank(options.adapter, ranks) }));
  await drawInTurn(ranks, settings);
  const interruption = new AbortController();
  abortOnInterrupt(interruption, () => undefined);
  const { end } = await trainReplica(settings, { replicas, resume, signal: interruption.signal });
  return end === 'interrupted' ? EXIT.interrupted : EXIT.done;
}

/** What a single process does, and rank 0. */
async function runFirst(call: Call<typeof OPTIONS>, ranks: Ranks | null): Promise<number> {
  const { options, terminal } = call;
  const { settings, out, resume } = chooseRun(call);
  if (options['print-config']) {
    terminal.print(printSettings(settingsSchema, settings).trimEnd());
    terminal.result(settings);
    return EXIT.done;
  }
  if (settings.data.path === '') throw new UsageError('name the data set: retinagrad train DATA, or data.path=DATA');
  if (ranks !== null && options['find-rate'])
    throw new UsageError('--find-rate needs one process: start it without mpirun');
  checkDataSettings(settings);
  await ranks?.communicator.broadcast({ settings, resume });
  const device = await init(initOptions({ ...options, adapter: adapterOfRank(options.adapter, ranks) }));
  const onDrawing = (done: number, total: number): void => terminal.progress('drawing synthetic images', done, total);
  if (ranks !== null) await drawInTurn(ranks, settings, onDrawing);
  let stepImages = 0;
  const onOpen = (training: OpenedTraining): void => {
    makeFolder(out, '--out');
    announce(training, { device, out, communicator: ranks?.communicator }, terminal);
    const { batchSize, accumulate } = training.settings.train;
    if (settings.train.batchSize === 'auto') {
      terminal.say(`The largest batch that fits: train.batchSize=${batchSize} train.accumulate=${accumulate}`);
    }
    stepImages = batchSize * accumulate;
  };
  if (options['find-rate']) return printRate(settings, out, { terminal, onDrawing, onOpen });

  const interruption = new AbortController();
  const { epochs } = settings.train;
  const outcome = await trainTask(settings, {
    out,
    resume,
    signal: interruption.signal,
    ...defined({ replicas: ranks?.replicas }),
    onDrawing,
    onOpen(training) {
      onOpen(training);
      // Until now there was nothing to save, and Ctrl-C ended the process.
      abortOnInterrupt(interruption, () => terminal.warn(`Interrupted: finishing the step and saving to ${out}...`));
    },
    onWarning: (text) => terminal.warn(text),
    onStep({ step, epoch, loss, imagesPerSecond }, total) {
      const left = ((total - step) * stepImages) / imagesPerSecond;
      const note = `loss ${loss.toFixed(3)}, ${imagesPerSecond.toFixed(1)} images/s, ${formatDuration(left)} left`;
      terminal.progress(`epoch ${epoch + 1}/${epochs}`, step, total, note);
    },
    onEvaluationProgress: (done, total) => terminal.progress('evaluating', done, total),
    onEvaluation({ epoch, f1, precision, recall, averagePrecision }, best) {
      terminal.say(
        `epoch ${String(epoch).padStart(2)}: F1 ${f1.toFixed(3)} (precision ${precision.toFixed(3)}, recall ${recall.toFixed(3)}), ` +
          `average precision ${averagePrecision?.toFixed(3) ?? 'undefined'}${best ? ', the best so far' : ''}`,
      );
    },
    onJudging: (done, total) => terminal.progress('evaluating the best weights', done, total),
  });
  return printOutcome(outcome, settings, terminal);
}

function printOutcome(outcome: TrainOutcome, { train: { patience } }: Settings, terminal: Terminal): number {
  const { folder, end, steps, totalSteps, seconds } = outcome;
  const run = folder.path;
  if (end === 'interrupted') {
    terminal.print(
      `Saved after step ${steps} of ${totalSteps}. Continue with: retinagrad train --resume ${quoted(run)}`,
    );
    terminal.result({ run, end, steps, totalSteps });
    return EXIT.interrupted;
  }
  const { detector, judgement, limited } = outcome;
  detector.dispose();
  if (end === 'early') terminal.say(`Stopped early: no improvement in ${patience} evaluations.`);
  terminal.print(
    `\nDone in ${formatDuration(seconds)}. On ${counted(judgement.counts.images, 'held-out image', 'held-out images')} (optimistically biased: they also ` +
      `selected the weights and the threshold):\n`,
  );
  terminal.print(judgementText(judgement));
  terminal.say(
    '\nThe average precision of an epoch is that of all its detections, and the area under their precision-recall curve; ' +
      "COCO's AP50 differs slightly.",
  );
  const { maxDetections } = detector.spec.postprocess;
  if (limited > 0) terminal.warn(limitNote(limited, maxDetections, 'model.maxDetections'));
  terminal.say('');
  terminal.facts([
    [folder.file('report'), 'all of it, with curves and pictures: open it in a browser'],
    [folder.file('best'), 'the weights'],
  ]);
  terminal.say('\nNext: retinagrad predict IMAGES... detects objects in your images.');
  const { counts, best, coco } = judgement;
  terminal.result({ run, end, steps, totalSteps, seconds, limited, counts, best, coco });
  return EXIT.done;
}

/** What the command line asks for. */
interface ChosenRun {
  readonly out: string;
  readonly settings: Settings;
  readonly resume: boolean;
}

/** Folder and settings of a new run or, with --resume, of an old one. Creates nothing yet. */
function chooseRun({ options, positionals }: Call<typeof OPTIONS>): ChosenRun {
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
    return { out: old, settings: resolveLayers(settingsSchema, [layer(file)]), resume: true };
  }
  if (others.length > 1) throw new UsageError(`expected one data set, got ${others.join(' ')}`);
  if (others[0] !== undefined) {
    if (overrides.has('data.path')) throw new UsageError(`the data set is named twice: ${others[0]}, data.path`);
    overrides.set('data.path', others[0]);
  }
  if (seed !== undefined) overrides.set('train.seed', seed);
  const layers = [...(config === undefined ? [] : [layer(config)]), { from: 'command line', values: overrides }];
  const settings = resolveLayers(settingsSchema, layers);
  const out = options.out ?? join('runs', timestamp());
  if (existsSync(join(out, runFiles.state)) || existsSync(join(out, runFiles.metrics)))
    throw new UsageError(`${out} holds a run already: continue it with --resume ${out}, or choose another --out`);
  return { out, settings, resume: false };
}

function layer(file: string): SettingLayer {
  if (!existsSync(file)) throw new UsageError(`there is no ${file}`);
  return { from: file, values: readSettingsFile(readFileSync(file, 'utf8'), file) };
}

/** What is about to be trained. */
function announce(
  training: OpenedTraining,
  { device, out, communicator }: { device: Device; out: string; communicator: Communicator | undefined },
  terminal: Terminal,
): void {
  const { settings, data, model, pretrained } = training;
  const weights = model.parameters().reduce((sum, { size }) => sum + size, 0);
  const sizes = model.spec.anchors.sizes.flat();
  const { network } = settings.model;
  terminal.facts([
    ['adapter', adapterText(device.adapter)],
    ['data', data.description],
    [
      settings.data.tile === null ? 'images' : 'tiles',
      `${data.split.train.length} for training, ${data.split.heldOut.length} held out`,
    ],
    ['classes', data.dataset.classes.join(', ')],
    [
      'model',
      `RetinaNet on ResNet-${model.spec.backbone.depth} (${network}), ${(weights / 1e6).toFixed(2)} million weights`,
    ],
    ['anchors', `${Math.round(Math.min(...sizes))} to ${Math.round(Math.max(...sizes))} pixels`],
    ['run', out],
    ...(communicator === undefined ? [] : [['ranks', `${communicator.size} over ${communicator.transport}`] as const]),
  ]);
  for (const note of data.notes) terminal.say(note);
  for (const warning of data.warnings) terminal.warn(warning);
  if (device.adapter.kind === 'software' && !cpuNetworks.includes(network)) {
    terminal.say(`There is no GPU: ${network} is slow here. model.network=${cpuNetworks[0]} trains many times faster.`);
  }
  if (pretrained !== null) terminal.say(pretrained.summary);
}

/** The range test of the learning rate, with its curve. */
async function printRate(
  settings: Settings,
  out: string,
  {
    terminal,
    onOpen,
    onDrawing,
  }: {
    readonly terminal: Terminal;
    readonly onOpen: (training: OpenedTraining) => void;
    readonly onDrawing: (done: number, total: number) => void;
  },
): Promise<number> {
  const training = await openTraining(settings, { onDrawing });
  try {
    onOpen(training);
    let done = 0;
    const found = await findRate(training, (_, steps) => terminal.progress('measuring', ++done, steps));
    const file = join(new RunFolder(out).path, 'learning-rate.svg');
    replaceFile('train', file, rateChart(found));
    terminal.print(
      found.suggestion === null
        ? `The loss fell at no rate: ${found.reason}`
        : `train.learningRate=${Number(found.suggestion.toPrecision(2))}  ${found.reason}`,
    );
    terminal.print(`${file}  the curve`);
    terminal.result({ ...found, file });
    return EXIT.done;
  } finally {
    await training.close();
  }
}
