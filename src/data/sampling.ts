import { hash32, Random } from '../common/random.ts';
import { numeric, orNone, withDefaults, type Group, type GroupValues } from '../common/settings.ts';
import { describeSample, type Dataset } from './types.ts';

/** A sample to draw from. */
export interface Candidate {
  /** Position in the data set. */
  readonly index: number;
  /** Classes of its objects; none where it is empty. */
  readonly labels: ArrayLike<number>;
}

/** The settings of sampling. */
export const samplingSettings = {
  /**
   * Maximum fraction of an epoch that samples without objects have, others of them in each epoch. Null: all of them, each
   * once. Images cut into tiles can be nearly all empty, and what is learned from them soon repeats itself.
   */
  emptyShare: orNone(numeric(0.25, 'maximum fraction of empty images per epoch', { min: 0, max: 0.99 })),
  /**
   * Oversamples samples with a class that fewer than this fraction of the samples (with objects) have, the more the rarer
   * it is: repeat-factor sampling with threshold t of LVIS (Gupta, Dollar and Girshick, 2019), where t was 0.001 for 1203
   * classes; for few classes 0.1 to 0.5 makes a difference. Null: each once.
   */
  classBalance: orNone(
    numeric(0.2, 'oversamples images of classes present in fewer than this fraction of images (LVIS repeat factors)', {
      min: 0.001,
      max: 1,
    }),
  ),
} as const satisfies Group;

/** How `BalancedSampler` makes up an epoch. */
export interface SamplingOptions extends Partial<GroupValues<typeof samplingSettings>> {
  /** Default 0. */
  readonly seed?: number;
}

/**
 * Which samples an epoch has. All epochs are equally long: every sample with objects as often as its rarest class asks
 * for (once or more), and a bounded number of those without, the harder ones more often once `harden` has been told
 * which they are. The same seed, epoch and hardness give the same list, in a shuffled order.
 */
export class BalancedSampler {
  /** Number of samples in an epoch. */
  readonly length: number;
  readonly #seed: number;
  /** Positions of samples with objects, and how often each comes on average. */
  readonly #full: readonly number[];
  readonly #repeats: readonly number[];
  readonly #repeated: number;
  readonly #empty: readonly number[];
  /** What the samples and options are, so that a state is not restored into another sampler. */
  readonly #mark: string;
  #hardness = new Map<number, number>();

