// A training run in the browser's private file system (OPFS): what `RunFolder` is in Node. Everything is written when the
// library asks for it, so that a reload, a crash or a full storage costs the steps since the last state, which are computed
// again with the same bits.
import { decodeSafetensors, encodeSafetensors, type SafetensorsFile } from 'retinagrad';
import { encodeDetector, type DetectorDescription, type RunRecord, type RunStore } from 'retinagrad/detector';
import { writeAll, type Handle, type SlotFile } from './slot-file.ts';

type Tensors = Parameters<typeof encodeSafetensors>[0];
type Reached = Parameters<RunStore['restoreRecords']>[0];
type OnWarning = (text: string) => void;

/** Files that are replaced as a whole, each in two slots. */
export const REPLACED = ['state', 'best', 'last'] as const;
export const METRICS = 'metrics.jsonl';

export type Replaced = (typeof REPLACED)[number];

/** The files of the two slots of a name. */
export const slotNames = (name: Replaced): [string, string] => [`${name}.a`, `${name}.b`];

/** What a run is stored in. */
export interface RunFiles extends Readonly<Record<Replaced, SlotFile>> {
  readonly metrics: Handle;
}

/** A run in storage. The newest two states are kept: the slots of the state. */
export class OpfsRun implements RunStore {
  /** Name, for messages. */
  readonly path: string;
  readonly #files: RunFiles;
  #records: { readonly record: RunRecord; readonly end: number }[];

  constructor(path: string, files: RunFiles) {
    this.path = path;
    this.#files = files;
    this.#records = readRecords(files.metrics);
  }

  get records(): readonly RunRecord[] {
    return this.#records.map(({ record }) => record);
  }

  get hasState(): boolean {
    return this.#files.state.isWritten;
  }

  get isUsed(): boolean {
    return this.hasState || this.#records.length > 0;
  }

  // The open handles are the reservation.
  acquire(): () => void {
    return () => undefined;
  }

  begin(): void {}

  append(record: RunRecord): void {
    const line = new TextEncoder().encode(`${JSON.stringify(record)}\n`);
    const start = this.#records.at(-1)?.end ?? 0;
    writeAll(this.#files.metrics, line, start);
    this.#records.push({ record, end: start + line.length });
  }

  /** What is computed again stands at the end of the file, which is cut off. */
  restoreRecords(reached: Reached): void {
    const first = this.#records.findIndex(({ record }) => !isReached(record, reached));
    if (first >= 0) this.#records = this.#records.slice(0, first);
    this.#files.metrics.truncate(this.#records.at(-1)?.end ?? 0);
    this.#files.metrics.flush();
  }

  saveState(tensors: Tensors, metadata: Readonly<Record<string, string>>): void {
    // First, so that no state is newer than its records.
    this.#files.metrics.flush();
    this.#files.state.write(encodeSafetensors(tensors, metadata));
  }

  loadState(onWarning: OnWarning): SafetensorsFile | null {
    let reason: string | null = null;
    for (const bytes of this.#files.state.contents()) {
      try {
        const state = decodeSafetensors(bytes, `the state of ${this.path}`);
        if (reason !== null) onWarning(`${reason}. The run continues from the state before it.`);
        return state;
      } catch (error) {
        reason = error instanceof Error ? error.message : String(error);
      }
    }
    if (reason === null) return null;
    throw new Error(`${reason}; there is no other state: start a new run`);
  }

  saveDetector(which: 'best' | 'last', weights: Tensors, description: DetectorDescription): void {
    this.#files[which].write(encodeDetector(weights, description));
  }

  hasDetector(which: 'best' | 'last'): boolean {
    return this.detector(which) !== null;
  }

  /** The file of a detector, as `Detector.fromBytes` reads it; null if it is missing or damaged. */
  detector(which: 'best' | 'last'): Uint8Array<ArrayBuffer> | null {
    for (const bytes of this.#files[which].contents()) {
      try {
        decodeSafetensors(bytes);
        return bytes;
      } catch {
        // The slot before it may be whole.
      }
    }
    return null;
  }

  async saveResults(): Promise<void> {}

  close(): void {
    for (const name of REPLACED) this.#files[name].close();
    this.#files.metrics.close();
  }
}

const isReached = ({ kind, step }: RunRecord, { steps, lastEvaluatedStep }: Reached): boolean =>
  step <= (kind === 'evaluation' ? lastEvaluatedStep : steps);

/** The records of a file, with the position where each ends. A crash leaves at most the last line incomplete. */
function readRecords(file: Handle): { record: RunRecord; end: number }[] {
  const bytes = new Uint8Array(file.getSize());
  file.read(bytes, { at: 0 });
  const records: { record: RunRecord; end: number }[] = [];
  for (let start = 0, end: number; (end = bytes.indexOf(10, start) + 1) > 0; start = end) {
    const record = parseRecord(new TextDecoder().decode(bytes.subarray(start, end)));
    if (record === null) break;
    records.push({ record, end });
  }
  return records;
}

/** A line of metrics.jsonl; null if it is not whole. */
export function parseRecord(line: string): RunRecord | null {
  try {
    return JSON.parse(line) as RunRecord;
  } catch {
    return null;
  }
}
