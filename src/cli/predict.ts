import { dirname, join, relative, resolve, sep } from 'node:path';
import {
  findImages,
  objectsOf,
  readImage,
  writeLabels,
  writePng,
  type LabelledImage,
  type LabelFormat,
} from '../data.ts';
import { init } from '../node.ts';
import { detectionPicture } from '../report.ts';
import { detectImage, loadDetector } from '../train.ts';
import { atLeast } from '../detector/detections-table.ts';
import { defineCommand, defined, EXIT, makeFolder, type Call } from './command.ts';
import type { HelpText } from './help.ts';
import { adapter, flag, integer, number, oneOf, option, text, type OptionTable } from './options.ts';
import { UsageError } from './usage-error.ts';
import { interruptSignal } from './terminal.ts';
import { weightsFile } from './run-paths.ts';
import { counted } from '../common/check.ts';

const FORMATS = ['csv', 'coco', 'voc', 'yolo', 'deepforest', 'spacenet-csv'] as const satisfies LabelFormat[];
const FOLDERS: readonly string[] = ['voc', 'yolo'];
const ENDINGS: Readonly<Record<string, string>> = { coco: '.json' };

const OPTIONS = {
  weights: option(text, {
    value: 'FILE',
    about: 'best.safetensors or last.safetensors of a run',
    otherwise: 'best.safetensors of the newest run in runs/',
  }),
  out: option(text, { value: 'FOLDER', about: 'folder for the results', default: 'predictions' }),
  threshold: option(number({ min: 0, max: 1 }), {
    value: 'X',
    about: 'minimum score of a detection; use 0 for detections to evaluate',
    otherwise: 'the threshold with the highest F1 in training',
  }),
  tile: option(integer({ min: 32 }), {
    value: 'N',
    about: 'side of a tile in pixels',
    otherwise: 'as in training; none if the network resizes whole images; otherwise 1024',
  }),
  overlap: option(integer({ min: 0 }), {
    value: 'N',
    about: 'overlap of neighbouring tiles in pixels; at least the size of an object',
    otherwise: 'a fifth of the tile',
  }),
  format: option(oneOf(FORMATS), {
    value: 'NAME',
    about: `format of the detections: ${FORMATS.join(', ')}`,
    default: 'csv',
  }),
  'no-pictures': flag('does not draw the detections of each image to a PNG'),
  scale: option(integer({ min: 1, max: 16 }), {
    value: 'N',
    about: 'magnification of the pictures',
    otherwise: '1 for large images, up to 4 for small ones',
  }),
  adapter,
} as const satisfies OptionTable;

const help: HelpText = {
  usage: 'retinagrad predict IMAGES... [--weights FILE] [--out FOLDER] [--threshold X] [--tile N] [--format NAME]',
  about: `
IMAGES are PNG, JPEG, WebP or TIFF files, folders, patterns like 'new/*.jpg', or a .txt file that lists them. The detector
sees each image as a whole or, if the image is larger than --tile, in overlapping tiles; objects found in several tiles are
reported once. Objects must have about the same size in pixels as in training.

Writes predictions.csv (image, x1, y1, x2, y2 in pixels, label, score) or the format that --format names. Image paths in it
are relative to the innermost folder that contains all images.`,
  exit: { [EXIT.interrupted]: 'interrupted (detections so far are written)' },
  examples: [
    ['npx retinagrad predict tile.png'],
    ['npx retinagrad predict scene.tif --tile 512 --overlap 96 --threshold 0.4'],
    ["npx retinagrad predict 'unseen/*.jpg' --threshold 0 --format coco --no-pictures"],
  ],
};

export const predict = defineCommand('predict', {
  help,
  output: 'the detections per image and class',
  options: OPTIONS,
  run: runPredict,
});

/** Pictures of small images are enlarged to about this many pixels. */
const PICTURE_SIZE = 512;

