import { Random } from '../common/random.ts';
import type { AnchorSpec, MatcherSpec } from '../retinanet/spec.ts';
import { bestIous, coverageOf, type AnchorCoverage, type PlacedBoxes } from './anchor-coverage.ts';

/** Anchors that fit a data set better, in the numbers that `AnchorSpec` takes. */
export interface SuggestedAnchors {
  readonly sizes: readonly (readonly number[])[];
  readonly ratios: readonly number[];
  /** Coverage with the anchors given. */
  readonly before: AnchorCoverage;
  /** Coverage with `sizes` and `ratios`. */
  readonly after: AnchorCoverage;
  /**
   * The best smallest anchor where only that one can be chosen: three sizes half an octave apart on each level, each
   * level one and a half octaves above the one before, and the ratios given.
   */
  readonly smallestAnchor: number;
  /** Coverage with the anchors of `smallestAnchor`. */
  readonly withSmallestAnchor: AnchorCoverage;
}

/** How anchors are searched for. */
export interface SuggestOptions {
  /** Default 1. */
  readonly seed?: number;
  /** Most boxes that the search looks at, drawn by the seed; coverage is of all. Default 1500. */
  readonly maxBoxes?: number;
}

/** Members of a generation, and generations: more of either changed the mean IoU by less than 0.002. */
const MEMBERS = 24;
const GENERATIONS = 60;
/** Differential evolution's weight and crossover (Storn and Price, 1997, "rand/1/bin"). */
const WEIGHT = 0.7;
const CROSSOVER = 0.8;

/** Octaves: of the smallest size, of the step between levels, and of a ratio. */
const SMALLEST = [1, 7.5] as const;
const STEP = [0.4, 1.2] as const;
const RATIO = [-2, 2] as const;

/**
 * Searches sizes and ratios, as many as `anchors` has, that fit boxes best. Differential evolution minimises the mean of
 * (1 - IoU)^2 (-ln IoU) over the best anchors of the boxes, the focal objective of M. Zlocha's anchor-optimization (used
 * for lesions, 2019): boxes that are hardly reached weigh most. The result is never worse than `anchors` by it, and the
 * same for the same boxes and seed. Throws a RangeError without boxes.
 */
export function suggestAnchors(
  boxes: PlacedBoxes,
  anchors: AnchorSpec,
  matcher: MatcherSpec,
  { seed = 1, maxBoxes = 1500 }: SuggestOptions = {},
): SuggestedAnchors {
  if (boxes.widths.length === 0) throw new RangeError('suggestAnchors: 0 boxes, expected at least one');
  const random = new Random('anchors', seed);
  const sample = drawBoxes(boxes, maxBoxes, random);
  const perLevel = anchors.sizes[0]?.length ?? 0;
  const costOf = (spec: AnchorSpec): number => focalCost(bestIous(sample, spec));
  const decode = (genes: readonly number[]): AnchorSpec => ({
    ...anchors,
    ...decodeGenes(genes, perLevel, anchors.sizes.length),
  });

  const length = 2 + (perLevel - 1) + anchors.ratios.length;
  const draw = (): number[] => {
    const genes = [random.uniform(...SMALLEST), random.uniform(...STEP)];
    for (let k = 1; k < perLevel; k++) genes.push(random.uniform());
    while (genes.length < length) genes.push(random.uniform(...RATIO));
    return genes;
  };
  const population = Array.from({ length: MEMBERS }, draw);
  // One member has the ratios given and sizes from the small boxes up, so that the search starts near.
  population[0] = startingGenes(sample, anchors, perLevel);
  const costs = population.map((genes) => costOf(decode(genes)));
  for (let generation = 0; generation < GENERATIONS; generation++) {
    for (let i = 0; i < MEMBERS; i++) {
      const [a, b, c] = random.shuffle(Array.from({ length: MEMBERS }, (_, k) => k).filter((k) => k !== i)) as [
        number,
        number,
        number,
      ];
      const forced = random.int(length);
      const trial = population[i]!.map((gene, k) => {
        if (k !== forced && random.uniform() >= CROSSOVER) return gene;
        const at = (member: number): number => population[member]![k]!;
        return clampGene(k, perLevel, at(a) + WEIGHT * (at(b) - at(c)));
      });
      const cost = costOf(decode(trial));
      if (cost > costs[i]!) continue;
      population[i] = trial;
      costs[i] = cost;
    }
  }
  const best = decode(population[costs.indexOf(Math.min(...costs))]!);
  const allCost = (spec: AnchorSpec): number => focalCost(bestIous(boxes, spec));
  const chosen = allCost(best) < allCost(anchors) ? best : anchors;

  const smallestAnchor = bestSmallest((side) => costOf({ ...anchors, sizes: steppedSizes(side) }));
  const coverage = (spec: AnchorSpec): AnchorCoverage => coverageOf(boxes, bestIous(boxes, spec), matcher);
  return {
    sizes: chosen.sizes,
    ratios: chosen.ratios,
    before: coverage(anchors),
    after: coverage(chosen),
    smallestAnchor,
    withSmallestAnchor: coverage({ ...anchors, sizes: steppedSizes(smallestAnchor) }),
  };
}

