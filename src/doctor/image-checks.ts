import { findingAt, type Finding, type ImageKind, type Inventory, type Item } from './types.ts';
import { counted, percent } from '../common/check.ts';
import { isProper } from '../detector/visible-box.ts';

/** What is known of how 16-bit images will be read. */
export interface ImageCheckOptions {
  /** Whether it is settled how 16 bits become bytes. */
  readonly isStretched: boolean;
}

const KIND_OF: Readonly<Record<string, ImageKind>> = {
  png: 'png',
  jpg: 'jpeg',
  jpeg: 'jpeg',
  tif: 'tiff',
  tiff: 'tiff',
  webp: 'webp',
};
/** Share of one size from which images of another are unusual. */
const USUAL = 0.8;
/** Ratio of pixels from which padding to the largest image of a batch wastes most of the work. */
const MIXED = 16;

/** Checks image files and their relation to the labels. */
export function checkImages({ items, unlabelled }: Inventory, { isStretched }: ImageCheckOptions): Finding[] {
  const filesWith = (test: (item: Item) => boolean): string[] => items.filter(test).map(({ facts }) => facts.file);
  const reasonsOf = (kind: 'unreadable' | 'truncated'): string[] =>
    items.flatMap(({ facts: { file, problem } }) => (problem?.kind === kind ? [`${file}: ${problem.message}`] : []));

  const missing = filesWith(({ facts }) => facts.problem?.kind === 'missing');
  const wrongEnding = items.flatMap(({ facts: { file, kind } }) => {
    const expected = KIND_OF[/\.([^./]+)$/.exec(file)?.[1]?.toLowerCase() ?? ''];
    return kind === 'unknown' || expected === kind ? [] : [`${file} is a ${kind} file`];
  });
  const deep = filesWith(({ facts }) => facts.kind === 'tiff' && facts.bits === 16);
  const shallow = filesWith(({ facts }) => facts.kind === 'tiff' && facts.bits === 8);
  const isMixed = deep.length > 0 && shallow.length > 0;
  return [
    ...findingAt(
      'error',
      'image-missing',
      missing,
      `${counted(missing.length, 'image that the labels name does', 'images that the labels name do')} not exist`,
      'Name the folder of the images, or correct the paths in the labels (they are relative to it; case counts)',
    ),
    ...findingAt(
      'error',
      'image-truncated',
      reasonsOf('truncated'),
      `${counted(reasonsOf('truncated').length, 'image is', 'images are')} cut off`,
      'Copy or download them again; training stops at the first one',
    ),
    ...findingAt(
      'error',
      'image-unreadable',
      reasonsOf('unreadable'),
      `${counted(reasonsOf('unreadable').length, 'image', 'images')} cannot be read`,
      'Convert them to PNG, JPEG or TIFF with 8 or 16 bits, or leave them out',
    ),
    ...findingAt(
      'warning',
      'image-ending',
      wrongEnding,
      `${counted(wrongEnding.length, 'image is', 'images are')} of another kind than the ending says`,
      'Rename them: this library goes by the bytes, other programs by the ending',
    ),
    ...findingAt(
      'error',
      'image-bits-mixed',
      isMixed ? (deep.length < shallow.length ? deep : shallow) : [],
      `${counted(deep.length, 'TIFF image has', 'TIFF images have')} 16 bits, ${shallow.length} 8 bits: no one stretch fits both`,
      'Convert all of them to 8 bits with the same levels for black and white',
    ),
    ...findingAt(
      'note',
      'image-16-bit',
      isMixed || isStretched ? [] : deep,
      `${counted(deep.length, 'TIFF image has', 'TIFF images have')} 16 bits, and no stretch is given that takes them to 8`,
      'Training measures one over the images and keeps it with the weights; give it yourself to compare with other runs',
    ),
    ...checkOrientation(items),
    ...checkLabelledSizes(items),
    ...checkSizeMix(items),
    ...checkDuplicates(items),
    ...findingAt(
      'note',
      'image-unlabelled',
      unlabelled,
      `${counted(unlabelled.length, 'image beside the labelled ones has', 'images beside the labelled ones have')} no entry in the labels`,
      'They are left out; if they show no objects, say so in the labels: empty images teach what is no object',
    ),
  ];
}

/** Whether all boxes lie in an image of a size, to a pixel. */
const fits = ({ image }: Item, width: number, height: number): boolean =>
  image.objects.every(({ box }) => !isProper(box) || (box[2] <= width + 1 && box[3] <= height + 1));