async function runPredict({ options, positionals, terminal }: Call<typeof OPTIONS>): Promise<number> {
  if (positionals.length === 0) throw new UsageError('name at least one image or folder');
  const files = await findImages(positionals);
  const { out, format, scale, overlap } = options;
  if (options.tile !== undefined) checkOverlap(overlap, options.tile);
  const weights = weightsFile(options.weights);
  makeFolder(out, '--out');
  const device = await init(defined({ adapter: options.adapter }));
  const { model, classes, scoreThreshold, reading, tile: trainedTile } = loadDetector(weights);
  // As in training: tiles of their size, or images that the network resizes as a whole. Otherwise what memory can hold.
  const tile = options.tile ?? trainedTile ?? (model.spec.transform.minSize === null ? 1024 : null);
  checkOverlap(overlap, tile);
  const threshold = options.threshold ?? scoreThreshold;
  terminal.facts([
    ['adapter', `${device.adapter.name} (${device.adapter.kind})`],
    ['weights', weights],
    ['finds', `${classes.join(', ')}, at scores from ${threshold.toFixed(2)}`],
    [
      'images',
      tile === null
        ? `${files.length}, each resized as a whole to ${model.spec.transform.minSize} pixels, as in training; --tile cuts large ones`
        : `${files.length}, in tiles of ${tile} pixels where they are larger`,
    ],
  ]);
  const signal = interruptSignal(() => terminal.warn('Interrupted: writing what was found...'));
  const pictures = options['no-pictures'] ? null : pictureNames(files);
  // Label files name images relative to their folder.
  const root = commonFolder(files);
  const images: LabelledImage[] = [];
  for (const [i, file] of files.entries()) {
    if (signal.aborted) break;
    terminal.progress('detecting', i, files.length);
    const image = await readImage(file, reading);
    const found =
      tile === null
        ? (await model.detect([image]))[0]!
        : await detectImage(model, image, { tile, ...(overlap === undefined ? {} : { overlap }) });
    const kept = atLeast(found, threshold);
    const [height, width] = image.shape as [number, number, number];
    images.push({ file: nameIn(root, file), width, height, objects: objectsOf(kept) });
    if (pictures === null) continue;
    const fitting = Math.min(4, Math.max(1, Math.round(PICTURE_SIZE / Math.max(height, width))));
    // Nothing is known about what is there, so every detection is drawn as one that stands by itself.
    await writePng(join(out, pictures[i]!), detectionPicture(image, null, kept, { scale: scale ?? fitting, classes }));
  }
  terminal.stop();
  model.dispose();
  const target = join(out, `predictions${FOLDERS.includes(format) ? '' : (ENDINGS[format] ?? '.csv')}`);
  const { losses } = await writeLabels({ classes, images }, target, format, { overwrite: true });
  const count = images.reduce((sum, { objects }) => sum + objects.length, 0);
  const perImage = images.map(({ file, objects }) => ({
    file,
    objects: Object.fromEntries(
      classes.map((name, label) => [name, objects.filter((object) => object.label === label).length]),
    ),
  }));
  terminal.result({ weights, threshold, file: target, folder: root, detections: count, images: perImage });
  // Nobody asked for the sizes of the images or the order of the classes; they are at hand by chance.
  const missed = losses.filter(({ what }) => what !== 'sizes' && what !== 'class order');
  for (const { message } of missed) terminal.warn(`not kept: ${message}`);
  terminal.print(
    `${counted(count, 'detection', 'detections')} in ${counted(images.length, 'image', 'images')}: ${target}${pictures === null ? '' : ', and pictures beside it'}`,
  );
  device.destroy();
  return signal.aborted ? EXIT.interrupted : EXIT.done;
}

/** The innermost folder that holds all files. */
function commonFolder(files: readonly string[]): string {
  const [first = [], ...others] = files.map((file) => dirname(resolve(file)).split(sep));
  const shared = first.findIndex((part, i) => others.some((other) => other[i] !== part));
  return (shared < 0 ? first : first.slice(0, shared)).join(sep) || sep;
}

/** The path of a file in a folder, with forward slashes. */
const nameIn = (folder: string, file: string): string => relative(folder, file).split(sep).join('/');

/** `tile` is null where images are looked at as a whole. */
function checkOverlap(overlap: number | undefined, tile: number | null): void {
  if (overlap === undefined || (tile !== null && overlap < tile)) return;
  const expected =
    tile === null ? 'but images are looked at as a whole: give --tile' : `expected less than --tile, ${tile}`;
  throw new UsageError(`--overlap is ${overlap}, ${expected}`);
}

/** A name for the picture of each file: its own, numbered where two files have the same. */
function pictureNames(files: readonly string[]): string[] {
  const used = new Map<string, number>();
  return files.map((file) => {
    const name = file.replace(/^.*[\\/]/, '').replace(/\.\w+$/, '');
    const count = (used.get(name) ?? 0) + 1;
    used.set(name, count);
    return `${name}${count === 1 ? '' : `-${count}`}.png`;
  });
}
