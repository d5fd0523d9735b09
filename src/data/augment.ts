import { brightness, contrast, recolour } from './augment/colour.ts';
import { blur, gaussianKernel, noise } from './augment/filter.ts';
import { cutWindow, flipX, flipY, rotate90 } from './augment/geometric.ts';
import { copyPaste, mixup, mosaic } from './augment/mix.ts';
import {
  checkAugment,
  mixingKind,
  type AugmentOptions,
  type ResolvedAugmentation,
  type Mixing,
  type Range,
} from './augment/options.ts';
import { checkInteger, defined } from '../common/check.ts';
import { listBoxes, type Box } from '../imagery/geometry.ts';
import { imageShape } from '../imagery/image.ts';
import { Random } from '../common/random.ts';
import type { Sample } from './types.ts';

export type { AugmentOptions, Range } from './augment/options.ts';

/**
 * A random variant of a sample; the sample itself is not changed. In this order: flips, rotation, scale and position of the
 * window; mosaic, copy-paste and mixup with samples from `draw`, each with flips, rotation, scale and position of its own;
 * colours, blur, noise. The image keeps its size, or has that of `crop`. Each kind of change has its own random numbers,
 * so that switching one off leaves the others unchanged. Boxes that an edge cuts to less than `visibility` are dropped with
 * their labels. Hue shifts change images of three channels only; all else is defined for any number. Returns the sample itself if nothing is switched on or drawn.
 *
 * @param draw returns another training sample; required if mosaic, copyPaste or mixup is above 0
 * @throws TypeError or RangeError for options out of range, before anything is drawn
 */
export async function augment(
  sample: Sample,
  options: AugmentOptions,
  random: Random,
  draw?: () => Promise<Sample>,
): Promise<Sample> {
  const settings = checkAugment(options);
  const base = random.bits();
  const streamOf = (kind: string, part = 0): Random => new Random(kind, base, part);
  const isDrawn = (kind: Mixing): boolean => streamOf(kind).uniform() < settings[kind].probability;
  const mixing = mixingKind(settings);
  // Even where this sample would not need it: the first sample should reveal that it is missing.
  if (draw === undefined && mixing !== undefined) {
    throw new TypeError(
      `augment: ${mixing} is ${settings[mixing].probability} without \`draw\`, expected other samples`,
    );
  }
  const another = draw!;

  const size = resultSize(sample, settings);
  let out = isDrawn('mosaic')
    ? await mosaicOf(sample, settings, streamOf, another, size)
    : place(sample, settings, streamOf, settings.crop === null ? null : size);
  if (isDrawn('copyPaste')) {
    let drawn = await another();
    // Where most tiles are empty, a single draw would rarely have anything to paste.
    for (let more = 1; drawn.labels.length === 0 && more < PASTE_DRAWS; more++) drawn = await another();
    const source = place(drawn, settings, (kind) => streamOf(kind, 4), size);
    out = copyPaste(out, source, streamOf('copyPaste', 1), { ...settings.copyPaste, visibility: settings.visibility });
  }
  if (isDrawn('mixup')) {
    const other = place(await another(), settings, (kind) => streamOf(kind, 5), size);
    out = mixup(out, other, blendWeight(streamOf('mixup', 1)));
  }
  return changeValues(out, settings, streamOf);
}

/** Maximum number of samples drawn for copy-paste until one has an object. */
const PASTE_DRAWS = 5;
type Size = { readonly width: number; readonly height: number };
/** The random numbers of a kind of change; `part` tells apart the samples that are mixed. */
type Streams = (kind: string, part?: number) => Random;

/** A mosaic of the sample and three others, in random order. */
async function mosaicOf(
  sample: Sample,
  settings: ResolvedAugmentation,
  streamOf: Streams,
  another: () => Promise<Sample>,
  size: Size,
): Promise<Sample> {
  const chance = streamOf('mosaic', 1);
  const x = splitAt(size.width, chance);
  const y = splitAt(size.height, chance);
  const samples = chance.shuffle([sample, await another(), await another(), await another()]);
  const part = (i: number): Sample =>
    place(samples[i]!, settings, (kind) => streamOf(kind, i), {
      width: i % 2 === 0 ? x : size.width - x,
      height: i < 2 ? y : size.height - y,
    });
  return { ...mosaic([part(0), part(1), part(2), part(3)]), id: sample.id };
}

/** The size of the image, or of `crop` where that is smaller. */
function resultSize(sample: Sample, { crop }: ResolvedAugmentation): Size {
  const { width, height } = imageShape(sample.image);
  return crop === null ? { width, height } : { width: Math.min(width, crop.size), height: Math.min(height, crop.size) };
}

/** Where a mosaic is divided: in the middle half of a side, since a narrower part would show too little to learn from. */
function splitAt(size: number, chance: Random): number {
  const at = Math.round(size * chance.uniform(0.25, 0.75));
  checkInteger('augment', 'the side of a mosaic', size, { min: 2 });
  return Math.min(Math.max(at, 1), size - 1);
}