  /**
   * @throws RangeError when options make no sense, a position comes twice, or no sample has an object
   */
  constructor(candidates: readonly Candidate[], options: SamplingOptions = {}) {
    const { seed = 0 } = options;
    const { emptyShare, classBalance } = withDefaults(samplingSettings, options);
    if (emptyShare !== null && !(emptyShare >= 0 && emptyShare < 1)) {
      throw new RangeError(`BalancedSampler: emptyShare is ${emptyShare}, expected a share from 0 to below 1`);
    }
    if (classBalance !== null && !(classBalance > 0 && classBalance <= 1)) {
      throw new RangeError(`BalancedSampler: classBalance is ${classBalance}, expected a share above 0, up to 1`);
    }
    const twice = firstTwice(candidates.map(({ index }) => index));
    if (twice !== undefined) {
      throw new RangeError(`BalancedSampler: sample ${twice} is there twice, expected each position once`);
    }
    const full = candidates.filter(({ labels }) => labels.length > 0);
    if (full.length === 0) {
      throw new RangeError(`BalancedSampler: none of ${candidates.length} samples has an object, expected one or more`);
    }
    this.#seed = seed;
    this.#full = full.map(({ index }) => index);
    this.#empty = candidates.filter(({ labels }) => labels.length === 0).map(({ index }) => index);
    const factors = repeatFactors(
      full.map(({ labels }) => labels),
      classBalance,
    );
    // Rounded up, and the factors stretched with it, so that an epoch is a whole number long and none falls below 1.
    const sum = factors.reduce((a, b) => a + b, 0);
    this.#repeated = Math.ceil(sum - 1e-9);
    this.#repeats = factors.map((factor) => (factor * this.#repeated) / sum);
    const most = emptyShare === null ? Infinity : Math.floor((this.#repeated * emptyShare) / (1 - emptyShare) + 1e-9);
    this.length = this.#repeated + Math.min(this.#empty.length, most);
    this.#mark = `${hash32(this.length, ...this.#full, 'empty', ...this.#empty, ...factors)}`;
  }

  /** Positions of the samples of an epoch, shuffled. Throws a RangeError unless `epoch` is a whole number from 0. */
  indices(epoch: number): readonly number[] {
    if (!Number.isInteger(epoch) || epoch < 0) {
      throw new RangeError(`BalancedSampler.indices: epoch is ${epoch}, expected a whole number from 0`);
    }
    const random = new Random('sampling', this.#seed, epoch);
    return random.shuffle([...this.#drawFull(random), ...this.#drawEmpty(random)]);
  }

  /**
   * Tells how hard samples without objects are, such as the highest score of a false detection there: they are drawn in
   * proportion to it, those that were never named as if theirs were the mean of the others, and none less than as if it
   * were a tenth of that, so that what is easy is not forgotten. Later calls add to earlier ones. What is said of samples
   * with objects is of no account.
   *
   * @throws RangeError for a sample that is not drawn from and for a hardness that is not a finite number from 0
   */
  harden(hardness: ReadonlyMap<number, number>): void {
    const known = new Set([...this.#full, ...this.#empty]);
    for (const [index, value] of hardness) {
      if (!known.has(index))
        throw new RangeError(`BalancedSampler.harden: sample ${index} is none of those drawn from`);
      if (!(value >= 0 && value < Infinity)) {
        throw new RangeError(`BalancedSampler.harden: hardness ${value} of sample ${index}, expected a number from 0`);
      }
    }
    const empty = new Set(this.#empty);
    for (const [index, value] of hardness) if (empty.has(index)) this.#hardness.set(index, value);
  }

  /** What `harden` was told, as text to be kept with a checkpoint. */
  state(): string {
    return JSON.stringify({ samples: this.#mark, hardness: [...this.#hardness].sort(([a], [b]) => a - b) });
  }

  /**
   * Goes on as the sampler that `state` came from. Throws an Error when it drew from other samples or in another way.
   */
  restore(state: string): void {
    const { samples, hardness } = JSON.parse(state) as { samples?: string; hardness?: [number, number][] };
    if (samples !== this.#mark || !Array.isArray(hardness)) {
      throw new Error(
        'BalancedSampler.restore: the state is of other samples or options, expected those that it was made with',
      );
    }
    this.#hardness = new Map();
    this.harden(new Map(hardness));
  }

  /** Systematic sampling: each comes its average rounded down or up, and all together come a fixed number of times. */
  #drawFull(random: Random): number[] {
    const order = random.shuffle(this.#full.map((_, i) => i));
    const offset = random.uniform();
    const drawn: number[] = [];
    let sum = 0;
    for (const i of order) {
      sum += this.#repeats[i]!;
      while (drawn.length + offset < sum && drawn.length < this.#repeated) drawn.push(this.#full[i]!);
    }
    // What rounding of the sum may have left out.
    while (drawn.length < this.#repeated) drawn.push(this.#full[order[order.length - 1]!]!);
    return drawn;
  }

  /** Weighted sampling without replacement (Efraimidis and Spirakis, 2006): the largest log(u) / weight are drawn. */
  #drawEmpty(random: Random): number[] {
    // In the order of the samples: that in which `harden` was told must not matter to the last digit of the sum.
    const known = this.#empty.flatMap((index) => this.#hardness.get(index) ?? []);
    const sum = known.reduce((a, b) => a + b, 0);
    // Where nothing is known, or nothing is hard, all are alike.
    const mean = sum > 0 ? sum / known.length : 1;
    const keys = this.#empty.map((index): readonly [index: number, key: number] => {
      const weight = Math.max(this.#hardness.get(index) ?? mean, mean / 10);
      return [index, Math.log(1 - random.uniform()) / weight];
    });
    keys.sort((a, b) => b[1] - a[1]);
    return keys.slice(0, this.length - this.#repeated).map(([index]) => index);
  }
}

/** A sampler over some samples of a data set, whose objects `describeSample` tells. */
export async function balancedSampler(
  dataset: Dataset,
  indices: readonly number[],
  options: SamplingOptions = {},
): Promise<BalancedSampler> {
  const candidates: Candidate[] = [];
  for (const index of indices) candidates.push({ index, labels: (await describeSample(dataset, index)).labels });
  return new BalancedSampler(candidates, options);
}

/** Of each sample: the largest of max(1, sqrt(t / share of the samples that have the class)) over its classes. */
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
