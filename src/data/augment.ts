import { brightness, contrast, recolour } from './augment/colour.ts';
import { blur, gaussianKernel, noise } from './augment/filter.ts';
import { cutWindow, flipX, flipY, turn } from './augment/geometric.ts';
import { copyPaste, mixup, mosaic } from './augment/mix.ts';
import { checkAugment, type AugmentOptions, type ResolvedAugmentation, type Range } from './augment/options.ts';
import { listBoxes, type Box } from '../imagery/geometry.ts';
import { imageSize } from '../imagery/image.ts';
import { Random } from '../common/random.ts';
import type { Sample } from './types.ts';

export type { AugmentOptions, Range } from './augment/options.ts';

/**
 * A random variant of a sample, which is not changed itself. In this order: flips, turns, scale and place of the window;
 * mosaic, copy-paste and mixup with samples from `draw`, each of which is flipped, turned, scaled and placed by itself;
 * colours, blur, noise. The image keeps its size, or has that of `crop`. Every kind of change has random numbers of its
 * own, so that switching one off leaves the others as they were. Boxes of which an edge leaves less than `visibility`
 * asks for are dropped with their labels. With nothing switched on, or nothing drawn, the sample itself is returned.
 *
 * @param draw gives another sample of the training data; needed where mosaic, copyPaste or mixup are above 0
 * @throws TypeError or RangeError for options that make no sense, before anything is drawn
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
  const mixing = MIXING.find((kind) => settings[kind].probability > 0);
  // Also where chance would not have needed it: what is missing is to be found with the first sample.
  if (draw === undefined && mixing !== undefined) {
    throw new TypeError(
      `augment: ${mixing} is ${settings[mixing].probability}, expected \`draw\` to give other samples`,
    );
  }
  const another = draw!;

  const size = resultSize(sample, settings);
  let out: Sample;
  if (isDrawn('mosaic')) {
    const chance = streamOf('mosaic', 1);
    // No part is narrower than a quarter of the image: less would show too little to learn from.
    const x = splitAt(size.width, chance);
    const y = splitAt(size.height, chance);
    const samples = [sample, await another(), await another(), await another()];
    const parts = chance.shuffle(samples).map((part, i) => {
      const window = {
        width: i % 2 === 0 ? x : size.width - x,
        height: i < 2 ? y : size.height - y,
      };
      return place(part, settings, (kind) => streamOf(kind, i), window);
    });
    out = { ...mosaic(parts as [Sample, Sample, Sample, Sample]), id: sample.id };
  } else {
    out = place(sample, settings, streamOf, settings.crop === null ? null : size);
  }
  if (isDrawn('copyPaste')) {
    let drawn = await another();
    // Where most tiles are empty, the first would mostly have nothing to paste.
    for (let more = 1; drawn.labels.length === 0 && more < PASTE_DRAWS; more++) drawn = await another();
    const source = place(drawn, settings, (kind) => streamOf(kind, 4), size);
    out = copyPaste(out, source, streamOf('copyPaste', 1), { ...settings.copyPaste, visibility: settings.visibility });
  }
  if (isDrawn('mixup')) {
    const other = place(await another(), settings, (kind) => streamOf(kind, 5), size);
    out = mixup(out, other, middleOf(streamOf('mixup', 1)));
  }
  return changeValues(out, settings, streamOf);
}

const MIXING = ['mosaic', 'copyPaste', 'mixup'] as const;
type Mixing = (typeof MIXING)[number];
/** Samples that are drawn for copy-paste until one has an object. */
const PASTE_DRAWS = 5;
type Size = { readonly width: number; readonly height: number };

/** The size of the image, or as much of that of `crop` as the image has. */
function resultSize(sample: Sample, { crop }: ResolvedAugmentation): Size {
  const { width, height } = imageSize(sample.image);
  return crop === null ? { width, height } : { width: Math.min(width, crop.size), height: Math.min(height, crop.size) };
}

/** Where a mosaic is divided: in the middle half of a side, with at least one pixel on each side. */
function splitAt(size: number, chance: Random): number {
  const at = Math.round(size * chance.uniform(0.25, 0.75));
  if (size < 2) throw new RangeError(`augment: a mosaic of ${size} pixels, expected sides of 2 pixels or more`);
  return Math.min(Math.max(at, 1), size - 1);
}

/** A number of the beta distribution (8, 8), as YOLOv5 blends: of 15 even ones the middle one. */
function middleOf(random: Random): number {
  return Array.from({ length: 15 }, () => random.uniform()).sort((a, b) => a - b)[7]!;
}

