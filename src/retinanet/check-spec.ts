import { expectedNumber, isRecord, isWithin, type Limits } from '../common/check.ts';
import type { RetinaNetSpec } from './spec.ts';

// A spec that comes from a file is checked field by field: it decides how much memory a network takes, and a field of another
// kind would only be noticed in the middle of a computation.

/** Null for a legal value; otherwise what is expected instead. */
type Check = (value: unknown) => string | null;

const oneOf =
  (...choices: readonly unknown[]): Check =>
  (value) =>
    choices.includes(value) ? null : `one of ${choices.map((choice) => JSON.stringify(choice)).join(', ')}`;

const number =
  (limits: Limits): Check =>
  (value) =>
    typeof value === 'number' && isWithin(value, limits) ? null : expectedNumber('a number', limits);

const integer =
  (limits: Limits): Check =>
  (value) =>
    Number.isInteger(value) && isWithin(value as number, limits) ? null : expectedNumber('an integer', limits);

const orNull =
  (check: Check): Check =>
  (value) =>
    value === null ? null : check(value);

const listOf =
  (check: Check, { min, max }: { readonly min: number; readonly max: number }): Check =>
  (value) => {
    if (!Array.isArray(value) || value.length < min || value.length > max) {
      return min === max ? `a list of ${min}` : `a list of ${min} to ${max}`;
    }
    const problem = value.map(check).find((expected) => expected !== null);
    return problem === undefined ? null : `a list with each ${problem}`;
  };

const flag = oneOf(true, false);
const fraction = number({ min: 0, max: 1 });
const size = number({ above: 0, max: 1e6 });
const factor = number({ min: 0, max: 1e6 });
const channels = integer({ min: 1, max: 8192 });
const side = integer({ min: 1, max: 65_536 });
const stages = listOf(oneOf('layer1', 'layer2', 'layer3', 'layer4'), { min: 0, max: 4 });
const colour = number({ min: -1e9, max: 1e9 });

const fields: { readonly [S in keyof RetinaNetSpec]: { readonly [F in keyof Required<RetinaNetSpec[S]>]: Check } } = {
  backbone: {
    depth: oneOf(18, 34, 50, 101),
    width: channels,
    norm: oneOf('batch', 'frozen', 'group'),
    normEps: fraction,
    bottleneckStride: oneOf('3x3', '1x1'),
    checkpoint: (value) => (value === undefined || flag(value) === null ? null : stages(value)),
  },
  pyramid: { channels, p6: oneOf('P5', 'C5'), reluBeforeP7: flag },
  head: { channels, convs: integer({ min: 0, max: 64 }), normGroups: orNull(channels), prior: fraction },
  anchors: {
    sizes: listOf(listOf(size, { min: 1, max: 64 }), { min: 5, max: 5 }),
    ratios: listOf(size, { min: 1, max: 64 }),
    order: oneOf('ratio-outer', 'size-outer'),
    rounded: flag,
    stride: oneOf('fixed', 'floor-division'),
    offset: number({ min: -1000, max: 1000 }),
  },
  matcher: { high: fraction, low: fraction, lowQuality: oneOf('none', 'own', 'reassign'), zeroOverlapGuard: flag },
  boxCoder: { weights: listOf(size, { min: 4, max: 4 }), clamp: size, clampSides: oneOf('upper', 'both') },
  loss: {
    alpha: fraction,
    gamma: factor,
    box: oneOf('l1', 'smoothL1', 'giou'),
    beta: factor,
    normalizer: oneOf('image', 'batch', 'ema'),
  },
  transform: {
    minSize: orNull(side),
    maxSize: side,
    rounding: oneOf('floor-float32', 'round'),
    mean: listOf(colour, { min: 1, max: 16 }),
    std: listOf(number({ above: 0, max: 1e9 }), { min: 1, max: 16 }),
    channels: oneOf('rgb', 'bgr'),
    white: oneOf(1, 255),
    padMultiple: integer({ min: 1, max: 4096 }),
  },
  postprocess: {
    scoreThreshold: fraction,
    topK: integer({ min: 1, max: 1e7 }),
    nmsThreshold: fraction,
    maxDetections: integer({ min: 1, max: 1e7 }),
    clip: oneOf('before-nms', 'after-nms'),
  },
};

/**
 * What is wrong with a value that should be a `RetinaNetSpec`, as `spec.backbone.width is 0, expected an integer from 1 to 8192`; null
 * if nothing is. Fields that are not known are ignored.
 */
export function specProblem(value: unknown): string | null {
  if (!isRecord(value)) return 'spec is not an object';
  for (const [section, checks] of Object.entries(fields)) {
    const given = value[section];
    if (!isRecord(given)) return `spec.${section} is missing`;
    for (const [field, check] of Object.entries<Check>(checks)) {
      const expected = check(given[field]);
      if (expected === null) continue;
      const found = given[field] === undefined ? 'missing' : (JSON.stringify(given[field]) ?? 'no value').slice(0, 60);
      return `spec.${section}.${field} is ${found}, expected ${expected}`;
    }
  }
  const { sizes } = value['anchors'] as RetinaNetSpec['anchors'];
  return sizes.every((level) => level.length === sizes[0]!.length)
    ? null
    : 'spec.anchors.sizes has levels of different lengths';
}
