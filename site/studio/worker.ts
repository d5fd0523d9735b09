// The worker of the studio: everything that needs the GPU, the data or the storage. The page calls `Studio` through Comlink.
import { expose, proxy, transfer } from 'comlink';
import { defaultDevice, init, type Device } from 'retinagrad';
import { DetectorUse } from './detector-use.ts';
import { findingsOf, type Findings } from './examination.ts';
import { listData, ownData, relabel, removeData, summaryOf, type DataSummary, type NewLabels } from './data-store.ts';
import { importData, type GivenFile } from './own-data.ts';
import { openOwnImage } from './own-dataset.ts';
import { pictureOf, type Pixels } from './pictures.ts';
import { runSession, type SessionEnd, type SessionEvent } from './session.ts';
import type { Plan } from './share.ts';
import { Looks, Suggester, type Suggested } from './suggester.ts';
import { infoOf, listRuns, removeRun, runFolder, saveInfo, type RunInfo, type RunSummary } from './store.ts';

/** The beginning of the name of the lock that a training has; its id follows. */
const RUN_LOCK = 'retinagrad run ';

/** The adapter that computes. */
export interface Gpu {
  readonly name: string;
  readonly isHardware: boolean;
}

export class Studio {
  /** Detects with trained detectors, and exports them. */
  readonly use = proxy(new DetectorUse(() => this.#device()));
  readonly #suggester = new Suggester(() => this.use.opened);
  #abort = new AbortController();
  #isStopped = false;
  #opening: Promise<Device> | null = null;

  /** Opens the GPU. Rejects with a NoAdapterError if there is none. */
  async gpu(): Promise<Gpu> {
    const { adapter } = await this.#device();
    return { name: adapter.name, isHardware: adapter.kind === 'hardware' };
  }

  /** The open device. Opens another one if that is lost: a training recovers by itself, what follows it does not. */
  async #device(): Promise<Device> {
    this.#opening ??= init();
    try {
      await this.#opening;
    } catch (error) {
      this.#opening = null;
      throw error;
    }
    const device = defaultDevice();
    const loss = await Promise.race([device.gpu.lost, Promise.resolve(null)]);
    return loss === null ? device : device.reopen();
  }

  /** Begins a run and trains it until it ends or the page ends the session. */
  async begin(plan: Plan, { name, dataName }: Pick<RunInfo, 'name' | 'dataName'>, emit: Emit): Promise<SessionEnd> {
    const created = new Date().toISOString();
    const info = { ...plan, id: created.replaceAll(/\D/g, ''), name, dataName, created, totalSteps: null, end: null };
    await saveInfo(info);
    return this.#session(info, emit);
  }

  /** Continues a run from its last state. */
  async resume(id: string, emit: Emit): Promise<SessionEnd> {
    const info = await infoOf(id);
    if (info === null) throw new Error('the run is not in the storage of this browser any more');
    return this.#session(info, emit);
  }

  /** One session at a time, and of one run in one tab only. */
  async #session(info: RunInfo, emit: Emit): Promise<SessionEnd> {
    await this.#device();
    await this.use.close();
    this.#suggester.close();
    const looks = new Looks();
    const { signal } = (this.#abort = new AbortController());
    const control = { signal, isStopped: () => this.#isStopped, looks };
    this.#isStopped = false;
    return navigator.locks.request(RUN_LOCK + info.id, { ifAvailable: true }, async (lock) => {
      if (lock === null)
        throw new Error(
          'another tab is training this run: look at it there, or close that tab and press “Continue” again',
        );
      this.#suggester.looks = looks;
      try {
        return await runSession(info, emit, control);
      } finally {
        this.#suggester.looks = null;
        looks.close();
      }
    });
  }

  /** Finishes the step, saves the state and ends the session. */
  pause(): void {
    this.#abort.abort();
  }

  /** Like `pause`, but the run ends with what it has reached. */
  stop(): void {
    this.#isStopped = true;
    this.#abort.abort();
  }

  /** Reads and stores own images and labels. */
  importData(files: readonly GivenFile[], onProgress: (done: number, total: number) => void): Promise<DataSummary> {
    return importData(files, onProgress);
  }

  /** A data set of the storage; null if it is not there. */
  async data(id: string): Promise<DataSummary | null> {
    const data = await ownData(id);
    return data === null ? null : summaryOf(data);
  }

  /** All data sets of the storage. */
  async dataSets(): Promise<DataSummary[]> {
    return (await listData()).map(summaryOf);
  }

  /** The data set with other classes, and other labels for some images. */
  async relabel(id: string, classes: readonly string[], labels: NewLabels): Promise<DataSummary> {
    return summaryOf(await relabel(id, classes, labels));
  }

  /** The pixels of an image of a data set. */
  async pixels(id: string, file: string): Promise<Pixels> {
    const data = await ownData(id);
    const image = data?.images.find((one) => one.file === file);
    if (!data || image === undefined) throw new Error(`${file} is not in the storage of this browser any more`);
    const pixels = pictureOf(await openOwnImage(data, image));
    return transfer(pixels, [pixels.data.buffer]);
  }

  /** Deletes a data set; runs with it cannot be continued any more. */
  async removeData(id: string): Promise<void> {
    const { held = [] } = await navigator.locks.query();
    for (const { name = '' } of held) {
      const run = name.startsWith(RUN_LOCK) ? await infoOf(name.slice(RUN_LOCK.length)) : null;
      if (run?.data === id)
        throw new Error(`${run.name} is training on this data set, here or in another tab: stop it first`);
    }
    await removeData(id);
  }

  /** Boxes that a detector suggests for an image of a data set, with the classes `names`. */
  async suggest(id: string, file: string, names: readonly string[]): Promise<Suggested> {
    await this.#device();
    return this.#suggester.suggest(id, file, names);
  }

  /** What the doctor finds in the data of a plan; null for the sample, and without labels. */
  async findings(plan: Plan): Promise<Findings | null> {
    await this.#device();
    return findingsOf(plan);
  }

  runs(): Promise<RunSummary[]> {
    return listRuns();
  }

  async remove(id: string): Promise<void> {
    await navigator.locks.request(RUN_LOCK + id, { ifAvailable: true }, async (lock) => {
      if (lock === null) throw new Error('a tab is training this run: stop it first');
      await removeRun(id);
    });
  }

  /** report.html of a run; null if it has none. */
  async report(id: string): Promise<Blob | null> {
    const folder = await runFolder(id);
    return (await folder.getFileHandle('report.html').catch(() => null))?.getFile() ?? null;
  }
}

type Emit = (event: SessionEvent) => void;

expose(new Studio());
