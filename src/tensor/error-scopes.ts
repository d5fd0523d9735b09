import { DeviceLostError, toGpuError, type GpuError } from './errors.ts';

/**
 * Milliseconds that an error waits for the news that the device is lost. What fails because of a loss often reports another
 * reason, such as no memory for a few bytes, before the loss itself is reported.
 */
const LOSS_GRACE = 100;

/**
 * Holds what the driver reports until the next call on the device throws it. The driver answers late: an error scope
 * returns a promise, and errors outside of any scope arrive as events.
 */
export class ErrorScopes {
  readonly #gpu: GPUDevice;
  #error: Error | null = null;
  /** Whether `#error` came from a scope: then it is the cause, and errors outside of scopes may be its effects. */
  #isCause = false;
  /** Scopes whose answer has not arrived, and errors that wait for the news of a loss. */
  readonly #pending = new Set<Promise<void>>();
  #lost: DeviceLostError | null = null;
  readonly #loss: Promise<void>;

  /** @param context says which commands were under way, for errors that name none */
  constructor(gpu: GPUDevice, context: () => string) {
    this.#gpu = gpu;
    // Dawn prints uncaptured errors to standard output; preventDefault stops that, because `check` throws them.
    gpu.addEventListener('uncapturederror', (event) => {
      event.preventDefault();
      const error = toGpuError((event as GPUUncapturedErrorEvent).error, context());
      this.#await(
        this.lossOr(error).then((found) => {
          this.#error ??= found;
        }),
      );
    });
    this.#loss = gpu.lost.then(({ reason, message: detail }) => {
      this.lose(new DeviceLostError(context(), `the device was lost (${reason}): ${detail}`, { reason, detail }));
    });
  }

  /** Throws if an error has arrived or the device is lost. While a scope is open, its answer may be the real cause. */
  check(): void {
    // Whatever failed since, failed because of the loss.
    if (this.#lost !== null) throw this.#lost;
    if (this.#error !== null && this.#pending.size === 0) {
      const error = this.#error;
      this.#error = null;
      this.#isCause = false;
      throw error;
    }
  }

  /** Resolves when every open scope has answered. */
  async settled(): Promise<void> {
    while (this.#pending.size > 0) await Promise.all(this.#pending);
  }

  /** Makes every later `check` throw `error`. */
  lose(error: DeviceLostError): void {
    this.#lost ??= error;
  }

  /** The loss of the device, if it is lost or that is reported in a moment; otherwise `error`. */
  async lossOr(error: GpuError): Promise<GpuError> {
    await this.#noticeLoss();
    return this.#lost ?? error;
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
        const explained = await this.lossOr(await explain(error));
        if (isFirst) this.#error = explained;
      },
      () => this.#noticeLoss(), // The device was lost, which `check` reports.
    );
    this.#await(answer);
  }

  /** Gives a loss the time to be reported. */
  async #noticeLoss(): Promise<void> {
    // In Node, Dawn delivers news only while a promise is pending.
    void this.#gpu.queue.onSubmittedWorkDone().catch(() => undefined);
    await Promise.race([this.#loss, new Promise((resolve) => void setTimeout(resolve, LOSS_GRACE))]);
  }

  /** Errors are held back until a promise has resolved. */
  #await(promise: Promise<void>): void {
    this.#pending.add(promise);
    void promise.finally(() => this.#pending.delete(promise));
  }
}
