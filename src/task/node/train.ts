import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { counted, defined } from '../../common/check.ts';
import { InputError } from '../../common/errors.ts';
import { resolveLayers } from '../../common/settings.ts';
import { printSettings, readSettingsFile } from '../../common/settings-text.ts';
import { Detector } from '../../detector/detector.ts';
import { omittedImages } from '../../detector/detections-table.ts';
import { loadDetector } from '../../detector/node/detector-file.ts';
import { openPretrained } from '../../detector/node/load-pretrained.ts';
import { loadSource, type PretrainedReport } from '../../detector/pretrained.ts';
import type { PretrainedSource } from '../../detector/pretrained-source.ts';
import type { Judgement } from '../../evaluation/judgement.ts';
import { defaultDevice } from '../../tensor/device.ts';
import { MemoryRun } from '../../train/memory-run.ts';
import { RunFolder, runFiles } from '../../train/node/run-folder.ts';
import type { Replicas } from '../../train/replicas.ts';
import type { TrainResult } from '../../train/run-options.ts';
import { boxSizesOf, networkFor } from '../network.ts';
import { anchorFacts, titleOf } from '../report.ts';
import { resolveSettings, settingsSchema, type PartialSettings, type Settings } from '../settings.ts';
import {
  judgeTraining,
  prepareTraining,
  runTraining,
  type RunJudgement,
  type RunTrainingOptions,
  type Training,
} from '../training.ts';
import { openTrainingData } from './open-training-data.ts';
import { writeReport } from './write-report.ts';

/** A training with data from files. */
export interface OpenedTraining extends Training {
  /** Report on the weights of `model.weights`; null for random weights. */
  readonly pretrained: PretrainedReport | null;
  /** Frees the model and stops threads. */
  readonly close: () => Promise<void>;
}

/**
 * Opens everything that a training needs on the default device (see `init`): the data set of `data.path`, the network
 * with anchors fitted to its boxes, and pretrained weights.
 *
 * @param given settings by group, for example `{ data: { path: 'tiles' }, train: { epochs: 30 } }`
 * @param options.replicas the processes that train together, which agree on a batch size of `auto`
 * @throws SettingError for settings that do not exist or contradict each other; Error for data that cannot be read
 */
export async function openTraining(
  given: PartialSettings,
  options: { readonly replicas?: Replicas; readonly onDrawing?: (done: number, total: number) => void } = {},
): Promise<OpenedTraining> {
  const isHardware = defaultDevice().adapter.kind === 'hardware';
  const resolved = resolveSettings(given);
  const source = await openSource(resolved.model.weights);
  const settings = withNetworkOf(resolved, source);
  const { replicas, ...opening } = options;
  const data = await openTrainingData(settings, { ...opening, isHardware });
  try {
    const training = await prepareTraining(settings, data, defined({ weights: source?.spec, replicas }));
    const pretrained = await loadWeights(training, source);
    const close = async (): Promise<void> => {
      training.model.dispose();
      await data.close();
    };
    return { ...training, pretrained, close };
  } catch (error) {
    await data.close();
    throw error;
  }
}

/** Recognises the weights of `model.weights`, if any. */
async function openSource(path: string | null): Promise<PretrainedSource | null> {
  if (path === null) return null;
  if (!existsSync(path)) throw new InputError('openTraining', `model.weights: there is no file ${path}`);
  return openPretrained('openTraining', path);
}

/** Settings with the network of the weights, where it is `auto`. */
function withNetworkOf(settings: Settings, source: PretrainedSource | null): Settings {
  const network = source === null || settings.model.network !== 'auto' ? null : networkFor(source.spec);
  return network === null ? settings : { ...settings, model: { ...settings.model, network } };
}

/** Loads the weights of `model.weights`, if any. Frees the model where that fails. */
async function loadWeights(
  { settings, data, model }: Training,
  source: PretrainedSource | null,
): Promise<PretrainedReport | null> {
  const { weights } = settings.model;
  if (weights === null || source === null) return null;
  try {
    return await loadSource(model, source, { classes: data.dataset.classes, name: weights });
  } catch (error) {
    model.dispose();
    throw error;
  }
}

/** Options of `train`. */
export interface TrainTaskOptions extends RunTrainingOptions {
  /** Folder of the run: new, unless the run is resumed. */
  readonly out: string;
  /** Called while synthetic images are drawn. */
  readonly onDrawing?: (done: number, total: number) => void;
  /** Called when data and network are ready, before the first step. */
  readonly onOpen?: (training: OpenedTraining) => void;
  /** Called while the best weights are evaluated. */
  readonly onJudging?: (done: number, total: number) => void;
}

/** Result of `train`, in addition to the files in its folder. */
export type TrainOutcome = FinishedTraining | InterruptedTraining;

interface Outcome extends TrainResult {
  readonly folder: RunFolder;
  readonly seconds: number;
}

/** A run that was completed, or ended early by `train.patience`. */
export interface FinishedTraining extends Outcome {
  readonly end: 'finished' | 'early';
  /** Detector with the best weights. The caller disposes of it. */
  readonly detector: Detector;
  /**
   * Evaluation of the best weights on the held-out images. These also selected the weights, so it is optimistically
   * biased.
   */
  readonly judgement: Judgement;
  /** Number of held-out images of which `model.maxDetections` omitted detections above the score threshold. */
  readonly limited: number;
}

/** A run that the signal interrupted. It can be resumed. */
export interface InterruptedTraining extends Outcome {
  readonly end: 'interrupted';
}

