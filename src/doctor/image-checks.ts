import { counted, percent } from '../common/check.ts';
import { isProper } from '../detector/visible-box.ts';
import { blackRemedy, DARK_LEVEL, darkRemedy, MOSTLY } from '../imagery/level-range.ts';
import { similarFile } from '../labels/similar-file.ts';
import { findingAt, type Finding, type ImageKind, type Inventory, type Item } from './types.ts';

/** What is known of how 16-bit images will be read. */
export interface ImageCheckOptions {
  /** Whether the stretch from 16 bits to 8 is fixed. */
  readonly isStretched: boolean;
}

/** The format that a file extension stands for. */
const KIND_OF: Readonly<Record<string, ImageKind>> = {
  png: 'png',
  jpg: 'jpeg',
  jpeg: 'jpeg',
  tif: 'tiff',
  tiff: 'tiff',
  webp: 'webp',
  avif: 'avif',
};
/** Fraction of images of one size from which other sizes are unusual. */
const USUAL = 0.8;
/** Ratio of areas from which padding to the largest image of a batch wastes most of the work. */
const MIXED = 16;

/** Checks image files and whether they fit the labels. */
export function checkImages({ items, unlabelled }: Inventory, { isStretched }: ImageCheckOptions): Finding[] {
  return [
    ...checkFiles(items, unlabelled),
    ...checkExtensions(items),
    ...checkBits(items, isStretched),
    ...checkOrientation(items),
    ...checkLabelledSizes(items),
    ...checkSizeMix(items),
    ...checkDuplicates(items),
    ...checkLevels(items),
    ...findingAt({
      severity: 'note',
      kind: 'image-unlabelled',
      locations: unlabelled,
      message: `${counted(unlabelled.length, 'image in the folders of the labelled images has', 'images in the folders of the labelled images have')} no entry in the labels`,
      remedy:
        'If they contain no objects, add them to the labels: empty images teach what is background; otherwise they are ignored',
    }),
  ];
}

/** Files that are missing or damaged. */
function checkFiles(items: readonly Item[], unlabelled: readonly string[]): Finding[] {
  const missing = items.filter(({ facts }) => facts.problem?.kind === 'missing').map(({ facts }) => facts.file);
  // One example shows what is wrong; only files without labels can be meant.
  const similar = missing.map((file) => [file, similarFile(file, unlabelled)]).find(([, hint]) => hint !== '');
  const reasons = (kind: 'unreadable' | 'truncated' | 'bands'): string[] =>
    items.flatMap(({ facts: { file, problem } }) => (problem?.kind === kind ? [`${file}: ${problem.message}`] : []));
  const packages = new Set(
    items.flatMap(({ facts }) => (facts.problem?.kind === 'no-reader' ? facts.problem.package : [])),
  );
  const [truncated, unreadable, bands] = [reasons('truncated'), reasons('unreadable'), reasons('bands')];
  return [
    ...findingAt({
      severity: 'error',
      kind: 'image-missing',
      locations: missing,
      message: `${counted(missing.length, 'image that is named in the labels does', 'images that are named in the labels do')} not exist${similar === undefined ? '' : `: ${similar.join('')}`}`,
      remedy:
        'Give the folder of the images, or correct the paths in the labels, which are relative to it and case-sensitive',
    }),
    ...findingAt({
      severity: 'error',
      kind: 'image-truncated',
      locations: truncated,
      message: `${counted(truncated.length, 'image file is', 'image files are')} truncated`,
      remedy: 'Copy or download them again: training stops at the first one',
    }),
    ...findingAt({
      severity: 'error',
      kind: 'image-bands',
      locations: bands,
      message: `${counted(bands.length, 'image does', 'images do')} not have the bands that are to be read`,
      remedy: 'Choose bands that every image has (data.bands), or leave out these images',
    }),
    ...findingAt({
      severity: 'error',
      kind: 'image-no-reader',
      locations: items.flatMap(({ facts }) => (facts.problem?.kind === 'no-reader' ? facts.file : [])),
      message: 'The packages that read these images are not installed',
      remedy: `npm install ${[...packages].join(' ')}`,
    }),
    ...findingAt({
      severity: 'error',
      kind: 'image-unreadable',
      locations: unreadable,
      message: `${counted(unreadable.length, 'image', 'images')} cannot be read`,
      remedy: 'Convert them to PNG, JPEG, WebP, AVIF, or TIFF with 8 or 16 bits, or remove them from the labels',
    }),
  ];
}

