import { encodeDetector, type DetectorDescription } from '../detector/detector.ts';
import type { HostTensor } from '../nn/module.ts';
import { decodeSafetensors, encodeSafetensors, type SafetensorsFile } from '../weights/safetensors.ts';
import { isReached } from './reached-steps.ts';
import type { ReachedSteps, RunRecord, RunStore } from './run-store.ts';

/** A training run in memory: for browsers, and for programs that write their own files. */
export class MemoryRun implements RunStore {
  readonly path: string;
  /** Contents of the files, by the names that `RunFolder` gives them without the extension. */
  readonly files = new Map<'state' | 'best' | 'last', Uint8Array>();
  #records: RunRecord[] = [];

  constructor(path = 'memory') {
    this.path = path;
  }

  get records(): readonly RunRecord[] {
    return this.#records;
  }

  get hasState(): boolean {
    return this.files.has('state');
  }

  get isUsed(): boolean {
    return this.hasState || this.#records.length > 0;
  }

  acquire(): () => void {
    return () => undefined;
  }

  begin(): void {}

  append(record: RunRecord): void {
    this.#records.push(record);
  }

  restoreRecords(reached: ReachedSteps): void {
    this.#records = this.#records.filter((record) => isReached(record, reached));
  }

  saveState(tensors: ReadonlyMap<string, HostTensor>, metadata: Readonly<Record<string, string>>): void {
    this.files.set('state', encodeSafetensors(tensors, metadata));
  }

  loadState(): SafetensorsFile | null {
    const bytes = this.files.get('state');
    return bytes === undefined ? null : decodeSafetensors(bytes, this.path);
  }

  saveDetector(
    which: 'best' | 'last',
    weights: ReadonlyMap<string, HostTensor>,
    description: DetectorDescription,
  ): void {
    this.files.set(which, encodeDetector(weights, description));
  }

  hasDetector(which: 'best' | 'last'): boolean {
    return this.files.has(which);
  }

  async saveResults(): Promise<void> {}
}