/** EXIF: tools that draw boxes on the stored pixels give boxes of an image that lies on its side. */
function checkOrientation(items: readonly Item[]): Finding[] {
  const rotated = items.filter(({ facts }) => facts.orientation > 1);
  const isStored = (item: Item): boolean => {
    const { image, facts } = item;
    if (facts.size === null || facts.orientation < 5 || facts.size.width === facts.size.height) return false;
    const { width, height } = facts.size;
    if (image.width === height && image.height === width) return true;
    return image.width === null && !fits(item, width, height) && fits(item, height, width);
  };
  const stored = rotated.filter(isStored);
  // A label file that has the upright size was made on the upright image.
  const isUpright = ({ image, facts: { size, orientation } }: Item): boolean =>
    orientation >= 5 &&
    size !== null &&
    size.width !== size.height &&
    image.width === size.width &&
    image.height === size.height;
  const other = rotated.filter((item) => !isStored(item) && !isUpright(item));
  const nameOf = ({ facts }: Item): string => `${facts.file} (EXIF orientation ${facts.orientation})`;
  return [
    ...findingAt(
      'error',
      'exif-labels',
      stored.map(nameOf),
      `${counted(stored.length, 'image is', 'images are')} rotated by EXIF orientation, and the labels belong to the pixels before`,
      'Write the images anew as they lie in the file (exiftool -Orientation= FILE), or draw the boxes on the upright ones',
    ),
    ...findingAt(
      'warning',
      'exif-rotated',
      other.map(nameOf),
      `${counted(other.length, 'image is', 'images are')} rotated or mirrored by EXIF orientation: boxes are taken to be of the upright image`,
      'Look at the pictures; if boxes lie wrong, remove the orientation (exiftool -Orientation= FILE)',
    ),
  ];
}

function checkLabelledSizes(items: readonly Item[]): Finding[] {
  const different = items.filter(({ image, facts }) => {
    if (facts.size === null || image.width === null || image.height === null) return false;
    const { width, height } = facts.size;
    if (facts.orientation >= 5 && image.width === height && image.height === width) return false;
    return image.width !== width || image.height !== height;
  });
  const places = different.map(
    ({ image, facts }) =>
      `${image.file}: ${image.width} x ${image.height} in the labels, ${facts.size?.width} x ${facts.size?.height} in the file`,
  );
  const isScaled = different.every(({ image, facts }) => {
    const [x, y] = [(facts.size?.width ?? 0) / (image.width ?? 1), (facts.size?.height ?? 0) / (image.height ?? 1)];
    return Math.abs(x / y - 1) < 0.02;
  });
  return findingAt(
    'error',
    'image-size',
    places,
    `${counted(places.length, 'image has', 'images have')} another size than the labels say` +
      (isScaled ? ', of the same proportions: resized after labelling' : ''),
    'Use the images that were labelled, or scale the boxes with them',
  );
}

function checkSizeMix(items: readonly Item[]): Finding[] {
  const counts = new Map<string, string[]>();
  const areas: number[] = [];
  for (const { facts } of items) {
    if (facts.size === null) continue;
    const { width, height } = facts.size;
    areas.push(width * height);
    const key = `${width} x ${height}`;
    const files = counts.get(key);
    if (files === undefined) counts.set(key, [facts.file]);
    else files.push(facts.file);
  }
  const ranked = [...counts].sort(([, a], [, b]) => b.length - a.length);
  const [usual] = ranked;
  if (usual === undefined) return [];
  const share = usual[1].length / areas.length;
  const odd = ranked.slice(1).flatMap(([size, files]) => files.map((file) => `${file} (${size})`));
  const [least, most] = areas.reduce(([low, high], area) => [Math.min(low, area), Math.max(high, area)], [Infinity, 0]);
  return [
    ...(share >= USUAL
      ? findingAt(
          'note',
          'image-size-unusual',
          odd,
          `${percent(share)} of the images have ${usual[0]} pixels, ${counted(odd.length, 'has another size', 'have other sizes')}`,
          'Look whether they belong here: previews and whole scenes slip in easily',
        )
      : []),
    ...(most >= MIXED * least
      ? findingAt(
          'warning',
          'image-size-mix',
          odd,
          `The largest image has ${Math.round(most / least)} times the pixels of the smallest`,
          'A batch is padded to its largest image: cut large images into tiles of one size',
          'images',
        )
      : []),
  ];
}

function checkDuplicates(items: readonly Item[]): Finding[] {
  const first = new Map<string, string>();
  const places: string[] = [];
  for (const { facts } of items) {
    if (facts.hash === '') continue;
    const known = first.get(facts.hash);
    if (known === undefined) first.set(facts.hash, facts.file);
    else if (known !== facts.file) places.push(`${facts.file} = ${known}`);
  }
  return findingAt(
    'warning',
    'image-duplicate',
    places,
    `${counted(places.length, 'image has', 'images have')} the same bytes as another one`,
    'Remove one of each pair with its labels: it counts twice, and may land on both sides of the split',
  );
}
