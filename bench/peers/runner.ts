import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { spread } from '../../src/measure/measure.ts';
import { checkTask } from '../../src/measure/tasks.ts';
import { CASES, isTask, type PeerCase } from './cases.ts';
import { compareWhole } from './compare-whole.ts';
import { libraries, type Library } from './libraries.ts';
import { Peer, UnsupportedError } from './peer.ts';
import { lineOf, ratioToBest, type PeerCaseResult, type PeerMeasured, type PeersResult } from './report.ts';
import { valuesOf, writeValues, type OperandFile } from './values.ts';

export interface RunnerOptions {
  /** Keys of libraries; all if empty. */
  readonly only: readonly string[];
  /** Only cases whose name contains it. */
  readonly filter: string;
  /** For each case and library. */
  readonly seconds: number;
  readonly out: string | undefined;
  readonly adapter: string | undefined;
}

/** Minimum length of a sample in milliseconds; shorter runs are repeated within a sample. */
const SAMPLE = 20;
const OURS = 'retinagrad';

interface Sample {
  readonly wall: number;
  readonly processor: number;
}

/** A library that is being measured, with its samples so far. */
interface Contender {
  readonly library: Library;
  readonly peer: Peer;
  readonly first: number;
  /** Runs within a sample, and samples to take. */
  readonly count: number;
  readonly wanted: number;
  readonly samples: Sample[];
}

/** What a library has delivered: its results, and the report about it. */
interface Delivered {
  readonly measured: PeerMeasured;
  readonly results?: readonly Float32Array[];
}

export class Runner {
  readonly #options: RunnerOptions;
  readonly #libraries: readonly Library[];
  readonly #folder = mkdtempSync(join(tmpdir(), 'retinagrad-peers-'));
  readonly #peers = new Map<string, Peer>();
  readonly #versions: Record<string, string> = { node: process.version };
  #adapter: PeersResult['adapter'] | null = null;

  constructor(options: RunnerOptions) {
    this.#options = options;
    const all = libraries();
    const unknown = options.only.filter((key) => !all.some((library) => library.key === key));
    if (unknown.length > 0) {
      throw new TypeError(
        `--only is "${options.only.join()}", expected some of ${all.map(({ key }) => key).join(', ')}`,
      );
    }
    this.#libraries = all.filter(({ key }) => options.only.length === 0 || options.only.includes(key));
  }

