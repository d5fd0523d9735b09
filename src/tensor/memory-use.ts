/** What a buffer of the GPU holds. */
export const memoryUses = ['weights', 'gradients', 'optimizer', 'averages', 'activations', 'other'] as const;
export type MemoryUse = (typeof memoryUses)[number];

/**
 * Bytes by what they hold. `activations` are what operations saved for `backward`; `optimizer` is the state of optimisers;
 * `averages` are averaged weights (`ExponentialMovingAverage`); `other` is the rest: input, results and workspaces.
 */
export type MemoryUses = { readonly [Use in MemoryUse]: number };

/** Counters of what a device holds and has done. */
export interface MemoryReport {
  /** Live storages of tensors. */
  readonly tensors: number;
  /** Bytes of live storages, rounded up to the pool's size classes. */
  readonly bytes: number;
  /** `bytes` by what they hold. */
  readonly uses: MemoryUses;
  /** Largest value of `bytes` since the start or `device.resetPeak()`. */
  readonly peakBytes: number;
  /** Bytes kept for reuse. */
  readonly pooledBytes: number;
  /** Bytes that recordings (`Recorded`) keep for their next run, beside those in `bytes`. */
  readonly recordedBytes: number;
  /** GPU buffers in use or kept for reuse. */
  readonly buffers: number;
}
