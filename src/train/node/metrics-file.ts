import { appendFileSync, closeSync, existsSync, fsyncSync, openSync, readFileSync } from 'node:fs';
import { isRecord } from '../../common/check.ts';
import { InputError } from '../../common/errors.ts';
import { replaceFile, writeError } from '../../common/node/replace-file.ts';
import { isReached } from '../reached-steps.ts';
import type { OnWarning, ReachedSteps, RunRecord } from '../run-store.ts';

const OP = 'trainDetector';

/**
 * metrics.jsonl: a record per line. Lines are appended as they come and flushed to the disk by `flush`, which is called before
 * each state is saved; what a power failure takes of the others is computed again.
 */
export class MetricsFile {
  readonly #path: string;
  #records: RunRecord[] = [];
  /** Whether the last line may be incomplete, because the disk was full. */
  #isTorn = false;

  constructor(path: string) {
    this.#path = path;
  }

  get records(): readonly RunRecord[] {
    return this.#records;
  }

  append(record: RunRecord): void {
    this.#records.push(record);
    try {
      if (!this.#isTorn) appendFileSync(this.#path, lineOf(record));
    } catch (error) {
      this.#isTorn = true;
      throw writeError(OP, this.#path, error);
    }
  }

  /** Makes the file hold all records, also after a power failure. */
  flush(): void {
    if (this.#isTorn || !existsSync(this.#path)) return this.#rewrite();
    const file = openSync(this.#path, 'r+');
    try {
      fsyncSync(file);
    } catch (error) {
      throw writeError(OP, this.#path, error);
    } finally {
      closeSync(file);
    }
  }

  /** Reads the file and drops the records after a state. A crash leaves at most the last line incomplete. */
  restore(reached: ReachedSteps, onWarning: OnWarning): void {
    const { steps } = reached;
    const lines = existsSync(this.#path) ? readFileSync(this.#path, 'utf8').split('\n') : [];
    this.#records = lines.flatMap((line, i) => {
      if (line === '') return [];
      const record = recordOf(line);
      if (record !== null) return isReached(record, reached) ? [record] : [];
      if (i === lines.length - 1) return [];
      throw new InputError(
        OP,
        `line ${i + 1} is damaged; delete the line and resume again, which draws no point for it`,
        {
          file: this.#path,
        },
      );
    });
    const found = new Set(this.#records.filter(({ kind }) => kind === 'step').map(({ step }) => step)).size;
    if (found < steps) onWarning(`${this.#path} has ${found} of ${steps} steps: the charts lack the others`);
    this.#rewrite();
  }

  #rewrite(): void {
    replaceFile(OP, this.#path, this.#records.map(lineOf).join(''));
    this.#isTorn = false;
  }
}

const lineOf = (record: RunRecord): string => `${JSON.stringify(record)}\n`;

function recordOf(line: string): RunRecord | null {
  try {
    const record: unknown = JSON.parse(line);
    return isRecord(record) && typeof record['step'] === 'number' ? (record as unknown as RunRecord) : null;
  } catch {
    return null;
  }
}
