import { checkInteger, checkSeed } from '../common/check.ts';
import { Random } from '../common/random.ts';
import type { AnchorSpec } from '../retinanet/spec.ts';
import { bestIous, type PlacedBoxes } from './anchor-coverage.ts';

/** Sizes and ratios of anchors, as in `AnchorSpec`. */
export type AnchorShapes = Pick<AnchorSpec, 'sizes' | 'ratios'>;

/** Options of `fitAnchors` and `fitSmallestAnchor`. */
export interface FitOptions {
  /** Random seed of the search. Default 1. */
  readonly seed?: number;
  /** Maximum number of boxes that the search evaluates; more are sampled at random. Default 1500. */
  readonly maxBoxes?: number;
}

/** Population size and number of generations: increasing either changed the mean IoU by less than 0.002. */
const MEMBERS = 24;
const GENERATIONS = 60;
/** Weight and crossover rate of differential evolution (Storn and Price, 1997, "rand/1/bin"). */
const WEIGHT = 0.7;
const CROSSOVER = 0.8;

/** Limits of the genes, in octaves: the smallest size, the step between levels, and a ratio. */
const SMALLEST = [1, 7.5] as const;
const STEP = [0.4, 1.2] as const;
const RATIO = [-2, 2] as const;

/**
 * Fits the sizes and ratios of anchors to boxes, keeping the number of each. Differential evolution minimises the mean
 * of (1 - IoU)^2 (-ln IoU) over the best anchors of the boxes: the focal objective of M. Zlocha's anchor-optimization
 * (2019, for lesions), which gives most weight to boxes that hardly any anchor overlaps. By this objective, the result
 * is never worse than `anchors`. Deterministic for the same boxes and seed.
 *
 * @throws RangeError if there are no boxes
 */
export function fitAnchors(
  boxes: PlacedBoxes,
  anchors: AnchorSpec,
  { seed = 1, maxBoxes = 1500 }: FitOptions = {},
): AnchorShapes {
  checkInteger('fitAnchors', 'the number of boxes', boxes.widths.length, { min: 1 });
  checkSeed('fitAnchors', seed);
  const random = new Random('anchors', seed);
  const sample = sampleBoxes(boxes, maxBoxes, random);
  const perLevel = anchors.sizes[0]?.length ?? 0;
  const decode = (genes: readonly number[]): AnchorSpec => ({
    ...anchors,
    ...decodeGenes(genes, perLevel, anchors.sizes.length),
  });
  const best = evolve(
    {
      cost: (genes) => focalCost(sample, decode(genes)),
      draw: () => drawGenes(perLevel, anchors.ratios.length, random),
      clamp: (gene, value) => clampGene(gene, perLevel, value),
    },
    startingGenes(sample, anchors, perLevel),
    random,
  );
  // Anchors that fit the sample best may fit all boxes worse than the given anchors.
  const fitted = decode(best);
  const { sizes, ratios } = focalCost(boxes, fitted) < focalCost(boxes, anchors) ? fitted : anchors;
  return { sizes, ratios };
}

/**
 * The smallest anchor, an integer from 4 to 160 pixels, with which `steppedSizes` and the ratios of `anchors` fit boxes
 * best by the objective of `fitAnchors`. For networks in which only this number is configurable.
 */
export function fitSmallestAnchor(
  boxes: PlacedBoxes,
  anchors: AnchorSpec,
  { seed = 1, maxBoxes = 1500 }: FitOptions = {},
): number {
  checkSeed('fitSmallestAnchor', seed);
  const sample = sampleBoxes(boxes, maxBoxes, new Random('anchors', seed));
  let [best, least] = [4, Infinity];
  for (let side = 4; side <= 160; side++) {
    const cost = focalCost(sample, { ...anchors, sizes: steppedSizes(side) });
    if (cost < least) [best, least] = [side, cost];
  }
  return best;
}

/** Three sizes, half an octave apart, on each of five levels, which are one and a half octaves apart. */
export function steppedSizes(smallest: number): number[][] {
  return Array.from({ length: 5 }, (_, level) =>
    [0, 0.5, 1].map((octaves) => Math.round(smallest * 2 ** (1.5 * level + octaves))),
  );
}

