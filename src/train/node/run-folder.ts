import { existsSync, readFileSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { isRecord, reasonOf } from '../../common/check.ts';
import { InputError } from '../../common/errors.ts';
import { parseJson } from '../../common/json.ts';
import { createFolder, removePartialFiles, replaceFile, writeError } from '../../common/node/replace-file.ts';
import { rgbOf } from '../../imagery/image.ts';
import { encodePng } from '../../imagery/node/png.ts';
import type { Dataset } from '../../data/types.ts';
import type { Evaluation } from '../../evaluation/detection-metrics.ts';
import { lossChart, precisionRecallChart } from '../../report/charts/charts.ts';
import { contactSheet, detectionPicture } from '../../report/pictures/pictures.ts';
import type { AdapterDescription } from '../../tensor/device-options.ts';
import type { ImageResult } from '../../detector/evaluate.ts';
import { saveDetector } from '../../detector/node/detector-file.ts';
import { loadCheckpoint } from '../../weights/node/checkpoint.ts';
import type { DetectorDescription } from '../../detector/detector.ts';
import type { HostTensor } from '../../nn/module.ts';
import type { SafetensorsFile } from '../../weights/safetensors.ts';
import type { BeginOptions, OnWarning, ReachedSteps, RunRecord, RunStore } from '../run-store.ts';
import { MetricsFile } from './metrics-file.ts';
import { lockFolder } from './run-lock.ts';
import { loadNewestState, saveNewestState, statePaths } from './state-files.ts';
import { trainSettings } from '../settings.ts';
import { openEventFile, type EventFile } from './tensorboard.ts';

/** The measurements of a record by TensorBoard's tags. Null values are omitted. */
function scalarsOf(record: RunRecord): Record<string, number> {
  const { kind, step: _step, ...values } = record;
  const group = kind === 'step' ? 'train' : 'held-out';
  return Object.fromEntries(
    Object.entries(values).flatMap(([name, value]) =>
      value === null || constantFields.has(name) ? [] : [[`${group}/${name}`, value]],
    ),
  );
}

/** Fields that have the same value in every evaluation. */
const constantFields = new Set(['images', 'truths']);

/** Names of the files of a run. */
export const runFiles = {
  config: 'config.yaml',
  environment: 'environment.json',
  metrics: 'metrics.jsonl',
  /** Everything needed to resume. */
  state: 'state.safetensors',
  best: 'best.safetensors',
  last: 'last.safetensors',
  report: 'report.html',
  loss: 'loss.svg',
  precisionRecall: 'precision-recall.svg',
  predictions: 'predictions',
  sheet: 'predictions.png',
} as const;

/** Number of pictures of an evaluation, and columns of their contact sheet. */
const PICTURES = 12;
const COLUMNS = 4;
/** Small images are enlarged so that the longer side has about this many pixels. */
const PICTURE_SIZE = 512;

const OP = 'trainDetector';

/**
 * A training run in a folder. Every file is replaced as a whole (`replaceFile`), except metrics.jsonl and event files, which
 * grow. A folder that cannot be written is an InputError that names the file.
 */
export class RunFolder implements RunStore {
  readonly path: string;
  readonly #metrics: MetricsFile;
  #events: EventFile | null = null;
  /** Contents of config.yaml. */
  #config: string | null = null;
  #keepStates = trainSettings.keepStates.default;
  /** The lock of the folder, and the number of calls of `acquire` that hold it. */
  #lock = { holders: 0, release: (): void => undefined };

  constructor(path: string) {
    this.path = path;
    try {
      createFolder(path);
    } catch (error) {
      throw writeError('RunFolder', path, error);
    }
    this.#metrics = new MetricsFile(this.file('metrics'));
  }

  file(name: keyof typeof runFiles): string {
    return join(this.path, runFiles[name]);
  }

  get hasState(): boolean {
    return statePaths(this.file('state')).length > 0;
  }

  get isUsed(): boolean {
    return this.hasState || existsSync(this.file('metrics'));
  }

  acquire(): () => void {
    if (this.#lock.holders === 0) {
      this.#lock.release = lockFolder(this.path);
      for (const folder of [this.path, this.file('predictions')]) if (existsSync(folder)) removePartialFiles(folder);
    }
    this.#lock.holders++;
    return () => {
      if (--this.#lock.holders === 0) this.#lock.release();
    };
  }

  /** Writes the settings of the run. */
  writeConfig(config: string): void {
    this.#config = config;
    replaceFile(OP, this.file('config'), config);
  }

  /** Records versions, platform and adapter. A resumed run adds its own, because the machine may be a different one. */
  begin(adapter: AdapterDescription, { steps, keepStates, tensorboard, onWarning }: BeginOptions): void {
    this.#keepStates = keepStates;
    if (existsSync(this.file('config'))) this.#config = readFileSync(this.file('config'), 'utf8');
    if (tensorboard) this.#events = openEventFile(this.path, steps);
    const { version } = JSON.parse(readFileSync(new URL('../../../package.json', import.meta.url), 'utf8')) as {
      version: string;
    };
    const session = {
      date: new Date().toISOString(),
      retinagrad: version,
      node: process.version,
      platform: process.platform,
      arch: process.arch,
      adapter,
    };
    const path = this.file('environment');
    let first: Record<string, unknown> | null = null;
    try {
      first = existsSync(path) ? this.readEnvironment() : null;
    } catch {
      // Nothing that the run computes depends on it.
      renameSync(path, `${path}.damaged`);
      onWarning(`${path} was damaged and is begun anew; the damaged file is ${path}.damaged`);
    }
    const resumed = Array.isArray(first?.['resumed']) ? (first['resumed'] as unknown[]) : [];
    const all = first === null ? session : { ...first, resumed: [...resumed, session] };
    replaceFile(OP, path, `${JSON.stringify(all, null, 2)}\n`);
  }

  /** Reads what `begin` recorded. Throws an InputError that names the file if it is damaged. */
  readEnvironment(): Record<string, unknown> {
    const file = this.file('environment');
    try {
      const found = parseJson(readFileSync(file, 'utf8'));
      if (!isRecord(found)) throw new Error('not a JSON object');
      return found;
    } catch (cause) {
      throw new InputError(OP, `cannot be read: ${reasonOf(cause)}`, { file, cause });
    }
  }

  /** The lines of metrics.jsonl so far. */
  get records(): readonly RunRecord[] {
    return this.#metrics.records;
  }

  /** Reads metrics.jsonl of a resumed run and drops the records that will be computed again. */
  restoreRecords(reached: ReachedSteps, onWarning: OnWarning): void {
    this.#metrics.restore(reached, onWarning);
  }

  /** Appends a record to metrics.jsonl, and its scalars to the TensorBoard file if there is one. */
  append(record: RunRecord): void {
    this.#metrics.append(record);
    this.#events?.scalars(record.step, scalarsOf(record));
  }

  loadState(onWarning: OnWarning): SafetensorsFile | null {
    return loadNewestState(this.file('state'), onWarning);
  }

  saveState(tensors: ReadonlyMap<string, HostTensor>, metadata: Readonly<Record<string, string>>): void {
    // Someone may have deleted or moved the folder.
    if (this.#config !== null && !existsSync(this.file('config'))) this.writeConfig(this.#config);
    // First, so that no state is newer than the records that a power failure leaves.
    this.#metrics.flush();
    this.#drawLosses();
    saveNewestState(this.file('state'), this.#keepStates, tensors, metadata);
  }

  saveDetector(
    which: 'best' | 'last',
    weights: ReadonlyMap<string, HostTensor>,
    description: DetectorDescription,
  ): void {
    saveDetector(this.file(which), weights, description);
  }

  hasDetector(which: 'best' | 'last'): boolean {
    if (!existsSync(this.file(which))) return false;
    try {
      loadCheckpoint(this.file(which));
      return true;
    } catch {
      return false;
    }
  }

  #drawLosses(): void {
    const of = <K extends 'step' | 'evaluation'>(kind: K) =>
      this.records.filter((record): record is Extract<RunRecord, { kind: K }> => record.kind === kind);
    replaceFile(OP, this.file('loss'), lossChart(of('step'), of('evaluation')));
  }

  /** Draws the precision-recall curve, and pictures of images with ground-truth and detected boxes. */
  async saveResults(dataset: Dataset, evaluation: Evaluation, images: readonly ImageResult[]): Promise<void> {
    replaceFile(OP, this.file('precisionRecall'), precisionRecallChart(evaluation));
    // Images with objects first: empty images without detections show little.
    const chosen = [...images.filter(({ truth }) => truth.labels.length > 0), ...images].slice(0, PICTURES);
    const pictures = [];
    for (const { index, truth, detections } of new Set(chosen)) {
      const { id, image } = await dataset.get(index);
      const picture = detectionPicture(rgbOf(image, dataset.decoding?.shown), truth, detections, {
        scale: Math.max(1, Math.round(PICTURE_SIZE / Math.max(image.shape[0]!, image.shape[1]!))),
        scoreThreshold: evaluation.best.threshold,
        iouThreshold: evaluation.iouThreshold,
        classes: dataset.classes,
      });
      const name = `${id.replaceAll(/[^\w.-]+/g, '_')}.png`;
      replaceFile(OP, join(this.file('predictions'), name), await encodePng(picture));
      pictures.push(picture);
    }
    if (pictures.length > 0) replaceFile(OP, this.file('sheet'), await encodePng(contactSheet(pictures, COLUMNS)));
  }
}
