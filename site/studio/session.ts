// One session of a run: from its data to the detector, in the worker. A run that was interrupted, in whatever way, is continued by
// another session, which does the same: the run's storage says from where.
import { defaultDevice, type Dataset } from 'retinagrad';
import {
  anchorFacts,
  boxSizesOf,
  Detector,
  judgeTraining,
  prepareTrainingData,
  runTraining,
  taskReport,
  titleOf,
  type EvaluationRecord,
  type RunJudgement,
  type RunRecord,
  type StepRecord,
  type Training,
} from 'retinagrad/detector';
import { openDataset } from './datasets.ts';
import { OpfsRun } from './opfs-run.ts';
import { pictureOf, reportPictures, type Picture } from './pictures.ts';
import { openRunFiles } from './run-files.ts';
import { sha256 } from './sha256.ts';
import { settingsOf } from './share.ts';
import { startTraining } from './start.ts';
import type { Looks } from './suggester.ts';
import { runFolder, saveInfo, writeFile, type RunInfo } from './store.ts';

/** Number of held-out images whose predictions are shown. */
const SHOWN = 4;
/** Lower scores are not worth sending. */
const LEAST_SCORE = 0.05;

/** Boxes of one image, as they are drawn. */
export interface Found {
  readonly boxes: Float32Array;
  readonly labels: Int32Array;
  readonly scores: Float32Array;
}

/** What a session tells the page. */
export type SessionEvent =
  | { readonly kind: 'progress'; readonly text: string; readonly done: number; readonly total: number }
  | {
      readonly kind: 'prepared';
      readonly adapter: string;
      readonly train: number;
      readonly heldOut: number;
      readonly weights: number;
      readonly classes: readonly string[];
      readonly notes: readonly string[];
      readonly pictures: readonly Picture[];
      /** Images per step. */
      readonly stepImages: number;
      /** Of the sessions before. */
      readonly records: readonly RunRecord[];
    }
  | { readonly kind: 'step'; readonly record: StepRecord; readonly totalSteps: number }
  | { readonly kind: 'evaluation'; readonly record: EvaluationRecord; readonly found: readonly Found[] }
  | { readonly kind: 'warning'; readonly text: string };

/** How a session ended. */
export interface SessionEnd {
  /** `paused`: it can be continued. */
  readonly end: 'finished' | 'early' | 'stopped' | 'paused';
  readonly steps: number;
  readonly totalSteps: number;
  readonly best: EvaluationRecord | null;
  /** SHA-256 of the last weights in hexadecimal; null before the first step. The same on the same adapter with the same link. */
  readonly hash: string | null;
}

/** How the page ends a session. */
export interface SessionControl {
  readonly signal: AbortSignal;
  /** Whether the run ends with what it has reached, instead of being continued later. */
  readonly isStopped: () => boolean;
  /** Who wants to look at the network between steps. */
  readonly looks: Looks;
}

type Emit = (event: SessionEvent) => void;

export async function runSession(info: RunInfo, emit: Emit, control: SessionControl): Promise<SessionEnd> {
  const settings = settingsOf(info);
  const onReading = (done: number, total: number): void =>
    emit({ kind: 'progress', text: 'Preparing the images', done, total });
  onReading(0, 0);
  const dataset = await openDataset(info.data, settings, onReading);
  const data = await prepareTrainingData(dataset, settings, { description: info.dataName });
  const folder = await runFolder(info.id);
  const { training, note } = await startTraining(settings, data, folder);
  const run = new OpfsRun(info.name, await openRunFiles(folder));
  try {
    const shown = await shownOf(training);
    emit(await prepared({ training, note }, shown, run.records));
    const result = await runTraining(training, run, {
      resume: true,
      signal: control.signal,
      onWarning: (text) => emit({ kind: 'warning', text }),
      onStep: (record, totalSteps, peek) => {
        emit({ kind: 'step', record, totalSteps });
        return control.looks.answer(peek, { classes: dataset.classes, tile: training.tile, step: record.step });
      },
      onEvaluationProgress: (done, total) =>
        emit({ kind: 'progress', text: 'Evaluating on the held-out images', done, total }),
      onEvaluation: (record, _, images) =>
        emit({ kind: 'evaluation', record, found: shown.map((at) => foundOf(images, at)) }),
    });
    const { steps, totalSteps, best } = result;
    const end = result.end !== 'interrupted' ? result.end : control.isStopped() ? 'stopped' : 'paused';
    training.model.dispose();
    if (end !== 'paused') await conclude(training, run, info, emit);
    await saveInfo({ ...info, totalSteps, end: end === 'paused' ? null : end });
    const last = run.detector('last');
    return { end, steps, totalSteps, best, hash: last === null ? null : await sha256(last) };
  } finally {
    run.close();
    training.model.dispose();
    await data.close();
  }
}

