import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { InputError, type InputErrorDetails } from '../../common/errors.ts';
import { defaultBatchSize } from '../../detector/detect-raster.ts';
import type { Detector } from '../../detector/detector.ts';
import { openRaster } from '../../imagery/node/read-image.ts';
import type { Raster } from '../../imagery/raster.ts';
import type { Detections } from '../../imagery/types.ts';
import { readStateDict } from '../../nn/module.ts';
import { detectFiles, type DetectFilesOptions, type FileStore } from './detect-files.ts';
import { LostClaim, type Claim } from './claim.ts';
import { readerOptions } from './open-training-data.ts';
import { WorkQueue, type JoinOptions, type QueueTerms } from './work-queue.ts';

/** More pieces would only be more files in a folder. */
const MAX_PIECES = 4096;
/** Milliseconds between two looks at the folder by a worker that waits for others. */
const POLL = 1000;

const NOTHING: Detections = { boxes: new Float32Array(), scores: new Float32Array(), labels: new Int32Array() };

/** How the tiles of all inputs are divided into pieces. */
interface TilePlan {
  /** Number of tiles of each input; 0 of those that cannot be read or lie outside of the area. */
  readonly tiles: readonly number[];
  /** Tiles that the GPU processes together. Pieces have whole batches, so that batches, and bits, are those of one process. */
  readonly batch: number;
}

/** The tiles from `from` to `to - 1` of an input. */
interface Segment {
  readonly input: number;
  readonly from: number;
  readonly to: number;
}

/** What a worker found in a segment, as a piece keeps it. */
interface FoundSegment extends Segment {
  readonly found: readonly { boxes: number[]; scores: number[]; labels: number[]; omitted?: number[] }[];
  readonly highest: number;
  /** Why the input cannot be read. */
  readonly unreadable?: { readonly op: string; readonly reason: string; readonly details: InputErrorDetails };
}

/** State of shared work, for its progress. */
export interface SharedProgress {
  /** Pieces with a result, and all pieces. */
  readonly done: number;
  readonly total: number;
  /** Pieces that this worker did. */
  readonly own: number;
  /** Whether this worker waits for pieces of others. */
  readonly isWaiting: boolean;
}

/** Options of `SharedDetection.join`. */
export interface SharedDetectionOptions extends JoinOptions {
  /** As those of `detectFiles`. All workers must have the same. */
  readonly detecting?: Omit<
    DetectFilesOptions,
    'signal' | 'area' | 'onOutside' | 'onUnreadable' | 'onTiles' | 'storeOf'
  >;
  readonly area?: DetectFilesOptions['area'];
  /** What else all workers must agree on, with names for messages. */
  readonly terms?: QueueTerms;
}

/** What `SharedDetection.work` reports. */
export interface SharedWorkOptions {
  /** When aborted, this worker hands its piece back. */
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: SharedProgress) => void;
  /** Called with what a user should know: pieces that were taken over, damaged results. */
  readonly onNote?: (note: string) => void;
}

/**
 * Detection in files and rasters that any number of processes share, by a `WorkQueue` in a folder that they all see. Each detects in
 * pieces of some tiles; when all pieces are done, one worker gets them all, for `detectFiles` to merge them. What it finds is
 * what one process finds, in every bit if the GPUs are alike.
 *
 *     const shared = await SharedDetection.join('found/queue', detector, files);
 *     const pieces = await shared.work();
 *     if (pieces === null) console.log('another worker has the results');
 *     else {
 *       for await (const { file, detections } of detectFiles(detector, files, { storeOf: pieces.storeOf })) save(file, detections);
 *       await pieces.finish();
 *     }
 */
export class SharedDetection {
  readonly #queue: WorkQueue;
  readonly #detector: Detector;
  readonly #inputs: readonly (string | Raster)[];
  readonly #options: SharedDetectionOptions;
  readonly #pieces: readonly (readonly Segment[])[];
  /** The file that is open; neighbouring pieces are of the same. */
  #opened: { readonly input: number; readonly raster: Raster } | null = null;
  #own = 0;
  #ownTiles = 0;

  private constructor(
    queue: WorkQueue,
    detector: Detector,
    inputs: readonly (string | Raster)[],
    options: SharedDetectionOptions,
  ) {
    this.#queue = queue;
    this.#detector = detector;
    this.#inputs = inputs;
    this.#options = options;
    this.#pieces = piecesOf(queue.plan as TilePlan);
  }

  /**
   * Joins the work in a folder. The first worker divides it into pieces.
   *
   * @throws InputError if other workers have other weights, options or terms
   */
  static async join(
    folder: string,
    detector: Detector,
    inputs: readonly (string | Raster)[],
    options: SharedDetectionOptions = {},
  ): Promise<SharedDetection> {
    const { detecting = {}, area = null, terms = {}, lease } = options;
    const { tile = detector.detectionTile } = detecting;
    const all: QueueTerms = {
      weights: await weightsHash(detector),
      ...Object.fromEntries(Object.entries(detecting).map(([name, value]) => [name, value ?? null])),
      tile,
      area: area?.hash ?? null,
      ...terms,
    };
    const batch = detecting.batchSize ?? (tile === null ? 1 : defaultBatchSize(tile));
    const makePlan = async () => {
      const plan: TilePlan = { tiles: await countTiles(detector, inputs, options), batch };
      return { pieces: piecesOf(plan).length, plan };
    };
    const queue = await WorkQueue.join(folder, all, makePlan, lease === undefined ? {} : { lease });
    return new SharedDetection(queue, detector, inputs, options);
  }

