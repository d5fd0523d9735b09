import { undoAfterDryRun } from '../tensor/dry-run.ts';

/** Number of image sizes for which something is kept. */
const MAX_SIZES = 16;

/** What depends on the size of the images only, and holds GPU memory: made once for each size, forgotten when there are many. */
export class PerSize<T extends { dispose(): void }> {
  #values = new Map<string, T>();

  /** The value for a size, made by `make` if there is none. Tensors in it must not belong to a scope. */
  of(size: string, make: () => T): T {
    let value = this.#values.get(size);
    if (value === undefined) {
      const before = new Map(this.#values);
      undoAfterDryRun(() => (this.#values = before));
      if (this.#values.size >= MAX_SIZES) this.dispose();
      value = make();
      this.#values.set(size, value);
    }
    return value;
  }

  /** Forgets all values. */
  dispose(): void {
    for (const value of this.#values.values()) value.dispose();
    this.#values.clear();
  }
}