/** Positions of the held-out images to show: of those with objects, if there are enough. */
async function shownOf({ data: { dataset, split } }: Training): Promise<number[]> {
  const counts = await Promise.all(split.heldOut.map(async (index) => (await dataset.get(index)).labels.length));
  const order = [...split.heldOut.keys()].sort((a, b) => Number(counts[b]! > 0) - Number(counts[a]! > 0) || a - b);
  return order.slice(0, SHOWN).map((at) => split.heldOut[at]!);
}

async function prepared(
  { training, note }: Awaited<ReturnType<typeof startTraining>>,
  shown: readonly number[],
  records: readonly RunRecord[],
): Promise<SessionEvent> {
  const { data, model, settings } = training;
  return {
    kind: 'prepared',
    adapter: defaultDevice().adapter.name,
    train: data.split.train.length,
    heldOut: data.split.heldOut.length,
    weights: model.parameters().reduce((sum, { size }) => sum + size, 0),
    classes: data.dataset.classes,
    notes: [...(note === null ? [] : [note]), ...data.notes, ...data.warnings],
    pictures: await Promise.all(shown.map((index) => pictureAt(data.dataset, index))),
    stepImages: settings.train.batchSize * settings.train.accumulate,
    records,
  };
}

async function pictureAt(dataset: Dataset, index: number): Promise<Picture> {
  const { id, image, boxes, labels } = await dataset.get(index);
  return { ...pictureOf(image), id, boxes, labels };
}

/** The detections of an image that are worth drawing. */
function foundOf(images: RunJudgement['images'], index: number): Found {
  const { boxes, scores, labels } = images.find((image) => image.index === index)!.detections;
  const kept = [...scores.keys()].filter((i) => scores[i]! >= LEAST_SCORE);
  return {
    boxes: Float32Array.from(kept.flatMap((i) => [...boxes.subarray(4 * i, 4 * i + 4)])),
    scores: Float32Array.from(kept, (i) => scores[i]!),
    labels: Int32Array.from(kept, (i) => labels[i]!),
  };
}

/** Judges the best weights and writes the report. Does nothing without weights. */
async function conclude(training: Training, run: OpfsRun, info: RunInfo, emit: Emit): Promise<void> {
  const bytes = run.detector('best') ?? run.detector('last');
  if (bytes === null) return;
  const detector = Detector.fromBytes(bytes);
  try {
    const onProgress = (done: number, total: number): void =>
      emit({ kind: 'progress', text: 'Writing the report', done, total });
    const judged = await judgeTraining(training, detector, { onProgress });
    const report = await reportOf(training, judged!, { detector, info, records: run.records });
    await writeFile(await runFolder(info.id), 'report.html', report);
  } finally {
    detector.dispose();
  }
}

async function reportOf(
  { data, settings, truth }: Training,
  judged: RunJudgement,
  {
    detector,
    info,
    records,
  }: { readonly detector: Detector; readonly info: RunInfo; readonly records: readonly RunRecord[] },
): Promise<string> {
  const { spec } = detector;
  const { dataset, split } = data;
  return taskReport({
    title: titleOf(dataset.classes, info.dataName),
    summary:
      `RetinaNet on ResNet-${spec.backbone.depth} (${settings.model.network}), trained in a browser on ` +
      `${split.train.length} images and evaluated on ${split.heldOut.length} held-out ones.`,
    judgement: judged.judgement,
    pictures: await reportPictures(dataset, judged),
    training: records,
    boxSizes: boxSizesOf(truth, spec),
    facts: [
      { heading: 'Settings', values: settings },
      { heading: 'Anchors', values: anchorFacts(spec) },
      { heading: 'Run', values: { name: info.name, begun: info.created, adapter: defaultDevice().adapter.name } },
    ],
    commands: [
      `the studio with the link #${new URLSearchParams({ data: info.data }).toString()}, and the settings above`,
    ],
    seed: settings.train.seed,
  });
}
