// Runs in the browser's private file system (OPFS): runs/ID. Nothing in it leaves the computer.
import type { EvaluationRecord, RunRecord } from 'retinagrad/detector';
import { METRICS, parseRecord, slotNames } from './opfs-run.ts';
import type { Plan } from './share.ts';
import { readSlots } from './slot-file.ts';

/** What run.json says. */
export interface RunInfo extends Plan {
  readonly id: string;
  readonly name: string;
  /** Time of its beginning, in ISO 8601. */
  readonly created: string;
  /** Name of the data set. */
  readonly dataName: string;
  readonly totalSteps: number | null;
  /** How it ended; null if it can be continued. */
  readonly end: 'finished' | 'early' | 'stopped' | null;
}

/** A run of the table. */
export interface RunSummary extends RunInfo {
  readonly steps: number;
  readonly best: EvaluationRecord | null;
  readonly records: readonly RunRecord[];
  readonly hasDetector: boolean;
  readonly bytes: number;
}

/** A folder of the storage, made if it is not there. */
export const folderOf = async (...path: string[]): Promise<FileSystemDirectoryHandle> => {
  let folder = await navigator.storage.getDirectory();
  for (const name of path) folder = await folder.getDirectoryHandle(name, { create: true });
  return folder;
};

export const runFolder = (id: string): Promise<FileSystemDirectoryHandle> => folderOf('runs', id);

/** Writes a small file, which has its new content when all of it is written. */
export async function writeFile(
  folder: FileSystemDirectoryHandle,
  name: string,
  content: string | Blob | Uint8Array<ArrayBuffer>,
): Promise<void> {
  const stream = await (await folder.getFileHandle(name, { create: true })).createWritable();
  await stream.write(content);
  await stream.close();
}

/** A file of a folder; null if there is none. */
export async function fileIn(folder: FileSystemDirectoryHandle, name: string): Promise<File | null> {
  try {
    return await (await folder.getFileHandle(name)).getFile();
  } catch {
    return null;
  }
}

/** Something in JSON of a folder; null if there is none, or it is damaged. */
export async function readJson<T>(folder: FileSystemDirectoryHandle, name: string): Promise<T | null> {
  try {
    return JSON.parse((await (await fileIn(folder, name))?.text()) ?? '') as T;
  } catch {
    return null;
  }
}

export const saveInfo = async (info: RunInfo): Promise<void> =>
  writeFile(await runFolder(info.id), 'run.json', JSON.stringify(info));

export const infoOf = async (id: string): Promise<RunInfo | null> => readJson(await runFolder(id), 'run.json');

/** The detector of a run: its best weights or, before an evaluation, its last ones. */
export async function detectorOf(id: string): Promise<Uint8Array<ArrayBuffer> | null> {
  const folder = await runFolder(id);
  for (const which of ['best', 'last'] as const) {
    const bytes = await weightsOf(folder, which);
    if (bytes !== null) return bytes;
  }
  return null;
}

async function weightsOf(
  folder: FileSystemDirectoryHandle,
  which: 'best' | 'last',
): Promise<Uint8Array<ArrayBuffer> | null> {
  const files = await Promise.all(slotNames(which).map((name) => fileIn(folder, name)));
  return readSlots(files.filter((file) => file !== null));
}

async function recordsOf(folder: FileSystemDirectoryHandle): Promise<RunRecord[]> {
  const text = (await (await fileIn(folder, METRICS))?.text()) ?? '';
  return text.split('\n').flatMap((line) => (line === '' ? [] : (parseRecord(line) ?? [])));
}

/** All runs, the newest first. */
export async function listRuns(): Promise<RunSummary[]> {
  const runs: RunSummary[] = [];
  for await (const id of (await folderOf('runs')).keys()) {
    const folder = await runFolder(id);
    const info = await readJson<RunInfo>(folder, 'run.json');
    if (info === null) continue;
    const records = await recordsOf(folder);
    const evaluations = records.filter((record) => record.kind === 'evaluation');
    let bytes = 0;
    for await (const name of folder.keys()) bytes += (await fileIn(folder, name))?.size ?? 0;
    runs.push({
      ...info,
      records,
      steps: Math.max(0, ...records.map(({ step }) => step)),
      best: evaluations.reduce<EvaluationRecord | null>(
        (best, record) => (best === null || record.f1 > best.f1 ? record : best),
        null,
      ),
      hasDetector: (await fileIn(folder, slotNames('last')[0]))?.size !== 0 && records.length > 0,
      bytes,
    });
  }
  return runs.sort((a, b) => b.created.localeCompare(a.created));
}

export async function removeRun(id: string): Promise<void> {
  await (await folderOf('runs')).removeEntry(id, { recursive: true });
}
