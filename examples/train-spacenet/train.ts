// Trains a detector and leaves a run folder with metrics, charts, pictures and weights. See `npm start -- --help`.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { init, manualSeed, RetinaNet } from 'retinagrad';
import { cacheSamples, openDataset, splitIds, writeSyntheticSpaceNet } from 'retinagrad/data';
import { RunFolder, runFiles, trainDetector } from 'retinagrad/train';
import {
  formatDuration,
  interruptSignal,
  printFacts,
  runCommand,
  text,
  UsageError,
  type Values,
} from '../shared/cli.ts';
import { Progress } from '../shared/progress.ts';
import { help, networkSpec, options, readConfig, type Config } from './config.ts';

await runCommand({ help, options }, main);

async function main(values: Values): Promise<number> {
  const progress = new Progress();
  const start = performance.now();
  const { out, config, resume } = openRun(values);
  const device = await init(values['adapter'] === undefined ? {} : { adapter: text(values, 'adapter')! });
  const path = config.data ?? (await makeSyntheticData(config, progress));
  const source = await openDataset(path);
  const dataset = cacheSamples(source, config.cacheMB * 2 ** 20);
  const folder = new RunFolder(out);
  const split = splitIds(dataset.ids, { heldOut: config.heldOut, seed: config.seed });
  manualSeed(config.seed);
  const spec = networkSpec(config);
  const model = new RetinaNet(dataset.classes.length, spec);

  const weights = model.parameters().reduce((sum, { size }) => sum + size, 0);
  printFacts([
    ['adapter', `${device.adapter.name} (${device.adapter.kind})`],
    ['data', `${path}${config.data === null ? ' (synthetic)' : ''}`],
    [
      'images',
      `${split.train.length} to train on, ${split.heldOut.length} held out; classes: ${dataset.classes.join(', ')}`,
    ],
    [
      'model',
      `RetinaNet on ResNet-${spec.backbone.depth} (${config.model}), ${(weights / 1e6).toFixed(2)} million weights`,
    ],
    ['run', folder.path],
  ]);
  if (source.report.missingLabels.length > 0)
    console.log(`left out: ${source.report.missingLabels.length} images without labels`);
  if (!resume) folder.writeConfig({ ...config, adapter: device.adapter.name, node: process.version });

  const signal = interruptSignal(() => progress.print('Interrupted: finishing the step and saving...'));
  const result = await trainDetector(model, {
    ...config,
    folder,
    dataset,
    split,
    resume,
    signal,
    reading: 'stretch' in source ? { stretch: source.stretch, bands: source.report.rgb } : {},
    augment: config.augment ? {} : null,
    patience: config.patience ?? Infinity,
    onStep({ step, epoch, loss, imagesPerSecond }, total) {
      const left = ((total - step) * config.batchSize) / imagesPerSecond;
      const note = `loss ${loss.toFixed(3)}, ${imagesPerSecond.toFixed(1)} images/s, ${formatDuration(left)} left`;
      progress.show(`epoch ${epoch + 1}/${config.epochs}`, step, total, note);
    },
    onEvaluationProgress(done, total) {
      if (done === total) progress.stop();
      else progress.show('evaluating', done, total, 'held-out images');
    },
    onEvaluation({ epoch, f1, precision, recall, averagePrecision }, best) {
      progress.print(
        `epoch ${String(epoch).padStart(2)}: F1 ${f1.toFixed(3)} (precision ${precision.toFixed(3)}, recall ${recall.toFixed(3)}), ` +
          `average precision ${averagePrecision?.toFixed(3) ?? 'undefined'}${best ? ', the best so far' : ''}`,
      );
    },
  });
  progress.stop();
  model.dispose();

  const took = formatDuration((performance.now() - start) / 1000);
  if (result.end === 'interrupted') {
    console.log(
      `Saved after step ${result.steps} of ${result.totalSteps}. Go on with: npm start -- --resume ${folder.path}`,
    );
    return 130;
  }
  const { best } = result;
  if (result.end === 'early') console.log(`Ended early: no better F1 in ${config.patience} evaluations.`);
  console.log(
    `\nDone in ${took}. Best on held-out images, at IoU 0.5 and score ${best!.threshold.toFixed(2)}: F1 ${best!.f1.toFixed(3)}`,
  );
  printFacts([
    [join(folder.path, runFiles.sheet), 'held-out images with true and predicted boxes'],
    [join(folder.path, runFiles.loss), 'how it learned'],
    [join(folder.path, runFiles.precisionRecall), 'precision over recall'],
    [join(folder.path, runFiles.best), 'the weights'],
  ]);
  console.log(
    '\nNext: npm run detect -- IMAGE ... finds buildings in your images, npm run validate scores other data.',
  );
  return 0;
}

/** Folder and settings of a new run or, with --resume, of an old one. Makes nothing yet. */
function openRun(values: Values): { out: string; config: Config; resume: boolean } {
  const old = text(values, 'resume');
  if (old === undefined) {
    const config = readConfig(values);
    const out = text(values, 'out') ?? join('runs', timestamp());
    if (existsSync(join(out, runFiles.config)))
      throw new UsageError(`${out} holds a run already: go on with --resume ${out}, or choose another --out`);
    return { out, config, resume: false };
  }
  const others = Object.keys(values).filter((name) => name !== 'resume' && name !== 'adapter');
  if (others.length > 0)
    throw new UsageError(`--resume takes all settings from the run: leave out --${others.join(', --')}`);
  if (!existsSync(join(old, runFiles.config)))
    throw new UsageError(`--resume: ${old} holds no run: it has no ${runFiles.config}`);
  return { out: old, config: new RunFolder(old).readConfig() as Config, resume: true };
}

/** Local time, as a folder name. */
function timestamp(): string {
  const now = new Date();
  const local = new Date(now.getTime() - now.getTimezoneOffset() * 60_000).toISOString();
  return `${local.slice(0, 10)}-${local.slice(11, 19).replaceAll(':', '')}`;
}

async function makeSyntheticData({ chips }: Config, progress: Progress): Promise<string> {
  const path = await writeSyntheticSpaceNet({
    out: join('data', `synthetic-${chips}`),
    chips,
    onProgress: (done, total) => progress.show('drawing synthetic chips', done, total, ''),
  });
  progress.stop();
  return path;
}
