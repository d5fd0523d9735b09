/**
 * Chooses the samples of each epoch: how often each class is seen, how many tiles without objects, which mistakes are
 * repeated. What it gives must depend on the epoch and its own state alone, so that a resumed run sees the same samples.
 */
export interface EpochSampler {
  /** Samples of every epoch. Constant. */
  readonly length: number;
  /** Positions in the data set, `length` of them, in the order in which they are trained on. A sample may come twice. */
  indices(epoch: number): readonly number[];
  /**
   * Takes in how hard samples without objects are, by position in the data set: the highest score of a false detection
   * in each, from 0 to 1. Later epochs should show the hard ones more often. Called between epochs.
   */
  setDifficulty?(difficulty: ReadonlyMap<number, number>): void;
  /** All that `indices` depends on beside the epoch, as text that `restore` takes. */
  state(): string;
  /** Goes back to a state. Throws an Error when it was made with other samples or settings. */
  restore(state: string): void;
}

/** The samples of an epoch, checked: as many as promised, and none that is held out. */
export function indicesOfEpoch(sampler: EpochSampler, epoch: number, train: readonly number[]): readonly number[] {
  const indices = sampler.indices(epoch);
  if (indices.length !== sampler.length) {
    throw new RangeError(`sampler: epoch ${epoch} has ${indices.length} samples, expected length, ${sampler.length}`);
  }
  const allowed = new Set(train);
  const stranger = indices.find((index) => !allowed.has(index));
  if (stranger !== undefined) {
    throw new RangeError(
      `sampler: epoch ${epoch} has sample ${stranger}, which is not among the ${train.length} to train on: ` +
        'make the sampler with split.train',
    );
  }
  return indices;
}
