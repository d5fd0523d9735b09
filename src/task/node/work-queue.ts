import { createHash, randomUUID } from 'node:crypto';
import { access, mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises';
import { hostname } from 'node:os';
import { dirname, join } from 'node:path';
import { checkNumber, isRecord } from '../../common/check.ts';
import { InputError } from '../../common/errors.ts';
import { parseJson } from '../../common/json.ts';
import { codeOf, createFolder, replaceFile, writeError, writing } from '../../common/node/replace-file.ts';
import { openWorkerPool } from '../../data/node/worker-pool.ts';
import { createClaim, readClaim } from './claim-file.ts';
import { Claim, type Heartbeat } from './claim.ts';

const OP = 'WorkQueue';

/** Seconds without a sign of life after which the piece of a worker is taken over. Network file systems show others up to a minute late. */
const LEASE = 120;
/** At most this many differences are listed. */
const LISTED = 3;

/** What all workers must agree on: a value for each name, which messages show. */
export type QueueTerms = Readonly<Record<string, string | number | boolean | null>>;

/** The content of the file `plan.json`. */
interface PlanFile {
  readonly terms: QueueTerms;
  readonly pieces: number;
  readonly plan: unknown;
}

/** What is in the folder of a queue. */
interface Contents {
  /** The pieces with a result. */
  readonly done: Set<number>;
  /** The newest claim of each piece, by its number: a claim that is taken over gets the next one. */
  readonly claims: Map<number, number>;
  readonly isFinished: boolean;
}

/** Options of `WorkQueue.join`. */
export interface JoinOptions {
  /** Seconds without a sign of life after which another worker takes over a piece of this one. Default 120. */
  readonly lease?: number;
}

/**
 * Work in numbered pieces that any number of processes, on any machines, share by a folder; then one of them completes the
 * whole. Each piece has one result, whatever workers are killed, stalled or do it twice. Needs of the file system what NFS
 * has: files that are created exclusively, and renaming. There are no locks, and no clock but that of the file system.
 *
 * | file | |
 * |---|---|
 * | `plan.json` | what workers agree on; the folder appears with it, by a rename |
 * | `7.0.claim` | the first claim of piece 7, created exclusively; its date, which its holder renews, is the sign of life |
 * | `7.1.claim` | the next one, of who took it over: the first one to create it |
 * | `7.json` | the result of piece 7 behind its checksum: written elsewhere, renamed, never replaced |
 * | `finished.json` | everything is done; claims and results are removed |
 *
 *     const queue = await WorkQueue.join('queue', { model: 'a' }, async () => ({ pieces: 2, plan: null }));
 *     for (let claim = await queue.take(); claim !== null; claim = await queue.take()) {
 *       console.log(claim.piece); // 0, 1, then 2: completing the whole
 *       await claim.finish(claim.piece < 2 ? `result ${claim.piece}` : 'all');
 *     }
 *     console.log((await queue.contents()).isFinished); // true
 */
export class WorkQueue {
  readonly folder: string;
  /** Number of pieces. */
  readonly pieces: number;
  /** What the first worker planned. */
  readonly plan: unknown;
  /** This worker, for messages. */
  readonly worker = `${hostname()}, process ${process.pid}`;
  readonly #lease: number;
  /** A file whose date is the time of the file system. */
  readonly #clock: string;
  /** The piece after the one that was taken last: neighbours read the same blocks of a file. */
  #next: number;

  /** One thread for all claims. */
  readonly #heartbeat: Heartbeat;

  private constructor(folder: string, { pieces, plan }: PlanFile, lease: number, heartbeat: Heartbeat) {
    this.#heartbeat = heartbeat;
    this.folder = folder;
    this.pieces = pieces;
    this.plan = plan;
    this.#lease = lease;
    this.#clock = join(folder, `.${randomUUID()}.clock`);
    this.#next = 0;
  }

  /**
   * Joins the queue in a folder. The first worker makes it, with its plan; of several first ones, one plan counts.
   *
   * @throws InputError if the terms of the queue are others, or it cannot be read or written
   */
  static async join(
    folder: string,
    terms: QueueTerms,
    makePlan: () => Promise<{ readonly pieces: number; readonly plan: unknown }>,
    { lease = LEASE }: JoinOptions = {},
  ): Promise<WorkQueue> {
    checkNumber('WorkQueue.join', 'lease', lease, { above: 0 });
    const path = join(folder, 'plan.json');
    if (!(await exists(path))) await create(folder, JSON.stringify({ terms, ...(await makePlan()) }));
    const plan = readPlan(path, await readFile(path, 'utf8'));
    const differences = differencesOf(plan.terms, terms);
    if (differences.length > 0) {
      const more = differences.length > LISTED ? `; and ${differences.length - LISTED} more` : '';
      const reason = `it is shared work on other terms: ${differences.slice(0, LISTED).join('; ')}${more}. Give all workers the same, or remove the folder to begin anew`;
      throw new InputError(OP, reason, { file: folder });
    }
    const name = import.meta.url.endsWith('.ts') ? 'heartbeat.ts' : 'heartbeat.js';
    return new WorkQueue(folder, plan, lease, await openWorkerPool(new URL(name, import.meta.url), 1, null));
  }

  /** What is done, and who has claimed what. */
  async contents(): Promise<Contents> {
    const [done, claims] = [new Set<number>(), new Map<number, number>()];
    const names = await reading(this.folder, () => readdir(this.folder));
    for (const name of names) {
      const [, piece, claim] = /^(\d+)\.(?:json|(\d+)\.claim)$/.exec(name) ?? [];
      if (piece === undefined) continue;
      if (claim === undefined) done.add(Number(piece));
      else claims.set(Number(piece), Math.max(Number(claim), claims.get(Number(piece)) ?? 0));
    }
    return { done, claims, isFinished: names.includes('finished.json') };
  }

  /**
   * Claims a piece, or, when all have results, the completion of the whole, which has the number `pieces`. Null if there is
   * nothing to do now: all is finished, or others are at work.
   */
  async take(): Promise<Claim | null> {
    const { done, claims, isFinished } = await this.contents();
    if (isFinished) return null;
    const all = Array.from({ length: this.pieces }, (_, i) => (this.#next + i) % this.pieces);
    const open = all.filter((piece) => !done.has(piece));
    const todo = open.length > 0 ? open : [this.pieces];
    for (const piece of todo) {
      const claim = claims.has(piece) ? null : await this.#claim(piece, 0);
      if (claim !== null) return claim;
    }
    const now = await this.#now();
    for (const piece of todo) {
      const number = claims.get(piece);
      if (number === undefined) continue;
      const path = this.#claimPath(piece, number);
      const held = await reading(path, () => readClaim(path, this.#lease));
      if (held === null || Math.abs(now - held.beat) <= held.lease * 1000) continue;
      const lost = held.isHandedBack ? null : { worker: held.worker, seconds: Math.round((now - held.beat) / 1000) };
      const claim = await this.#claim(piece, number + 1, lost);
      if (claim !== null) return claim;
    }
    return null;
  }

  /**
   * The result of a piece. Undefined if it has none, or a damaged one, which is put aside for the piece to be done again.
   *
   * @param onDamage is called with the new name of a damaged file
   */
  async result(piece: number, onDamage?: (path: string) => void): Promise<string | undefined> {
    const path = this.#resultPath(piece);
    const text = await reading(path, () => readFile(path, 'utf8').catch(missing));
    if (text === undefined) return undefined;
    const body = text.slice(HASH_LENGTH + 1);
    if (text.slice(0, HASH_LENGTH) === hashOf(body)) return body;
    const aside = join(this.folder, `damaged-${piece}-${randomUUID()}`);
    await writing(OP, path, () => rename(path, aside));
    onDamage?.(aside);
    return undefined;
  }

  /** Removes what this worker alone needs. */
  async leave(): Promise<void> {
    await rm(this.#clock, { force: true });
  }

  readonly #claimPath = (piece: number, number: number): string => join(this.folder, `${piece}.${number}.claim`);

  readonly #resultPath = (piece: number): string =>
    join(this.folder, piece === this.pieces ? 'finished.json' : `${piece}.json`);

  async #claim(piece: number, number: number, lost: Claim['lost'] = null): Promise<Claim | null> {
    const [path, lease] = [this.#claimPath(piece, number), this.#lease];
    const text = JSON.stringify({ worker: this.worker, lease });
    const files = { path, next: this.#claimPath(piece, number + 1), text };
    if (!(await writing(OP, path, () => createClaim(files)))) return null;
    const write = (body: string): Promise<void> => this.#write(piece, body);
    const claim = new Claim({ ...files, piece, lost, lease, heartbeat: this.#heartbeat, write });
    // Its result, or the end of all, may have come since the folder was listed.
    if ((await exists(this.#resultPath(piece))) || (await exists(this.#resultPath(this.pieces)))) {
      await claim.handBack();
      return null;
    }
    this.#next = (piece + 1) % this.pieces;
    return claim;
  }

  /** Writes the result of a piece, unless another worker that did it, too, was faster. */
  async #write(piece: number, body: string): Promise<void> {
    const path = this.#resultPath(piece);
    const isLate = (await exists(path)) || (await exists(this.#resultPath(this.pieces)));
    if (!isLate) replaceFile(OP, path, `${hashOf(body)}\n${body}`);
    if (piece < this.pieces) return;
    const names = await readdir(this.folder);
    const isWork = (name: string): boolean => /^\d+\.(?:json|\d+\.claim)$|^\..*\.(?:clock|partial)$/.test(name);
    await Promise.all(names.filter(isWork).map((name) => rm(join(this.folder, name), { force: true })));
  }

  /** The time of the file system, in milliseconds: clocks of machines differ. */
  #now(): Promise<number> {
    return writing(OP, this.#clock, async () => {
      const file = await open(this.#clock, 'w');
      try {
        await file.write('.');
        await file.sync();
        return (await file.stat()).mtimeMs;
      } finally {
        await file.close();
      }
    });
  }
}

const HASH_LENGTH = 64;
const hashOf = (text: string): string => createHash('sha256').update(text).digest('hex');

const exists = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );

/** Undefined for a file that does not exist. */
function missing(error: unknown): undefined {
  if (codeOf(error) !== 'ENOENT') throw error;
}

/** Runs what reads in a queue: an error names the file. */
async function reading<T>(path: string, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (cause) {
    const reason = codeOf(cause) === 'ENOENT' ? 'it was removed while workers shared it' : 'it cannot be read';
    throw new InputError(OP, `${reason} (${codeOf(cause) ?? String(cause)})`, { file: path, cause });
  }
}

/** Makes the folder of a queue with its plan, at once: a folder is not renamed to one that has files. */
async function create(folder: string, plan: string): Promise<void> {
  const made = `${folder}.${randomUUID()}.partial`;
  try {
    await writing(OP, folder, async () => {
      createFolder(dirname(folder));
      await mkdir(made);
      replaceFile(OP, join(made, 'plan.json'), plan);
    });
    await rename(made, folder);
  } catch (error) {
    await rm(made, { recursive: true, force: true });
    // Another worker was faster. Windows says EPERM.
    if (await exists(join(folder, 'plan.json'))) return;
    throw writeError(OP, folder, error);
  }
}

function readPlan(path: string, text: string): PlanFile {
  try {
    const plan = parseJson(text);
    if (isRecord(plan) && isRecord(plan['terms']) && Number.isInteger(plan['pieces'])) {
      return plan as unknown as PlanFile;
    }
  } catch {
    // As below.
  }
  throw new InputError(OP, 'it is damaged; remove its folder to begin anew', { file: path });
}

/** What differs, in words. */
function differencesOf(plan: QueueTerms, own: QueueTerms): string[] {
  const shown = (terms: QueueTerms, name: string): string => (name in terms ? String(terms[name]) : 'missing');
  const names = [...new Set([...Object.keys(plan), ...Object.keys(own)])].filter((name) => plan[name] !== own[name]);
  if (names.length > 0) return names.map((name) => `${name} is ${shown(own, name)}, there ${shown(plan, name)}`);
  return JSON.stringify(plan) === JSON.stringify(own) ? [] : ['the images are in another order'];
}