  /** Measures all cases, prints and writes the results, and returns the exit status. */
  async run(): Promise<number> {
    const cases: PeerCaseResult[] = [];
    process.once('exit', () => rmSync(this.#folder, { recursive: true, force: true }));
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130));
    try {
      for (const task of CASES.filter(({ name }) => name.includes(this.#options.filter))) {
        const result = await this.#measure(task);
        cases.push(result);
        this.#print(task, result);
        this.#write(cases); // After every case, so that an interrupted run is not lost.
      }
    } finally {
      await this.#stopAll();
    }
    if (cases.length === 0) throw new TypeError(`--filter ${this.#options.filter}: no case has this in its name`);
    const own = cases.map(({ libraries: all }) => all[OURS]).filter((measured) => measured !== undefined);
    return own.some(({ failed, wrong }) => failed !== undefined || typeof wrong === 'string') ? 1 : 0;
  }

  async #measure(task: PeerCase): Promise<PeerCaseResult> {
    const isWhole = !isTask(task);
    const values = valuesOf(task);
    const operands = writeValues(join(this.#folder, 'operands.f32'), values);
    // Libraries measure the whole network one after the other, each in a new process with an empty driver cache, to limit
    // memory and to time the first step. For single kernels they take turns.
    const delivered = new Map<string, Delivered>();
    for (const group of isWhole ? this.#libraries.map((library) => [library]) : [this.#libraries]) {
      if (isWhole) await this.#stopAll();
      const contenders: Contender[] = [];
      for (const library of group) {
        await this.#attempt(library, delivered, async () => {
          contenders.push(await this.#enter(library, task, operands, isWhole));
        });
      }
      await this.#takeTurns(contenders, delivered);
      for (const contender of contenders.filter(({ library }) => !delivered.has(library.key))) {
        await this.#attempt(contender.library, delivered, async () => {
          delivered.set(contender.library.key, await this.#collect(contender));
        });
      }
    }
    if (isWhole) await this.#stopAll();
    const arrays = Object.fromEntries([...values].map(([name, { data }]) => [name, data]));
    const wrong = isTask(task)
      ? new Map([...delivered].map(([key, { results }]) => [key, results && checkTask(task, arrays, results)]))
      : compareWhole(new Map([...delivered].map(([key, { results }]) => [key, results])), ['torch', OURS]);
    return {
      name: task.name,
      ...(isTask(task) ? { work: task.work } : {}),
      libraries: Object.fromEntries(
        [...delivered].map(([key, { measured }]) => {
          const verdict = wrong.get(key);
          return [key, verdict === undefined ? measured : { ...measured, wrong: verdict }];
        }),
      ),
    };
  }

  /** Records why a library has no result for this case, if it has none. */
  async #attempt(library: Library, delivered: Map<string, Delivered>, work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      const { message } = error as Error;
      const measured = error instanceof UnsupportedError ? { unsupported: message } : { failed: message };
      delivered.set(library.key, { measured });
      if (error instanceof UnsupportedError) return;
      await this.#peers.get(library.key)?.stop(); // It may still hold memory or compute, which would disturb the others.
    }
  }

  /** Prepares a library for a case, and runs the case twice, so that its kernels are compiled. */
  async #enter(
    library: Library,
    task: PeerCase,
    operands: Readonly<Record<string, OperandFile>>,
    isWhole: boolean,
  ): Promise<Contender> {
    const peer = await this.#peerOf(library);
    await peer.ask({ do: 'prepare', case: task, operands });
    const { wall: first } = await peer.ask<Sample>({ do: 'sample', count: 1 });
    const { wall: estimate } = await peer.ask<Sample>({ do: 'sample', count: 1 });
    const count = Math.max(1, Math.ceil(SAMPLE / estimate));
    const fitting = Math.round((this.#options.seconds * 1000) / (count * estimate));
    const wanted = Math.max(isWhole ? 2 : 3, Math.min(100, fitting));
    return { library, peer, first, count, wanted, samples: [] };
  }

  /** Takes samples of all libraries in turn, so that other processes disturb all of them equally. */
  async #takeTurns(contenders: readonly Contender[], delivered: Map<string, Delivered>): Promise<void> {
    for (let round = 0; contenders.some(({ wanted }) => round < wanted); round++) {
      for (const { library, peer, count, wanted, samples } of contenders) {
        if (round >= wanted || delivered.has(library.key)) continue;
        await this.#attempt(library, delivered, async () => {
          const { wall, processor } = await peer.ask<Sample>({ do: 'sample', count });
          samples.push({ wall: wall / count, processor: processor / count });
        });
      }
    }
  }

  async #collect({ library, peer, first, samples }: Contender): Promise<Delivered> {
    const folder = join(this.#folder, library.key);
    mkdirSync(folder, { recursive: true });
    interface Results {
      readonly files: string[];
      readonly gpuBytes?: number;
      readonly residentBytes?: number;
    }
    const { files, gpuBytes, residentBytes } = await peer.ask<Results>({ do: 'results', folder });
    await peer.ask({ do: 'release' });
    const isSoftware = process.platform === 'linux' && (this.#adapter?.kind ?? 'software') === 'software';
    return {
      measured: {
        timing: {
          wall: spread(samples.map(({ wall }) => wall)),
          cpu: isSoftware ? spread(samples.map(({ processor }) => processor / cpus().length)) : null,
        },
        first,
        ...(gpuBytes === undefined ? {} : { gpuBytes }),
        ...(residentBytes === undefined ? {} : { residentBytes }),
      },
      results: files.map((file) => {
        const { buffer, byteOffset, byteLength } = readFileSync(file);
        return new Float32Array(buffer, byteOffset, byteLength / 4);
      }),
    };
  }

  /** The process of a library; starts one if none is running. */
  async #peerOf(library: Library): Promise<Peer> {
    const existing = this.#peers.get(library.key);
    if (existing?.isAlive) return existing;
    const cache = mkdtempSync(join(this.#folder, 'cache-'));
    const peer = new Peer(library, {
      PEERS_ADAPTER: this.#options.adapter ?? '',
      MESA_SHADER_CACHE_DIR: cache,
      __GL_SHADER_DISK_CACHE_PATH: cache,
    });
    this.#peers.set(library.key, peer);
    await peer.start();
    const { versions, adapter } = peer.greeting!;
    Object.assign(this.#versions, versions);
    if (adapter !== null) {
      this.#adapter ??= { name: adapter.name.trim(), kind: adapter.kind };
      if (adapter.name.trim() !== this.#adapter.name) {
        throw new Error(`it runs on ${adapter.name}, but the others on ${this.#adapter.name}`);
      }
    }
    return peer;
  }

  async #stopAll(): Promise<void> {
    await Promise.all([...this.#peers.values()].map((peer) => peer.stop()));
  }

  #print(task: PeerCase, result: PeerCaseResult): void {
    const ratio = ratioToBest(result, OURS, this.#othersOnAdapter());
    const comparison = ratio === null ? '' : `  ${ratio.toFixed(2)} times as fast as the best other on the adapter`;
    process.stdout.write(`${task.name}${comparison}\n`);
    for (const { key, title } of this.#libraries) {
      process.stdout.write(`${lineOf(title, result.work, result.libraries[key] ?? {})}\n`);
    }
  }

  #othersOnAdapter(): string[] {
    return this.#libraries.filter(({ key, runsOn }) => key !== OURS && runsOn === 'adapter').map(({ key }) => key);
  }

  #write(cases: PeerCaseResult[]): void {
    if (this.#options.out === undefined) return;
    const git = spawnSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8' });
    const result: PeersResult = {
      schema: 1,
      kind: 'peers',
      date: new Date().toISOString().slice(0, 10),
      commit: git.status === 0 ? git.stdout.trim() : null,
      adapter: this.#adapter ?? { name: 'none', kind: 'software' },
      processor: { model: cpus()[0]?.model.trim() ?? 'unknown', cores: cpus().length },
      versions: this.#versions,
      libraries: this.#libraries.map(({ key, title, runsOn }) => ({ key, title, runsOn })),
      cases,
    };
    mkdirSync(dirname(this.#options.out), { recursive: true });
    writeFileSync(this.#options.out, `${JSON.stringify(result, null, 2)}\n`);
  }
}
