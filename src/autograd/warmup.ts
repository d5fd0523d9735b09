import { optionsOf } from '../common/check.ts';
import { inDryRun, ReadInDryRun } from '../tensor/dry-run.ts';

export interface WarmupOptions {
  /** Called at the start and after each kernel is compiled. */
  readonly onProgress?: (progress: WarmupProgress) => void;
}

/** Numbers of kernels. */
export interface WarmupProgress {
  readonly done: number;
  readonly total: number;
}

/**
 * Compiles all kernels that a function will launch, in parallel and without blocking, so that the first call is as fast as
 * later ones and a page stays responsive. Without it, each is compiled at its first launch.
 *
 *     await warmup(() => {
 *       backward(loss(model.forward(images)));
 *       optimizer.step();
 *     }, { onProgress: ({ done, total }) => (bar.value = done / total) });
 *
 * The function is called once in a dry run: nothing is computed, and afterwards parameters, gradients, running statistics,
 * the states of optimisers, schedulers and averages, and the stream of seeds are as before. All tensors that it makes are
 * disposed, also those that it keeps: a cache of its own must be filled before. Other changes on the host, such as counters of
 * its own, are not undone. Which kernels are needed depends on the shapes: give it those that will be used.
 *
 * @param fn may be asynchronous, as `model.detect`: it is followed up to its first `await`, and may only read there
 * @throws what `fn` throws; GpuValidationError if a kernel does not compile
 *
 * @example
 * const layer = new Linear(4, 2);
 * const x = zeros([1, 4]);
 * let last;
 * await warmup(() => relu(layer.forward(x)), { onProgress: (progress) => (last = progress) });
 * console.log(last.done === last.total); // true
 */
export async function warmup(fn: () => unknown, options: WarmupOptions = {}): Promise<void> {
  const { onProgress } = optionsOf('warmup', options, { onProgress: undefined });
  const { result, kernels } = inDryRun(fn);
  if (result instanceof Promise) {
    await result.catch((error: unknown) => {
      if (!(error instanceof ReadInDryRun)) throw error;
    });
  }
  const total = kernels.size;
  let done = 0;
  onProgress?.({ done, total });
  await Promise.all(
    [...kernels.values()].map(async (compile) => {
      await compile();
      onProgress?.({ done: ++done, total });
    }),
  );
}