function checkExtensions(items: readonly Item[]): Finding[] {
  const wrong = items.flatMap(({ facts: { file, kind } }) => {
    const expected = KIND_OF[/\.([^./]+)$/.exec(file)?.[1]?.toLowerCase() ?? ''];
    return kind === 'unknown' || expected === kind ? [] : [`${file} is a ${kind} file`];
  });
  return findingAt({
    severity: 'warning',
    kind: 'image-ending',
    locations: wrong,
    message: `${counted(wrong.length, 'image file has an extension that does not match its', 'image files have extensions that do not match their')} contents`,
    remedy: 'Rename them: retinagrad recognises the format by the contents, other programs by the extension',
  });
}

function checkBits(items: readonly Item[], isStretched: boolean): Finding[] {
  const tiffs = items.filter(({ facts }) => facts.kind === 'tiff');
  const filesWith = (bits: number): string[] =>
    tiffs.filter(({ facts }) => facts.bits === bits).map(({ facts }) => facts.file);
  const [deep, shallow] = [filesWith(16), filesWith(8)];
  const isMixed = deep.length > 0 && shallow.length > 0;
  const sixteen = counted(deep.length, 'TIFF image has', 'TIFF images have');
  return [
    ...findingAt({
      severity: 'error',
      kind: 'image-bits-mixed',
      locations: isMixed ? (deep.length < shallow.length ? deep : shallow) : [],
      message: `${sixteen} 16 bits, ${shallow.length} 8 bits: no single stretch suits both`,
      remedy: 'Convert all of them to 8 bits with the same black and white levels',
    }),
    ...findingAt({
      severity: 'note',
      kind: 'image-16-bit',
      locations: isMixed || isStretched ? [] : deep,
      message: `${sixteen} 16 bits, and no stretch to 8 bits is set`,
      remedy:
        'Set a stretch to make runs comparable; otherwise training measures one over the images and stores it with the weights',
    }),
  ];
}

/** Whether all boxes lie in an image of a size, up to one pixel. */
const fits = ({ image }: Item, width: number, height: number): boolean =>
  image.objects.every(({ box }) => !isProper(box) || (box[2] <= width + 1 && box[3] <= height + 1));

/** Whether EXIF orientation swaps the sides of an image that is not square, so that its size tells which way it is. */
const isSideways = ({ facts: { size, orientation } }: Item): boolean =>
  orientation >= 5 && size !== null && size.width !== size.height;

/** Whether labels refer to the pixels as stored: their size or their boxes fit the image on its side only. */
function isLabelledAsStored(item: Item): boolean {
  const { image, facts } = item;
  if (!isSideways(item) || facts.size === null) return false;
  const { width, height } = facts.size;
  if (image.width === height && image.height === width) return true;
  return image.width === null && !fits(item, width, height) && fits(item, height, width);
}

/** Whether labels refer to the upright image: they have its size. */
const isLabelledUpright = (item: Item): boolean =>
  isSideways(item) && item.image.width === item.facts.size?.width && item.image.height === item.facts.size.height;

/** Tools that ignore EXIF orientation give boxes in the image as it is stored. */
function checkOrientation(items: readonly Item[]): Finding[] {
  const rotated = items.filter(({ facts }) => facts.orientation > 1);
  const stored = rotated.filter(isLabelledAsStored);
  const unclear = rotated.filter((item) => !isLabelledAsStored(item) && !isLabelledUpright(item));
  const describe = ({ facts }: Item): string => `${facts.file} (EXIF orientation ${facts.orientation})`;
  return [
    ...findingAt({
      severity: 'error',
      kind: 'exif-labels',
      locations: stored.map(describe),
      message: `${counted(stored.length, 'image is', 'images are')} rotated by EXIF orientation, but the labels refer to the pixels before rotation`,
      remedy: 'Remove the orientation tag (exiftool -Orientation= FILE), or label the upright images',
    }),
    ...findingAt({
      severity: 'warning',
      kind: 'exif-rotated',
      locations: unclear.map(describe),
      message: `${counted(unclear.length, 'image is', 'images are')} rotated or mirrored by EXIF orientation: boxes are assumed to refer to the upright image`,
      remedy:
        'Look at the pictures; if boxes are in the wrong place, remove the orientation tag (exiftool -Orientation= FILE)',
    }),
  ];
}

