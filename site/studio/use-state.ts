// What the page knows of the detector that is used, and of the images that it was used on.
import { computed, effect, signal } from '@preact/signals';
import { proxy } from 'comlink';
import type { DetectedImage, OpenDetector, TableFormat } from './detector-use.ts';
import { attempt, isBusy, studio } from './state.ts';
import type { RunSummary } from './store.ts';

export const detector = signal<OpenDetector | null>(null);
/** The run that it comes from; null for a file. */
export const usedRun = signal<RunSummary | null>(null);
export const threshold = signal(0.5);
export const images = signal<readonly DetectedImage[]>([]);
/** What is being done, for people, with the fraction that is done; null for nothing. */
export const work = signal<{ readonly text: string; readonly fraction: number } | null>(null);
/** Whether detections have a place on the map. */
export const hasPlace = computed(() => images.value.some(({ place }) => place !== null));

/** Of the detection at work. */
let abort = new AbortController();

/** Ends the detection at work after its batch of tiles; nothing is added of the image. */
export function cancel(): void {
  abort.abort();
  if (work.value !== null) work.value = { ...work.value, text: 'Cancelling…' };
  void studio.use.cancel();
}

function take(opened: OpenDetector, run: RunSummary | null): void {
  detector.value = opened;
  usedRun.value = run;
  threshold.value = opened.scoreThreshold;
  images.value = [];
}

export const openRun = (run: RunSummary): Promise<void> =>
  attempt(async () => {
    cancel();
    take(await studio.use.openRun(run.id, run.name), run);
    document.getElementById('use-title')?.scrollIntoView();
  });

export const openFile = (file: File): Promise<void> =>
  attempt(async () => {
    cancel();
    take(await studio.use.openFile(file), null);
  });

// A training closes the detector.
effect(() => {
  if (!isBusy.value || detector.peek() === null) return;
  cancel();
  detector.value = null;
  images.value = [];
});

/** Detects objects in some files, one after the other; what fails is named, and the others go on. */
export async function detect(files: readonly File[]): Promise<void> {
  const failures: string[] = [];
  const { signal: cancelled } = (abort = new AbortController());
  for (const [i, file] of files.entries()) {
    const text = `Detecting in ${file.name}${files.length === 1 ? '' : ` (${i + 1} of ${files.length})`}`;
    work.value = { text: `${text}…`, fraction: 0 };
    try {
      const onProgress = proxy((done: number, total: number) => {
        if (total > 1 && !cancelled.aborted)
          work.value = { text: `${text}: tile ${done} of ${total}`, fraction: done / total };
      });
      const image = await studio.use.detect(file, onProgress);
      // It may have been on its way here when it was cancelled.
      if (cancelled.aborted) break;
      images.value = [...images.value, image];
    } catch (error) {
      if (cancelled.aborted) break;
      failures.push(error instanceof Error ? error.message : String(error));
    }
  }
  work.value = null;
  if (failures.length > 0) await attempt(() => Promise.reject(new Error(failures.join('; '))));
}

/** Whether a detection is above the threshold of the slider. */
const isShown = (score: number): boolean => score >= Math.fround(threshold.value);

/** Positions of the detections above the threshold, highest score first. */
export const shownIn = ({ scores }: Pick<DetectedImage, 'scores'>): number[] =>
  [...scores.keys()].filter((i) => isShown(scores[i]!));

/** Saves the detections above the threshold as a file. */
export const saveTable = (name: string, format: TableFormat): Promise<void> =>
  attempt(async () => save(name, await tableFile(format)));

async function tableFile(format: TableFormat): Promise<Blob> {
  const table = {
    classes: detector.value!.classes,
    images: images.value.map((image) => ({
      file: image.name,
      width: image.width,
      height: image.height,
      objects: shownIn(image).map((i) => ({
        label: image.labels[i]!,
        score: image.scores[i]!,
        box: boxOf(image, i),
      })),
    })),
  };
  return new Blob([await studio.use.table(table, format)]);
}

export const boxOf = (
  { boxes }: Pick<DetectedImage, 'boxes'>,
  i: number,
): readonly [x1: number, y1: number, x2: number, y2: number] => [
  boxes[4 * i]!,
  boxes[4 * i + 1]!,
  boxes[4 * i + 2]!,
  boxes[4 * i + 3]!,
];

/** Saves something as a file, as a browser does. */
export function save(name: string, content: Blob): void {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(content);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