/** Mean of (1 - IoU)^2 (-ln IoU). */
function focalCost(boxes: PlacedBoxes, anchors: AnchorSpec): number {
  const ious = bestIous(boxes, anchors);
  let sum = 0;
  // Without the clamp, a box that no anchor overlaps would make the cost infinite.
  for (const iou of ious) sum -= (1 - iou) ** 2 * Math.log(Math.max(iou, 1e-4));
  return sum / ious.length;
}

/** A random subset of the boxes, in their order. */
function sampleBoxes(boxes: PlacedBoxes, maximum: number, random: Random): PlacedBoxes {
  const count = boxes.widths.length;
  if (count <= maximum) return boxes;
  const chosen = random
    .shuffle(Array.from({ length: count }, (_, n) => n))
    .slice(0, maximum)
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

// Genes: octaves of the smallest size and of the step between levels, positions within the step of a level, octaves of
// the ratios.

function drawGenes(perLevel: number, ratios: number, random: Random): number[] {
  const genes = [random.uniform(...SMALLEST), random.uniform(...STEP)];
  for (let k = 1; k < perLevel; k++) genes.push(random.uniform());
  for (let k = 0; k < ratios; k++) genes.push(random.uniform(...RATIO));
  return genes;
}

/** Initial genes near a good solution: the given ratios, and sizes that start at those of small boxes. */
function startingGenes(boxes: PlacedBoxes, { ratios }: AnchorSpec, perLevel: number): number[] {
  const sides = Array.from(boxes.widths, (w, n) => Math.sqrt(w * boxes.heights[n]!)).sort((a, b) => a - b);
  const small = sides[Math.floor(sides.length / 20)]!;
  const genes = [Math.log2(small), 1];
  for (let k = 1; k < perLevel; k++) genes.push(k / perLevel);
  genes.push(...ratios.map(Math.log2));
  return genes.map((gene, k) => clampGene(k, perLevel, gene));
}

function clampGene(k: number, perLevel: number, value: number): number {
  const [low, high] = k === 0 ? SMALLEST : k === 1 ? STEP : k <= perLevel ? ([0, 1] as const) : RATIO;
  return Math.min(high, Math.max(low, value));
}

function decodeGenes(genes: readonly number[], perLevel: number, levels: number): AnchorShapes {
  const [smallest, step] = [genes[0]!, genes[1]!];
  const positions = [0, ...genes.slice(2, 1 + perLevel)].sort((a, b) => a - b);
  // Rounded, so that the printed numbers are the evaluated ones.
  const sizes = Array.from({ length: levels }, (_, level) =>
    positions.map((position) => Number((2 ** (smallest + step * (level + position))).toFixed(1))),
  );
  const ratios = genes
    .slice(1 + perLevel)
    .map((octaves) => Number((2 ** octaves).toFixed(2)))
    .sort((a, b) => a - b);
  return { sizes, ratios };
}

/** The vectors among which differential evolution searches. */
interface SearchSpace {
  readonly cost: (genes: readonly number[]) => number;
  /** A random vector. */
  readonly draw: () => number[];
  /** Clamps the value of a gene to its limits. */
  readonly clamp: (gene: number, value: number) => number;
}

/** The vector with the lowest cost that differential evolution finds. `start` is a member of the first generation. */
function evolve({ cost, draw, clamp }: SearchSpace, start: readonly number[], random: Random): readonly number[] {
  const population: (readonly number[])[] = Array.from({ length: MEMBERS }, draw);
  population[0] = start;
  const costs = population.map(cost);
  for (let generation = 0; generation < GENERATIONS; generation++) {
    for (let i = 0; i < MEMBERS; i++) {
      const trial = crossOver(population, i, clamp, random);
      const trialCost = cost(trial);
      if (trialCost > costs[i]!) continue;
      population[i] = trial;
      costs[i] = trialCost;
    }
  }
  return population[costs.indexOf(Math.min(...costs))]!;
}

/** Member `i`, with most genes replaced by those of another member plus the weighted difference of two more. */
function crossOver(
  population: readonly (readonly number[])[],
  i: number,
  clamp: SearchSpace['clamp'],
  random: Random,
): number[] {
  const others = random.shuffle(Array.from(population.keys()).filter((k) => k !== i));
  const [a, b, c] = [others[0]!, others[1]!, others[2]!].map((member) => population[member]!);
  const forced = random.int(population[i]!.length);
  return population[i]!.map((gene, k) => {
    if (k !== forced && random.uniform() >= CROSSOVER) return gene;
    return clamp(k, a![k]! + WEIGHT * (b![k]! - c![k]!));
  });
}
