/**
 * Chooses the samples of each epoch, for example to oversample rare classes, to limit the number of empty tiles, or to
 * repeat hard negatives. The choice must depend only on the epoch and the state of the sampler, so that a resumed run
 * gets the same samples.
 */
export interface EpochSampler {
  /** Number of samples in each epoch. Constant. */
  readonly length: number;
  /** Indices of the samples of an epoch, in training order: `length` of them. May contain repetitions. */
  indices(epoch: number): readonly number[];
  /**
   * Receives the difficulty of samples without objects by index: the highest score of a false detection in each, from 0
   * to 1. Later epochs should oversample the difficult ones. Called between epochs.
   */
  setDifficulty?(difficulty: ReadonlyMap<number, number>): void;
  /** Everything that `indices` depends on, except the epoch, as text for `restore`. */
  state(): string;
  /** Restores a state. Throws an Error if the state belongs to other samples or settings. */
  restore(state: string): void;
}

/**
 * The indices of an epoch. Throws a RangeError unless there are `sampler.length` of them, all from the training
 * samples.
 */
export function indicesOfEpoch(sampler: EpochSampler, epoch: number, train: readonly number[]): readonly number[] {
  const indices = sampler.indices(epoch);
  if (indices.length !== sampler.length) {
    throw new RangeError(
      `sampler: epoch ${epoch} has ${indices.length} samples, expected ${sampler.length} (sampler.length)`,
    );
  }
  const allowed = new Set(train);
  const unknown = indices.find((index) => !allowed.has(index));
  if (unknown !== undefined) {
    throw new RangeError(
      `sampler: epoch ${epoch} has sample ${unknown}, which is not one of the ${train.length} training samples: ` +
        'make the sampler for split.train',
    );
  }
  return indices;
}
