import { checkInteger, checkNumber, checkSeed } from '../common/check.ts';
import { hash32, Random } from '../common/random.ts';
import { numeric, orNone, withDefaults, type Group, type GroupValues } from '../common/settings.ts';
import { describeSample, type Dataset } from './types.ts';

/** A sample to draw from. */
export interface Candidate {
  /** Position in the data set. */
  readonly index: number;
  /** Class of each of its objects. */
  readonly labels: ArrayLike<number>;
}

/** The settings of sampling. */
export const samplingSettings = {
  /**
   * Maximum fraction of samples without objects in an epoch; which of them varies from epoch to epoch. Null: all, each once.
   * Nearly all tiles of large images can be empty, and training soon learns nothing new from them.
   */
  emptyShare: orNone(numeric(0.25, 'maximum fraction of empty images per epoch', { min: 0, max: 0.99 })),
  /**
   * Oversamples samples with a class that is present in fewer than this fraction of the samples with objects; rarer classes
   * more. This is the repeat-factor sampling of LVIS (Gupta, Dollar and Girshick, 2019) with threshold t, which was 0.001
   * for 1203 classes; with few classes, 0.1 to 0.5 makes a difference. Null: each sample once.
   */
  classBalance: orNone(
    numeric(0.2, 'oversamples images of classes present in fewer than this fraction of images (LVIS repeat factors)', {
      min: 0.001,
      max: 1,
    }),
  ),
} as const satisfies Group;

/** How `BalancedSampler` composes an epoch. */
export interface SamplingOptions extends Partial<GroupValues<typeof samplingSettings>> {
  /** Default 0. */
  readonly seed?: number;
}

/**
 * Chooses the samples of each epoch. All epochs have the same length: every sample with objects at least once, or more often
 * if it has a rare class, and a bounded number of samples without objects, difficult ones more often once `setDifficulty`
 * was called. The same seed, epoch and difficulties give the same shuffled list.
 */
export class BalancedSampler {
  /** Number of samples in an epoch. */
  readonly length: number;
  readonly #seed: number;
  /** Positions of samples with objects. */
  readonly #full: readonly number[];
  /** Mean number of occurrences of each of them in an epoch. */
  readonly #repeats: readonly number[];
  /** Number of samples with objects in an epoch. */
  readonly #repeated: number;
  /** Positions of samples without objects. */
  readonly #empty: readonly number[];
  /** Hash of samples and options, so that a state is not restored into another sampler. */
  readonly #mark: string;
  #difficulty = new Map<number, number>();

