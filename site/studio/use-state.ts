// What the page knows of the detector that is used, and of the images that it was used on.
import { signal } from '@preact/signals';
import { proxy } from 'comlink';
import type { DetectedImage, OpenDetector, TableFormat } from './detector-use.ts';
import { attempt, studio } from './state.ts';
import type { RunSummary } from './store.ts';

export const detector = signal<OpenDetector | null>(null);
/** The run that it comes from; null for a file. */
export const usedRun = signal<RunSummary | null>(null);
export const threshold = signal(0.5);
export const images = signal<readonly DetectedImage[]>([]);
/** What is being done, for people; empty for nothing. */
export const work = signal('');

function take(opened: OpenDetector, run: RunSummary | null): void {
  detector.value = opened;
  usedRun.value = run;
  threshold.value = opened.scoreThreshold;
  images.value = [];
}

export const openRun = (run: RunSummary): Promise<void> =>
  attempt(async () => {
    take(await studio.use.openRun(run.id, run.name), run);
    document.getElementById('use-title')?.scrollIntoView();
  });

export const openFile = (file: File): Promise<void> => attempt(async () => take(await studio.use.openFile(file), null));

/** Detects objects in some files, one after the other; what fails is named, and the others go on. */
export async function detect(files: readonly File[]): Promise<void> {
  const failures: string[] = [];
  for (const [i, file] of files.entries()) {
    work.value = `Looking at ${file.name} (${i + 1} of ${files.length})…`;
    try {
      const onProgress = proxy((done: number, total: number) => {
        if (total > 1) work.value = `Looking at ${file.name} (${i + 1} of ${files.length}): tile ${done} of ${total}…`;
      });
      images.value = [...images.value, await studio.use.detect(file, onProgress)];
    } catch (error) {
      failures.push(error instanceof Error ? error.message : String(error));
    }
  }
  work.value = '';
  if (failures.length > 0) await attempt(() => Promise.reject(new Error(failures.join('; '))));
}

/** Whether a detection is above the threshold of the slider. */
export const isShown = (score: number): boolean => score >= Math.fround(threshold.value);

/** Saves the detections above the threshold as a file. */
export const saveTable = (name: string, format: TableFormat): Promise<void> =>
  attempt(async () => save(name, await tableFile(format)));

async function tableFile(format: TableFormat): Promise<Blob> {
  const table = {
    classes: detector.value!.classes,
    images: images.value.map(({ name, width, height, boxes, labels, scores }) => ({
      file: name,
      width,
      height,
      objects: Array.from(labels, (label, i) => ({
        label,
        score: scores[i]!,
        box: [boxes[4 * i]!, boxes[4 * i + 1]!, boxes[4 * i + 2]!, boxes[4 * i + 3]!] as const,
      })).filter(({ score }) => isShown(score)),
    })),
  };
  return new Blob([await studio.use.table(table, format)]);
}

/** Saves something as a file, as a browser does. */
export function save(name: string, content: Blob): void {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(content);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
