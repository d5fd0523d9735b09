// Which parts of the readers have run, as V8 counts them: it needs no package and no instrumented copy of the source.
import { Session } from 'node:inspector';

interface Script {
  readonly url: string;
  readonly functions: readonly {
    readonly ranges: readonly { readonly startOffset: number; readonly endOffset: number; readonly count: number }[];
  }[];
}

/** Code of the readers and of the packages that they use. */
const isOfReaders = (url: string): boolean => /^file:.*\/(src|node_modules)\//.test(url) && !url.includes('/tsx/');

/**
 * The blocks of code that have run. Only modules that are imported after it was made are counted by blocks; WebAssembly is not
 * counted.
 */
export class Coverage {
  readonly #session = new Session();
  /** For each function, by its place, 1 for each character of its source that has run. */
  readonly #covered = new Map<string, Uint8Array>();
  #characters = 0;

  constructor() {
    this.#session.connect();
    this.#post('Profiler.enable');
    this.#post('Profiler.startPreciseCoverage', { callCount: true, detailed: true });
  }

  close(): void {
    this.#session.disconnect();
  }

  /** Number of characters of source that have run since the first `add`. */
  get characters(): number {
    return this.#characters;
  }

  /** Whether anything has run since the last call that has never run before; `keep` to know it from now on. */
  add({ keep }: { readonly keep: boolean }): boolean {
    let isNew = false;
    for (const { url, functions } of this.#post('Profiler.takePreciseCoverage').result) {
      if (!isOfReaders(url)) continue;
      for (const { ranges } of functions) isNew = this.#addFunction(url, ranges, keep) || isNew;
    }
    return isNew;
  }

  #addFunction(url: string, ranges: Script['functions'][number]['ranges'], keep: boolean): boolean {
    const { startOffset: start, endOffset: end, count } = ranges[0]!;
    // The function that starts a script is the body of its module, which runs when it is loaded.
    if (count === 0 || start === 0) return false;
    // Ranges inside others come later, and say what differs.
    const ran = new Uint8Array(end - start);
    for (const range of ranges) ran.fill(range.count > 0 ? 1 : 0, range.startOffset - start, range.endOffset - start);
    const key = `${url} ${start} ${end}`;
    const known = this.#covered.get(key) ?? new Uint8Array(end - start);
    let added = 0;
    for (const [at, hit] of ran.entries()) {
      if (hit === 0 || known[at] === 1) continue;
      added++;
      if (keep) known[at] = 1;
    }
    if (keep) {
      this.#covered.set(key, known);
      this.#characters += added;
    }
    return added > 0;
  }

  #post(method: string, parameters: object = {}): { readonly result: readonly Script[] } {
    let answer: unknown;
    // The answer comes before `post` returns.
    this.#session.post(method, parameters, (error, result) => {
      if (error !== null) throw new Error(`${method}: ${error.message}`);
      answer = result;
    });
    return answer as { readonly result: readonly Script[] };
  }
}