/** Flips, turns, scales a sample and takes a window of it: of the size given, else of the sample's own. */
function place(
  sample: Sample,
  settings: ResolvedAugmentation,
  streamOf: (kind: string) => Random,
  size: Size | null,
): Sample {
  let out = sample;
  if (settings.flipX && streamOf('flipX').uniform() < 0.5) out = flipX(out);
  if (settings.flipY && streamOf('flipY').uniform() < 0.5) out = flipY(out);
  const { width, height } = imageSize(sample.image);
  if (settings.turn) {
    const quarters = streamOf('turn').int(4);
    // An odd turn exchanges the sides: for that the window must fit into the turned picture as well.
    const isFree = width === height || (size !== null && Math.max(size.width, size.height) <= Math.min(width, height));
    const turns = isFree ? quarters : (quarters & 1) * 2;
    if (turns !== 0) out = turn(out, turns);
  }
  // Even in the logarithm: twice as large is as likely as half as large.
  const { scale, translate, crop } = settings;
  const factor = scale === null ? 1 : scale[0] * (scale[1] / scale[0]) ** streamOf('scale').uniform();
  const picture = imageSize(out.image);
  const window = size ?? picture;
  const position = streamOf('position');
  const at = [position.uniform(), position.uniform()] as const;
  const keep = crop === null ? null : chooseObject(out, crop.objects, streamOf('crop'));
  const across = keep === null ? null : ([keep[0] * factor, keep[2] * factor] as const);
  const down = keep === null ? null : ([keep[1] * factor, keep[3] * factor] as const);
  let left = windowStart(picture.width * factor, window.width, at[0], across);
  let top = windowStart(picture.height * factor, window.height, at[1], down);
  if (factor === 1) [left, top] = [Math.round(left), Math.round(top)];
  // A window that is smaller than the picture lies at a random place already.
  if (translate > 0 && size === null) {
    const shift = streamOf('translate');
    left += Math.round(shift.uniform(-translate, translate) * window.width);
    top += Math.round(shift.uniform(-translate, translate) * window.height);
  }
  return cutWindow(out, { factor, left, top, ...window }, { visibility: settings.visibility });
}

/** With a probability one of the boxes, for the window to hold. */
function chooseObject(sample: Sample, probability: number, random: Random): Box | null {
  const isKept = random.uniform() < probability;
  const boxes = listBoxes(sample);
  return isKept && boxes.length > 0 ? boxes[random.int(boxes.length)]! : null;
}

/**
 * Where a window of `part` pixels starts in a picture of `whole` pixels, `at` from 0 to 1 of the way; so that it holds
 * the object from `object[0]` to `object[1]`, or lies within it where that is larger.
 */
function windowStart(whole: number, part: number, at: number, object: readonly [number, number] | null): number {
  let [low, high] = [0, whole - part];
  if (object !== null && high > 0) {
    const [before, after] = [object[1] - part, object[0]];
    // Inner whole pixels, so that rounding the place does not cut the object.
    low = Math.min(Math.max(0, Math.ceil(Math.min(before, after))), high);
    high = Math.max(Math.min(high, Math.floor(Math.max(before, after))), low);
  }
  return low + at * (high - low);
}

function changeValues(sample: Sample, settings: ResolvedAugmentation, streamOf: (kind: string) => Random): Sample {
  const within = (kind: string, range: Range): number => streamOf(kind).uniform(range[0], range[1]);
  let out = sample;
  if (settings.brightness !== null) out = brightness(out, within('brightness', settings.brightness));
  if (settings.contrast !== null) out = contrast(out, within('contrast', settings.contrast));
  const gains = streamOf('gain');
  const { gain } = settings;
  const isGrey = streamOf('grey').uniform() < settings.grey;
  out = recolour(out, {
    hue: settings.hue === null ? 0 : within('hue', settings.hue),
    saturation: isGrey ? 0 : settings.saturation === null ? 1 : within('saturation', settings.saturation),
    ...(gain === null
      ? {}
      : { gain: [0, 1, 2].map(() => gains.uniform(gain[0], gain[1])) as [number, number, number] }),
  });
  const soften = streamOf('blur');
  if (soften.uniform() < settings.blur.probability) {
    out = blur(out, gaussianKernel(soften.uniform(settings.blur.sigma[0], settings.blur.sigma[1])));
  }
  const grain = streamOf('noise');
  if (grain.uniform() < settings.noise.probability) {
    out = noise(out, grain.uniform(settings.noise.deviation[0], settings.noise.deviation[1]), grain);
  }
  return out;
}