  /** Pieces and tiles that this worker did. */
  get own(): { readonly pieces: number; readonly tiles: number } {
    return { pieces: this.#own, tiles: this.#ownTiles };
  }

  /**
   * Detects in pieces until there are none left, and waits for those of other workers: if one is lost, its pieces are done here.
   * Then one worker gets the results. For the others it resolves to null, when that one has finished, as it does when the signal
   * is aborted.
   *
   * @throws InputError if the folder cannot be read or written; the piece at work is handed back
   */
  async work({ signal, onProgress, onNote }: SharedWorkOptions = {}): Promise<SharedPieces | null> {
    try {
      for (;;) {
        if (signal?.aborted === true) return null;
        const claim = await this.#queue.take();
        const { done, isFinished } = await this.#queue.contents();
        if (isFinished) return null;
        const [finished, total] = [Math.min(done.size, this.#queue.pieces), this.#queue.pieces];
        onProgress?.({ done: finished, total, own: this.#own, isWaiting: claim === null });
        if (claim === null) {
          // Ends early when the signal is aborted.
          await sleep(POLL, undefined, signal === undefined ? {} : { signal }).catch(() => undefined);
          continue;
        }
        if (claim.lost !== null) onNote?.(takenOver(claim, total));
        if (claim.piece < total) await this.#detect(claim, signal);
        else {
          const pieces = await this.#collect(claim, onNote);
          if (pieces !== null) return pieces;
        }
      }
    } finally {
      await this.#close();
      await this.#queue.leave();
    }
  }

  /** Detects in a piece, and writes the result. Hands it back if it cannot be done. */
  async #detect(claim: Claim, signal: AbortSignal | undefined): Promise<void> {
    const both = signal === undefined ? claim.signal : AbortSignal.any([signal, claim.signal]);
    try {
      const segments: FoundSegment[] = [];
      for (const segment of this.#pieces[claim.piece]!) segments.push(await this.#detectIn(segment, both));
      await claim.finish(JSON.stringify({ worker: this.#queue.worker, segments }));
      this.#own++;
      this.#ownTiles += segments.reduce((sum, { from, to }) => sum + to - from, 0);
    } catch (error) {
      await claim.handBack();
      if (error !== both.reason || (!(error instanceof LostClaim) && signal?.aborted !== true)) throw error;
    }
  }

  async #detectIn(segment: Segment, signal: AbortSignal): Promise<FoundSegment> {
    const { input, from, to } = segment;
    const found: Detections[] = [];
    const store: FileStore = {
      get: (tile) => (tile >= from && tile < to ? undefined : NOTHING),
      set: (tile, one) => void (found[tile - from] = one),
    };
    const { detecting, area = null } = this.#options;
    try {
      const raster = await this.#open(input);
      const running = { ...detecting, area, signal, storeOf: () => store };
      for await (const _ of detectFiles(this.#detector, [raster], running));
    } catch (error) {
      if (!(error instanceof InputError) || error === signal.reason) throw error;
      const { op, reason, file, option, remedy } = error;
      const details = JSON.parse(JSON.stringify({ file, option, remedy })) as InputErrorDetails;
      return { ...segment, found: [], highest: -1, unreadable: { op, reason, details } };
    }
    signal.throwIfAborted();
    return { ...segment, found: found.map(asNumbers), highest: store.highest ?? -1 };
  }

  /** Opens an input, and closes the one before. */
  async #open(input: number): Promise<Raster> {
    const given = this.#inputs[input]!;
    if (typeof given !== 'string') return given;
    if (this.#opened?.input !== input) {
      await this.#close();
      this.#opened = { input, raster: await openRaster(given, readerOptions(this.#detector.decoding)) };
    }
    return this.#opened!.raster;
  }

  async #close(): Promise<void> {
    await this.#opened?.raster.close();
    this.#opened = null;
  }

  /** The results of all pieces; null if some are damaged, and must be done again. */
  async #collect(claim: Claim, onNote: SharedWorkOptions['onNote']): Promise<SharedPieces | null> {
    const stores = this.#inputs.map((): CollectedStore => new CollectedStore());
    let isComplete = true;
    try {
      for (const piece of this.#pieces.keys()) {
        const text = await this.#queue.result(piece, (path) =>
          onNote?.(`The result of piece ${piece} is damaged; it is done again. What it was: ${path}`),
        );
        if (text === undefined) isComplete = false;
        else
          for (const one of (JSON.parse(text) as { segments: FoundSegment[] }).segments) stores[one.input]!.take(one);
      }
    } catch (error) {
      await claim.handBack();
      throw error;
    }
    if (isComplete)
      return new SharedPieces(claim, new Map(this.#inputs.map((input, i) => [nameOf(input), stores[i]!])));
    await claim.handBack();
    return null;
  }
}

/** What all workers found. The one that has it completes the work; others wait for it. */
export class SharedPieces {
  readonly #claim: Claim;
  readonly #stores: ReadonlyMap<string, CollectedStore>;

  constructor(claim: Claim, stores: ReadonlyMap<string, CollectedStore>) {
    this.#claim = claim;
    this.#stores = stores;
  }

  /** For `detectFiles`. Throws the `InputError` of a file that a worker could not read. */
  readonly storeOf = (file: string): FileStore => {
    const store = this.#stores.get(file) ?? new CollectedStore();
    if (store.error !== null) throw store.error;
    return store;
  };

  /** Rejects with a `LostClaim` if another worker has taken over, as this one gave no sign of life: that one writes the results. */
  checkHeld(): Promise<void> {
    return this.#claim.checkHeld();
  }

  /** Ends the work of all, when the results are written. */
  async finish(): Promise<void> {
    await this.#claim.finish(JSON.stringify({ ended: new Date().toISOString() }));
  }

  /** Lets another worker complete the work. */
  async handBack(): Promise<void> {
    await this.#claim.handBack();
  }
}

/** The tiles of an input that workers did. */
class CollectedStore implements FileStore {
  highest = -1;
  error: InputError | null = null;
  readonly #tiles = new Map<number, Detections>();

  take({ from, found, highest, unreadable }: FoundSegment): void {
    this.highest = Math.max(this.highest, highest);
    if (unreadable !== undefined) {
      this.error ??= new InputError(unreadable.op, unreadable.reason, unreadable.details);
    }
    for (const [i, { boxes, scores, labels, omitted }] of found.entries()) {
      this.#tiles.set(from + i, {
        boxes: Float32Array.from(boxes),
        scores: Float32Array.from(scores),
        labels: Int32Array.from(labels),
        ...(omitted === undefined ? {} : { omitted: Float32Array.from(omitted) }),
      });
    }
  }

  get(tile: number): Detections | undefined {
    return this.#tiles.get(tile);
  }

  set(tile: number, found: Detections): void {
    this.#tiles.set(tile, found);
  }
}

const nameOf = (input: string | Raster): string => (typeof input === 'string' ? input : input.path);

const asNumbers = ({ boxes, scores, labels, omitted }: Detections): FoundSegment['found'][number] => ({
  boxes: [...boxes],
  scores: [...scores],
  labels: [...labels],
  ...(omitted === undefined ? {} : { omitted: [...omitted] }),
});

function takenOver({ piece, lost }: Claim, total: number): string {
  const what = piece < total ? `Piece ${piece} of ${total}` : 'The completion';
  return `${what} is taken over: ${lost!.worker} has given no sign of life for ${lost!.seconds} s.`;
}

/** Number of tiles of each input. Nothing of them is read: a store that has all tiles leaves nothing to do. */
async function countTiles(
  detector: Detector,
  inputs: readonly (string | Raster)[],
  { detecting, area = null }: SharedDetectionOptions,
): Promise<number[]> {
  const counts = new Map<string, number>();
  let file = '';
  const running = {
    ...detecting,
    area,
    onUnreadable: () => undefined,
    storeOf: (name: string): FileStore => {
      file = name;
      return { get: () => NOTHING, set: () => undefined };
    },
    onTiles: (_done: number, total: number) => counts.set(file, total),
  };
  for await (const _ of detectFiles(detector, inputs, running));
  return inputs.map((input) => counts.get(nameOf(input)) ?? 0);
}

/** Divides tiles into pieces of whole batches, in order; small images share a piece. */
export function piecesOf({ tiles, batch }: TilePlan): Segment[][] {
  const total = tiles.reduce((sum, count) => sum + count, 0);
  const size = batch * Math.max(1, Math.ceil(total / batch / MAX_PIECES));
  const pieces: Segment[][] = [];
  let left = 0;
  for (const [input, count] of tiles.entries()) {
    for (let from = 0; from < count;) {
      if (left < Math.min(batch, count - from)) {
        pieces.push([]);
        left = size;
      }
      const fitting = count - from <= left ? count - from : left - (left % batch);
      pieces.at(-1)!.push({ input, from, to: from + fitting });
      from += fitting;
      left -= fitting;
    }
  }
  return pieces;
}

/** Identifies what a detector computes: a hash of its weights and its description, wherever they come from. */
async function weightsHash(detector: Detector): Promise<string> {
  const { classes, spec, decoding } = detector;
  const hash = createHash('sha256').update(JSON.stringify({ classes, spec, decoding }));
  for (const [name, { shape, data }] of await readStateDict(detector.model.stateDict())) {
    hash.update(`${name} ${shape}`).update(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  }
  return hash.digest('hex').slice(0, 12);
}
