import { appendFile, readFile, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { createFolder, writeError, writing } from '../../common/node/replace-file.ts';
import type { TileStore } from '../../detector/detect-raster.ts';
import type { Detections } from '../../imagery/types.ts';

const OP = 'predict';

/** A line of the journal: what was found in a tile of a file. */
interface Entry {
  readonly file: string;
  readonly tile: number;
  readonly boxes: readonly number[];
  readonly scores: readonly number[];
  readonly labels: readonly number[];
  readonly omitted?: readonly number[];
}

/**
 * What an interrupted prediction has found so far: a file with a line of JSON for its settings and one for each tile, which
 * is appended when the tile is done. A process that is killed loses the tiles at work, and nothing else.
 */
export class TileJournal {
  readonly #path: string;
  readonly #entries = new Map<string, Detections>();
  /** Lines are written one after the other. */
  #writing: Promise<void> = Promise.resolve();

  private constructor(path: string) {
    this.#path = path;
  }

  /**
   * Opens the journal at `path`. The tiles in it are taken over if it was written with the same settings; otherwise it is
   * replaced.
   *
   * @param settings what the result depends on, such as weights, tile and threshold
   */
  static async open(path: string, settings: object): Promise<TileJournal> {
    const journal = new TileJournal(path);
    const header = JSON.stringify(settings);
    const text = await readFile(path, 'utf8').catch(() => '');
    const lines = text.split('\n');
    if (lines[0] === header) {
      // The last line is empty, or was cut when the process ended.
      for (const line of lines.slice(1, -1)) journal.#take(line);
      // What follows a cut line must not be appended to it.
      if (lines.at(-1) !== '') await writing(OP, path, () => appendFile(path, '\n'));
      return journal;
    }
    await writing(OP, path, async () => {
      createFolder(dirname(path));
      await rm(path, { force: true });
    });
    await journal.#append(header);
    return journal;
  }

  /** Number of tiles that were taken over or done. */
  get tiles(): number {
    return this.#entries.size;
  }

  /** The tiles of one file, which is named with what tells whether it has changed, such as its size and date. */
  storeOf(file: string): TileStore {
    return {
      get: (tile) => this.#entries.get(keyOf(file, tile)),
      set: async (tile, found) => {
        this.#entries.set(keyOf(file, tile), found);
        const { boxes, scores, labels, omitted } = found;
        const entry: Entry = {
          file,
          tile,
          boxes: [...boxes],
          scores: [...scores],
          labels: [...labels],
          ...(omitted === undefined ? {} : { omitted: [...omitted] }),
        };
        await this.#append(JSON.stringify(entry));
      },
    };
  }

  /** Removes the file, when all results are written elsewhere. */
  async remove(): Promise<void> {
    await this.#writing;
    await rm(this.#path, { force: true });
  }

  #take(line: string): void {
    let entry: Partial<Entry>;
    try {
      entry = JSON.parse(line) as Partial<Entry>;
    } catch {
      return;
    }
    const { file, tile, boxes, scores, labels, omitted } = entry;
    if (file === undefined || tile === undefined || boxes === undefined || scores === undefined || labels === undefined)
      return;
    if (boxes.length !== 4 * scores.length || labels.length !== scores.length) return;
    this.#entries.set(keyOf(file, tile), {
      boxes: Float32Array.from(boxes),
      scores: Float32Array.from(scores),
      labels: Int32Array.from(labels),
      ...(omitted === undefined ? {} : { omitted: Float32Array.from(omitted) }),
    });
  }

  #append(line: string): Promise<void> {
    this.#writing = this.#writing
      .then(() => appendFile(this.#path, `${line}\n`))
      .catch((error: unknown) => {
        throw writeError(OP, this.#path, error);
      });
    return this.#writing;
  }
}

const keyOf = (file: string, tile: number): string => `${tile} ${file}`;
