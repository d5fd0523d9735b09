import { GpuOutOfMemoryError, formatBytes, toGpuError, type DeviceLostError, type GpuError } from './errors.ts';

/**
 * Holds what the driver reports until the next call on the device throws it. The driver answers late: an error scope
 * returns a promise, and errors outside of any scope arrive as events.
 */
export class ErrorScopes {
  readonly #gpu: GPUDevice;
  #error: Error | null = null;
  /** Whether `#error` came from a scope: then it is the cause, and errors outside of scopes may be its effects. */
  #isCause = false;
  /** Scopes whose answer has not arrived. */
  readonly #pending = new Set<Promise<void>>();
  #lost: DeviceLostError | null = null;

  /** @param context says which commands were under way, for errors that name none */
  constructor(gpu: GPUDevice, context: () => string) {
    this.#gpu = gpu;
    // Dawn prints uncaptured errors to standard output; preventDefault stops that, because `check` throws them.
    gpu.addEventListener('uncapturederror', (event) => {
      event.preventDefault();
      this.#error ??= toGpuError((event as GPUUncapturedErrorEvent).error, context());
    });
  }

  /** Throws if an error has arrived or the device is lost. While a scope is open, its answer may be the real cause. */
  check(): void {
    if (this.#error !== null && this.#pending.size === 0) {
      const error = this.#error;
      this.#error = null;
      this.#isCause = false;
      throw error;
    }
    if (this.#lost !== null) throw this.#lost;
  }

  /** Resolves when every open scope has answered. */
  async settled(): Promise<void> {
    while (this.#pending.size > 0) await Promise.all(this.#pending);
  }

  /** Makes every later `check` throw `error`. */
  lose(error: DeviceLostError): void {
    this.#lost ??= error;
  }

  /** Runs `create` and turns every error that the driver reports about it into a typed one that names `operation`. */
  guard<T>(operation: string, bytes: number, create: () => T): T {
    return this.watch(create, (error) =>
      error.constructor.name === 'GPUOutOfMemoryError'
        ? new GpuOutOfMemoryError(operation, bytes, `no room for ${formatBytes(bytes)}: ${error.message}`)
        : toGpuError(error, operation),
    );
  }

  /** Runs `work`; `explain` turns every error that the driver reports about it into a typed one. */
  watch<T>(work: () => T, explain: (error: GPUError) => GpuError | Promise<GpuError>): T {
    const filters: GPUErrorFilter[] = ['validation', 'out-of-memory', 'internal'];
    for (const filter of filters) this.#gpu.pushErrorScope(filter);
    try {
      return work();
    } finally {
      for (let i = 0; i < filters.length; i++) this.#popScope(explain);
    }
  }

  #popScope(explain: (error: GPUError) => GpuError | Promise<GpuError>): void {
    const answer = this.#gpu.popErrorScope().then(
      async (error) => {
        if (error === null) return;
        // The first error is the cause; later ones, in scopes or outside of them, are its effects.
        const isFirst = !this.#isCause;
        this.#isCause = true;
        const explained = await explain(error);
        if (isFirst) this.#error = explained;
      },
      () => undefined, // The device was lost, which `check` reports.
    );
    this.#pending.add(answer);
    void answer.finally(() => this.#pending.delete(answer));
  }
}