function checkLabelledSizes(items: readonly Item[]): Finding[] {
  const different = items.flatMap(({ image, facts }) => {
    const { size, orientation } = facts;
    if (size === null || image.width === null || image.height === null) return [];
    const isStored = orientation >= 5 && image.width === size.height && image.height === size.width;
    const isSame = image.width === size.width && image.height === size.height;
    return isStored || isSame ? [] : [{ file: image.file, labelled: [image.width, image.height] as const, size }];
  });
  const locations = different.map(
    ({ file, labelled: [width, height], size }) =>
      `${file}: ${width} x ${height} in the labels, ${size.width} x ${size.height} in the file`,
  );
  const isScaled = different.every(({ labelled: [width, height], size }) => {
    const [x, y] = [size.width / width, size.height / height];
    return Math.abs(x / y - 1) < 0.02;
  });
  return findingAt({
    severity: 'error',
    kind: 'image-size',
    locations,
    message:
      `${counted(locations.length, 'image file differs', 'image files differ')} in size from the labels` +
      (isScaled ? ', with the same proportions: resized after labelling' : ''),
    remedy: 'Use the images that were labelled, or scale the boxes by the same factor',
  });
}

function checkSizeMix(items: readonly Item[]): Finding[] {
  const filesBySize = new Map<string, string[]>();
  const areas: number[] = [];
  for (const { facts } of items) {
    if (facts.size === null) continue;
    const { width, height } = facts.size;
    areas.push(width * height);
    const key = `${width} x ${height}`;
    const files = filesBySize.get(key);
    if (files === undefined) filesBySize.set(key, [facts.file]);
    else files.push(facts.file);
  }
  const ranked = [...filesBySize].sort(([, a], [, b]) => b.length - a.length);
  const [usual] = ranked;
  if (usual === undefined) return [];
  const fraction = usual[1].length / areas.length;
  const others = ranked.slice(1).flatMap(([size, files]) => files.map((file) => `${file} (${size})`));
  const [least, most] = areas.reduce(([low, high], area) => [Math.min(low, area), Math.max(high, area)], [Infinity, 0]);
  return [
    ...findingAt({
      severity: 'note',
      kind: 'image-size-unusual',
      locations: fraction >= USUAL ? others : [],
      message: `${percent(fraction)} of the images have ${usual[0]} pixels, ${counted(others.length, 'has another size', 'have other sizes')}`,
      remedy: 'Check whether they belong to the data set: previews and whole scenes are easily included by mistake',
    }),
    ...findingAt({
      severity: 'warning',
      kind: 'image-size-mix',
      locations: most >= MIXED * least ? others : [],
      message: `The largest image has ${Math.round(most / least)} times the pixels of the smallest`,
      remedy: 'Cut large images into tiles of one size: a batch is padded to its largest image',
      where: 'images',
    }),
  ];
}

/** Images in which a detector sees nothing, though they can be read. */
function checkLevels(items: readonly Item[]): Finding[] {
  const filesWhere = (is: (lowest: number, highest: number) => boolean): string[] =>
    items.flatMap(({ facts: { file, levels } }) => (levels !== null && is(...levels) ? [file] : []));
  const dark = filesWhere((_, highest) => highest <= DARK_LEVEL);
  const flat = filesWhere((lowest, highest) => highest > DARK_LEVEL && lowest === highest);
  const partly = items.flatMap(({ facts: { file, levels, black } }) =>
    black !== null && black > MOSTLY && levels![1] > DARK_LEVEL ? [`${file} (${percent(black)})`] : [],
  );
  return [
    ...findingAt({
      severity: 'warning',
      kind: 'image-dark',
      locations: dark,
      message: `${counted(dark.length, 'image is', 'images are')} nearly black: no level above ${DARK_LEVEL} of 255`,
      remedy: `If they should not be: ${darkRemedy}`,
    }),
    ...findingAt({
      severity: 'warning',
      kind: 'image-black',
      locations: partly,
      message: `${counted(partly.length, 'image is', 'images are')} more than half black (all levels 0)`,
      remedy: `${blackRemedy[0]!.toUpperCase()}${blackRemedy.slice(1)}`,
    }),
    ...findingAt({
      severity: 'warning',
      kind: 'image-flat',
      locations: flat,
      message: `${counted(flat.length, 'image has', 'images have')} only one level`,
      remedy: 'Remove them, or export them again: there is nothing to see in them',
    }),
  ];
}

function checkDuplicates(items: readonly Item[]): Finding[] {
  const fileByHash = new Map<string, string>();
  const duplicates: string[] = [];
  for (const { facts } of items) {
    if (facts.hash === '') continue;
    const known = fileByHash.get(facts.hash);
    if (known === undefined) fileByHash.set(facts.hash, facts.file);
    else if (known !== facts.file) duplicates.push(`${facts.file} = ${known}`);
  }
  return findingAt({
    severity: 'warning',
    kind: 'image-duplicate',
    locations: duplicates,
    message: `${counted(duplicates.length, 'image has', 'images have')} the same bytes as another image`,
    remedy: 'Remove one of each pair with its labels: it counts twice, and may be on both sides of the split',
  });
}
