// The worker of the studio: everything that needs the GPU, the data or the storage. The page calls `Studio` through Comlink.
import { expose, proxy } from 'comlink';
import { defaultDevice, init, type Device } from 'retinagrad';
import { DetectorUse } from './detector-use.ts';
import { findingsOf, type Findings } from './examination.ts';
import { importData, ownData, summaryOf, type DataSummary, type GivenFile } from './own-data.ts';
import { runSession, type SessionEnd, type SessionEvent } from './session.ts';
import type { Plan } from './share.ts';
import { infoOf, listRuns, removeRun, runFolder, saveInfo, type RunInfo, type RunSummary } from './store.ts';

/** The adapter that computes. */
export interface Gpu {
  readonly name: string;
  readonly isHardware: boolean;
}

export class Studio {
  /** Detects with trained detectors, and exports them. */
  readonly use = proxy(new DetectorUse(() => this.#device()));
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
    this.use.close();
    const control = { signal: (this.#abort = new AbortController()).signal, isStopped: () => this.#isStopped };
    this.#isStopped = false;
    return navigator.locks.request(`retinagrad run ${info.id}`, { ifAvailable: true }, async (lock) => {
      if (lock === null) throw new Error('another tab is training this run: continue it there, or close that tab');
      return runSession(info, emit, control);
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

  /** What the doctor finds in the data of a plan; null for the sample. */
  async findings(plan: Plan): Promise<Findings | null> {
    await this.#device();
    return findingsOf(plan);
  }

  runs(): Promise<RunSummary[]> {
    return listRuns();
  }

  async remove(id: string): Promise<void> {
    await navigator.locks.request(`retinagrad run ${id}`, { ifAvailable: true }, async (lock) => {
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