/** Mean of (1 - IoU)^2 (-ln IoU). */
function focalCost(ious: Float64Array): number {
  let sum = 0;
  // A box that no anchor touches would cost infinity, and hide all others.
  for (const iou of ious) sum -= (1 - iou) ** 2 * Math.log(Math.max(iou, 1e-4));
  return sum / ious.length;
}

/** Genes: octaves of the smallest size and between levels, places within a level's step, octaves of the ratios. */
function decodeGenes(genes: readonly number[], perLevel: number, levels: number): Pick<AnchorSpec, 'sizes' | 'ratios'> {
  const [smallest, step] = genes as [number, number];
  const places = [0, ...genes.slice(2, 1 + perLevel)].sort((a, b) => a - b);
  // Numbers that people read, and that are evaluated as they are printed.
  const sizes = Array.from({ length: levels }, (_, level) =>
    places.map((place) => Number((2 ** (smallest + step * (level + place))).toFixed(1))),
  );
  const ratios = genes
    .slice(1 + perLevel)
    .map((octaves) => Number((2 ** octaves).toFixed(2)))
    .sort((a, b) => a - b);
  return { sizes, ratios };
}

function clampGene(k: number, perLevel: number, value: number): number {
  const [low, high] = k === 0 ? SMALLEST : k === 1 ? STEP : k <= perLevel ? ([0, 1] as const) : RATIO;
  return Math.min(high, Math.max(low, value));
}

function startingGenes(boxes: PlacedBoxes, { ratios }: AnchorSpec, perLevel: number): number[] {
  const sides = Array.from(boxes.widths, (w, n) => Math.sqrt(w * boxes.heights[n]!)).sort((a, b) => a - b);
  const small = sides[Math.floor(sides.length / 20)]!;
  const genes = [Math.log2(small), 1];
  for (let k = 1; k < perLevel; k++) genes.push(k / perLevel);
  genes.push(...ratios.map(Math.log2));
  return genes.map((gene, k) => clampGene(k, perLevel, gene));
}

/** Some of the boxes, by chance, in their order. */
function drawBoxes(boxes: PlacedBoxes, most: number, random: Random): PlacedBoxes {
  const count = boxes.widths.length;
  if (count <= most) return boxes;
  const chosen = random
    .shuffle(Array.from({ length: count }, (_, n) => n))
    .slice(0, most)
    .sort((a, b) => a - b);
  const levels = boxes.dx.length / count;
  const grid = (values: Float64Array): Float64Array =>
    Float64Array.from(chosen.flatMap((n) => Array.from(values.subarray(n * levels, (n + 1) * levels))));
  return {
    widths: Float64Array.from(chosen, (n) => boxes.widths[n]!),
    heights: Float64Array.from(chosen, (n) => boxes.heights[n]!),
    images: Int32Array.from(chosen, (n) => boxes.images[n]!),
    objects: Int32Array.from(chosen, (n) => boxes.objects[n]!),
    dx: grid(boxes.dx),
    dy: grid(boxes.dy),
  };
}

/** Three sizes half an octave apart, each level one and a half octaves above the one before. */
export function steppedSizes(smallest: number): number[][] {
  return Array.from({ length: 5 }, (_, level) =>
    [0, 0.5, 1].map((octaves) => Math.round(smallest * 2 ** (1.5 * level + octaves))),
  );
}

function bestSmallest(costOf: (side: number) => number): number {
  let [best, least] = [4, Infinity];
  for (let side = 4; side <= 160; side++) {
    const cost = costOf(side);
    if (cost < least) [best, least] = [side, cost];
  }
  return best;
}
