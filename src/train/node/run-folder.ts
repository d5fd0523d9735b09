import { appendFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { writePng } from '../../imagery/node/png.ts';
import type { Dataset } from '../../data/types.ts';
import type { Evaluation } from '../../evaluation/detection-metrics.ts';
import { lossChart, precisionRecallChart } from '../../report/charts/charts.ts';
import { contactSheet, detectionPicture } from '../../report/pictures/pictures.ts';
import type { AdapterDescription } from '../../tensor/device.ts';
import type { ImageResult } from '../../detector/evaluate.ts';
import { saveDetector } from '../../detector/node/detector-file.ts';
import { loadCheckpoint, saveCheckpoint } from '../../weights/node/checkpoint.ts';
import type { DetectorDescription } from '../../detector/detector.ts';
import type { HostTensor } from '../../nn/module.ts';
import type { SafetensorsFile } from '../../weights/safetensors.ts';
import type { RunRecord, RunStore } from '../run-store.ts';
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

/** A training run in a folder. */
export class RunFolder implements RunStore {
  readonly path: string;
  #records: RunRecord[] = [];
  #events: EventFile | null = null;

  constructor(path: string) {
    this.path = path;
    mkdirSync(path, { recursive: true });
  }

  file(name: keyof typeof runFiles): string {
    return join(this.path, runFiles[name]);
  }

  get hasState(): boolean {
    return existsSync(this.file('state'));
  }

  get isUsed(): boolean {
    return this.hasState || existsSync(this.file('metrics'));
  }

  /** Writes the settings of the run. */
  writeConfig(config: string): void {
    writeFileSync(this.file('config'), config);
  }

  /** Records versions, platform and adapter. A resumed run adds its own, because the machine may be a different one. */
  begin(adapter: AdapterDescription, { steps, tensorboard }: { steps: number; tensorboard: boolean }): void {
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
    const first = existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as { resumed?: object[] }) : null;
    const all = first === null ? session : { ...first, resumed: [...(first.resumed ?? []), session] };
    writeFileSync(path, `${JSON.stringify(all, null, 2)}\n`);
  }

  /** Reads what `begin` recorded. */
  readEnvironment(): Record<string, unknown> {
    return JSON.parse(readFileSync(this.file('environment'), 'utf8')) as Record<string, unknown>;
  }

  /** The lines of metrics.jsonl so far. */
  get records(): readonly RunRecord[] {
    return this.#records;
  }

  /** Reads metrics.jsonl of a resumed run and drops the records after `steps`, which will be computed again. */
  restoreRecords(steps: number): void {
    const lines = existsSync(this.file('metrics')) ? readFileSync(this.file('metrics'), 'utf8').split('\n') : [];
    this.#records = lines.flatMap((line, i) => {
      if (line === '') return [];
      try {
        const record = JSON.parse(line) as RunRecord;
        return record.step <= steps ? [record] : [];
      } catch (cause) {
        // A crash truncates at most the last line, which is more recent than the saved state.
        if (i === lines.length - 1) return [];
        throw new Error(`${this.file('metrics')}:${i + 1}: not JSON`, { cause });
      }
    });
    writeFileSync(this.file('metrics'), this.#records.map((record) => `${JSON.stringify(record)}\n`).join(''));
  }

  /** Appends a record to metrics.jsonl, and its scalars to the TensorBoard file if there is one. */
  append(record: RunRecord): void {
    this.#records.push(record);
    appendFileSync(this.file('metrics'), `${JSON.stringify(record)}\n`);
    this.#events?.scalars(record.step, scalarsOf(record));
  }

  loadState(): SafetensorsFile | null {
    return this.hasState ? loadCheckpoint(this.file('state')) : null;
  }

  saveState(tensors: ReadonlyMap<string, HostTensor>, metadata: Readonly<Record<string, string>>): void {
    saveCheckpoint(this.file('state'), tensors, metadata);
    this.#drawLosses();
  }

  saveDetector(
    which: 'best' | 'last',
    weights: ReadonlyMap<string, HostTensor>,
    description: DetectorDescription,
  ): void {
    saveDetector(this.file(which), weights, description);
  }

  #drawLosses(): void {
    const of = <K extends 'step' | 'evaluation'>(kind: K) =>
      this.#records.filter((record): record is Extract<RunRecord, { kind: K }> => record.kind === kind);
    writeFileSync(this.file('loss'), lossChart(of('step'), of('evaluation')));
  }

  /** Draws the precision-recall curve, and pictures of images with ground-truth and detected boxes. */
  async saveResults(dataset: Dataset, evaluation: Evaluation, images: readonly ImageResult[]): Promise<void> {
    writeFileSync(this.file('precisionRecall'), precisionRecallChart(evaluation));
    mkdirSync(this.file('predictions'), { recursive: true });
    // Images with objects first: empty images without detections show little.
    const chosen = [...images.filter(({ truth }) => truth.labels.length > 0), ...images].slice(0, PICTURES);
    const pictures = [];
    for (const { index, truth, detections } of new Set(chosen)) {
      const { id, image } = await dataset.get(index);
      const picture = detectionPicture(image, truth, detections, {
        scale: Math.max(1, Math.round(PICTURE_SIZE / Math.max(image.shape[0]!, image.shape[1]!))),
        scoreThreshold: evaluation.best.threshold,
        iouThreshold: evaluation.iouThreshold,
        classes: dataset.classes,
      });
      await writePng(join(this.file('predictions'), `${id.replaceAll(/[^\w.-]+/g, '_')}.png`), picture);
      pictures.push(picture);
    }
    if (pictures.length > 0) await writePng(this.file('sheet'), contactSheet(pictures, COLUMNS));
  }
}