  /**
   * @throws RangeError for options out of range, a position that occurs twice, and if no sample has an object
   */
  constructor(candidates: readonly Candidate[], options: SamplingOptions = {}) {
    const { seed = 0 } = options;
    checkSeed('BalancedSampler', seed);
    const { emptyShare, classBalance } = withDefaults(samplingSettings, options);
    if (emptyShare !== null && !(emptyShare >= 0 && emptyShare < 1)) {
      throw new RangeError(`BalancedSampler: emptyShare is ${emptyShare}, expected a number >= 0 and < 1`);
    }
    if (classBalance !== null) checkNumber('BalancedSampler', 'classBalance', classBalance, { above: 0, max: 1 });
    const twice = firstTwice(candidates.map(({ index }) => index));
    if (twice !== undefined) {
      throw new RangeError(`BalancedSampler: sample ${twice} occurs twice, expected each position once`);
    }
    const full = candidates.filter(({ labels }) => labels.length > 0);
    if (full.length === 0) {
      throw new RangeError(
        `BalancedSampler: none of ${candidates.length} samples has an object, expected at least one`,
      );
    }
    this.#seed = seed;
    this.#full = full.map(({ index }) => index);
    this.#empty = candidates.filter(({ labels }) => labels.length === 0).map(({ index }) => index);
    const factors = repeatFactors(
      full.map(({ labels }) => labels),
      classBalance,
    );
    // Rounded up, and the factors scaled with it, so that the length is an integer and no factor falls below 1.
    const sum = factors.reduce((a, b) => a + b, 0);
    this.#repeated = Math.ceil(sum - 1e-9);
    this.#repeats = factors.map((factor) => (factor * this.#repeated) / sum);
    const most = emptyShare === null ? Infinity : Math.floor((this.#repeated * emptyShare) / (1 - emptyShare) + 1e-9);
    this.length = this.#repeated + Math.min(this.#empty.length, most);
    this.#mark = `${hash32(this.length, ...this.#full, 'empty', ...this.#empty, ...factors)}`;
  }

  /** Positions of the samples of an epoch, shuffled. Throws a RangeError unless `epoch` is an integer >= 0. */
  indices(epoch: number): readonly number[] {
    checkInteger('BalancedSampler.indices', 'epoch', epoch, { min: 0 });
    const random = new Random('sampling', this.#seed, epoch);
    return random.shuffle([...this.#drawFull(random), ...this.#drawEmpty(random)]);
  }

  /**
   * Sets the difficulty of samples without objects by position, for example the highest score of a false detection. They
   * are drawn in proportion to it. A sample of unknown difficulty has the mean of the others; the minimum is a tenth of the
   * mean, so that easy samples are not forgotten. Later calls add to earlier ones; samples with objects are ignored.
   *
   * @throws RangeError for a position that the sampler does not have, and for a difficulty that is not finite and >= 0
   */
  setDifficulty(difficulty: ReadonlyMap<number, number>): void {
    const op = 'BalancedSampler.setDifficulty';
    const known = new Set([...this.#full, ...this.#empty]);
    for (const [index, value] of difficulty) {
      if (!known.has(index)) throw new RangeError(`${op}: sample ${index} is not among those of the sampler`);
      checkNumber(op, `the difficulty of sample ${index}`, value, { min: 0, finite: true });
    }
    const empty = new Set(this.#empty);
    for (const [index, value] of difficulty) if (empty.has(index)) this.#difficulty.set(index, value);
  }

  /** The difficulties set so far, as text to be kept with a checkpoint. */
  state(): string {
    return JSON.stringify({ samples: this.#mark, hardness: [...this.#difficulty].sort(([a], [b]) => a - b) });
  }

  /**
   * Continues as the sampler that `state` came from. Throws an Error if that had other samples or options.
   */
  restore(state: string): void {
    const { samples, hardness } = JSON.parse(state) as { samples?: string; hardness?: [number, number][] };
    if (samples !== this.#mark || !Array.isArray(hardness)) {
      throw new Error(
        'BalancedSampler.restore: the state belongs to other samples or options, expected those that it was made with',
      );
    }
    this.#difficulty = new Map();
    this.setDifficulty(new Map(hardness));
  }

  /** Systematic sampling: each sample occurs its mean rounded down or up, and the total is fixed. */
  #drawFull(random: Random): number[] {
    const order = random.shuffle(this.#full.map((_, i) => i));
    const offset = random.uniform();
    const drawn: number[] = [];
    let sum = 0;
    for (const i of order) {
      sum += this.#repeats[i]!;
      while (drawn.length + offset < sum && drawn.length < this.#repeated) drawn.push(this.#full[i]!);
    }
    // Rounding of the sum may leave one out.
    while (drawn.length < this.#repeated) drawn.push(this.#full[order[order.length - 1]!]!);
    return drawn;
  }

  /** Weighted sampling without replacement (Efraimidis and Spirakis, 2006): the largest log(u) / weight are drawn. */
  #drawEmpty(random: Random): number[] {
    // In the order of the samples, so that the sum does not depend on the order of the calls in its last digit.
    const known = this.#empty.flatMap((index) => this.#difficulty.get(index) ?? []);
    const sum = known.reduce((a, b) => a + b, 0);
    // If nothing is known, or nothing is difficult, all are equal.
    const mean = sum > 0 ? sum / known.length : 1;
    const keys = this.#empty.map((index): readonly [index: number, key: number] => {
      const weight = Math.max(this.#difficulty.get(index) ?? mean, mean / 10);
      return [index, Math.log(1 - random.uniform()) / weight];
    });
    keys.sort((a, b) => b[1] - a[1]);
    return keys.slice(0, this.length - this.#repeated).map(([index]) => index);
  }
}

/** A sampler over some samples of a data set, with their objects from `describeSample`. */
export async function balancedSampler(
  dataset: Dataset,
  indices: readonly number[],
  options: SamplingOptions = {},
): Promise<BalancedSampler> {
  const candidates: Candidate[] = [];
  for (const index of indices) candidates.push({ index, labels: (await describeSample(dataset, index)).labels });
  return new BalancedSampler(candidates, options);
}

/** For each sample the maximum over its classes of max(1, sqrt(t / fraction of samples with the class)). */
function repeatFactors(samples: readonly ArrayLike<number>[], threshold: number | null): number[] {
  if (threshold === null) return samples.map(() => 1);
  const classes = samples.map((labels) => new Set(Array.from(labels)));
  const counts = new Map<number, number>();
  for (const own of classes) for (const label of own) counts.set(label, (counts.get(label) ?? 0) + 1);
  return classes.map((own) =>
    Math.max(1, ...[...own].map((label) => Math.sqrt((threshold * samples.length) / counts.get(label)!))),
  );
}

function firstTwice(values: readonly number[]): number | undefined {
  const seen = new Set<number>();
  return values.find((value) => seen.size === seen.add(value).size);
}