/**
 * Runs the whole training task on the default device, like `retinagrad train`: opens data, trains, evaluates the best
 * weights and writes report.html. With `replicas`, that is the part of rank 0; the others call `trainReplica`.
 *
 * @param given settings by group; the others have their defaults
 * @throws SettingError for settings that do not exist or contradict each other
 * @throws GpuOutOfMemoryError and DeviceLostError as `trainDetector`
 */
export function train(
  given: PartialSettings,
  options: TrainTaskOptions & { readonly signal?: never },
): Promise<FinishedTraining>;
export function train(given: PartialSettings, options: TrainTaskOptions): Promise<TrainOutcome>;
export async function train(given: PartialSettings, options: TrainTaskOptions): Promise<TrainOutcome> {
  const start = performance.now();
  const { out, onDrawing, onOpen, onJudging, ...running } = options;
  const settings = options.resume === true ? asBegun(given, out) : given;
  const training = await openTraining(settings, defined({ onDrawing, replicas: running.replicas }));
  let release = (): void => undefined;
  try {
    onOpen?.(training);
    const folder = new RunFolder(out);
    release = folder.acquire();
    // A folder that is used has the settings of its run, whether this one resumes it or is refused.
    if (!folder.isUsed) folder.writeConfig(printSettings(settingsSchema, training.settings));
    const result = await runTraining(training, folder, running);
    const { end } = result;
    const seconds = (): number => (performance.now() - start) / 1000;
    if (end === 'interrupted') return { ...result, end, folder, seconds: seconds() };
    training.model.dispose(); // The best weights take its place.
    const detector = loadDetector(folder.file('best'));
    try {
      await detector.surviveLoss(({ reason, detail }) =>
        running.onWarning?.(`The GPU was lost (${reason}: ${detail}). The evaluation goes on with a new device.`),
      );
      const { replicas } = running;
      await replicas?.broadcast(new Uint8Array(readFileSync(folder.file('best'))));
      const judging = defined({ replicas, signal: running.signal, onProgress: onJudging });
      const judged = await judgeTraining(training, detector, judging);
      if (judged !== null) {
        const { judgement, images } = judged;
        const found = images.map(({ detections }) => detections);
        const limited = omittedImages(found, judgement.settings.scoreThreshold);
        await reportTraining(training, folder, { ...judged, limited, detector, seconds: seconds() });
        return { ...result, end, folder, detector, judgement, limited, seconds: seconds() };
      }
    } catch (error) {
      detector.dispose();
      throw error;
    }
    detector.dispose();
    return { ...result, end: 'interrupted', folder, seconds: seconds() };
  } finally {
    release();
    await training.close();
  }
}

/** The settings of a run to resume: `train.batchSize=auto` is what was found when it began. */
function asBegun(given: PartialSettings, out: string): PartialSettings {
  const config = join(out, runFiles.config);
  if (given.train?.batchSize !== 'auto' || !existsSync(config)) return given;
  const values = readSettingsFile(readFileSync(config, 'utf8'), config);
  const { batchSize, accumulate } = resolveLayers(settingsSchema, [{ from: config, values }]).train;
  return { ...given, train: { ...given.train, batchSize, accumulate } };
}

/**
 * The part of `train` of the ranks other than 0, which write no files: trains and evaluates with them.
 *
 * @param given the settings of rank 0
 */
export async function trainReplica(
  given: PartialSettings,
  options: { readonly replicas: Replicas; readonly resume?: boolean; readonly signal?: AbortSignal },
): Promise<TrainResult> {
  const { replicas, signal } = options;
  const training = await openTraining(given, { replicas });
  try {
    const result = await runTraining(training, new MemoryRun(`rank ${replicas.rank}`), options);
    if (result.end === 'interrupted') return result;
    training.model.dispose();
    const bytes = await replicas.broadcast<Uint8Array<ArrayBuffer>>(undefined);
    const detector = Detector.fromBytes(bytes, 'the best weights of rank 0');
    try {
      await judgeTraining(training, detector, { replicas, ...defined({ signal }) });
    } finally {
      detector.dispose();
    }
    return result;
  } finally {
    await training.close();
  }
}

/** Writes report.html of a run. */
async function reportTraining(
  { data, settings, truth }: Training,
  folder: RunFolder,
  {
    detector,
    judgement,
    images,
    limited,
    seconds,
  }: RunJudgement & Pick<FinishedTraining, 'detector' | 'limited' | 'seconds'>,
): Promise<void> {
  const { dataset, split, description } = data;
  const { spec } = detector;
  const cut = limited === 0 ? {} : { 'images with more detections than model.maxDetections': limited };
  await writeReport(folder.file('report'), {
    title: titleOf(dataset.classes, description),
    summary: `RetinaNet on ResNet-${spec.backbone.depth} (${settings.model.network}), trained on ${split.train.length} images and evaluated on ${counted(split.heldOut.length, 'held-out image', 'held-out images')}.`,
    judgement,
    pictured: { dataset, images },
    training: folder.records,
    boxSizes: boxSizesOf(truth, spec),
    facts: [
      { heading: 'Settings', values: settings },
      { heading: 'Anchors', values: anchorFacts(spec) },
      { heading: 'Run', values: { ...folder.readEnvironment(), seconds: Math.round(seconds), ...cut } },
    ],
    commands: [`retinagrad train --config ${folder.file('config')} --out ${join('runs', 'again')}`],
    seed: settings.train.seed,
    files: [folder.file('config'), folder.file('best')],
  });
}