/** A sample of the beta distribution (8, 8), as in YOLOv5: the median of 15 uniform numbers has this distribution. */
function blendWeight(random: Random): number {
  return Array.from({ length: 15 }, () => random.uniform()).sort((a, b) => a - b)[7]!;
}

/** Flips, rotates and scales a sample, and takes a window of the given size, or of the sample's own. */
function place(sample: Sample, settings: ResolvedAugmentation, streamOf: Streams, size: Size | null): Sample {
  let out = sample;
  if (settings.flipX && streamOf('flipX').uniform() < 0.5) out = flipX(out);
  if (settings.flipY && streamOf('flipY').uniform() < 0.5) out = flipY(out);
  const { width, height } = imageShape(sample.image);
  if (settings.turn) {
    const quarters = streamOf('turn').int(4);
    // Rotating by 90 degrees swaps the sides, so the window must fit into the rotated image, too.
    const isFree = width === height || (size !== null && Math.max(size.width, size.height) <= Math.min(width, height));
    const rotation = isFree ? quarters : (quarters & 1) * 2;
    if (rotation !== 0) out = rotate90(out, rotation);
  }
  // Uniform in the logarithm: twice the size is as likely as half the size.
  const { scale, translate, crop } = settings;
  const factor = scale === null ? 1 : scale[0] * (scale[1] / scale[0]) ** streamOf('scale').uniform();
  const picture = imageShape(out.image);
  const window = size ?? picture;
  const position = streamOf('position');
  const at = [position.uniform(), position.uniform()] as const;
  const keep = crop === null ? null : chooseObject(out, crop.objects, streamOf('crop'));
  const across = keep === null ? null : ([keep[0] * factor, keep[2] * factor] as const);
  const down = keep === null ? null : ([keep[1] * factor, keep[3] * factor] as const);
  let left = windowStart(picture.width * factor, window.width, at[0], across);
  let top = windowStart(picture.height * factor, window.height, at[1], down);
  if (factor === 1) [left, top] = [Math.round(left), Math.round(top)];
  // A window that is smaller than the image is placed at random already.
  if (translate > 0 && size === null) {
    const shift = streamOf('translate');
    left += Math.round(shift.uniform(-translate, translate) * window.width);
    top += Math.round(shift.uniform(-translate, translate) * window.height);
  }
  const edge = { visibility: settings.visibility, ...defined({ fill: settings.fill ?? undefined }) };
  return cutWindow(out, { factor, left, top, ...window }, edge);
}

/** With a probability, one of the boxes for the window to hold. */
function chooseObject(sample: Sample, probability: number, random: Random): Box | null {
  const isKept = random.uniform() < probability;
  const boxes = listBoxes(sample);
  return isKept && boxes.length > 0 ? boxes[random.int(boxes.length)]! : null;
}

/**
 * Where a window of `part` pixels starts in an image of `whole` pixels, at the fraction `at` of the possible range. The
 * window holds the object from `object[0]` to `object[1]`, or lies inside it if the object is larger.
 */
function windowStart(whole: number, part: number, at: number, object: readonly [number, number] | null): number {
  let [low, high] = [0, whole - part];
  if (object !== null && high > 0) {
    const [before, after] = [object[1] - part, object[0]];
    // Rounded inwards, so that rounding the start to a pixel does not cut the object.
    low = Math.min(Math.max(0, Math.ceil(Math.min(before, after))), high);
    high = Math.max(Math.min(high, Math.floor(Math.max(before, after))), low);
  }
  return low + at * (high - low);
}

/** Colours, blur and noise. */
function changeValues(sample: Sample, settings: ResolvedAugmentation, streamOf: Streams): Sample {
  const draw = (random: Random, range: Range): number => random.uniform(range[0], range[1]);
  const within = (kind: string, range: Range): number => draw(streamOf(kind), range);
  let out = sample;
  if (settings.brightness !== null) out = brightness(out, within('brightness', settings.brightness));
  if (settings.contrast !== null) out = contrast(out, within('contrast', settings.contrast));
  const gains = streamOf('gain');
  const { gain } = settings;
  const isGrey = streamOf('grey').uniform() < settings.grey;
  const { channels } = imageShape(out.image);
  out = recolour(out, {
    // Other bands have no colour wheel.
    hue: settings.hue === null || channels !== 3 ? 0 : within('hue', settings.hue),
    saturation: isGrey ? 0 : settings.saturation === null ? 1 : within('saturation', settings.saturation),
    ...(gain === null ? {} : { gain: Array.from({ length: channels }, () => draw(gains, gain)) }),
  });
  const soften = streamOf('blur');
  if (soften.uniform() < settings.blur.probability) {
    out = blur(out, gaussianKernel(draw(soften, settings.blur.sigma)));
  }
  const grain = streamOf('noise');
  if (grain.uniform() < settings.noise.probability) {
    out = noise(out, draw(grain, settings.noise.deviation), grain);
  }
  return out;
}
