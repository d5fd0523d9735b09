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
import {
  adapterOption,
  choice,
  EXIT,
  makeFolder,
  number,
  text,
  UsageError,
  type Call,
  type Command,
} from './command.ts';
import { interruptSignal } from './terminal.ts';
import { weightsFile } from './run-paths.ts';
import { counted } from '../common/check.ts';

const FORMATS = ['csv', 'coco', 'voc', 'yolo', 'deepforest', 'spacenet-csv'] as const satisfies LabelFormat[];
const FOLDERS: readonly string[] = ['voc', 'yolo'];
const ENDINGS: Readonly<Record<string, string>> = { coco: '.json' };

const help = `retinagrad predict: finds objects in images.

Usage:
  retinagrad predict IMAGES... [--weights FILE] [--out FOLDER] [--threshold X] [--tile N] [--format NAME]

IMAGES are PNG, JPEG, WebP or TIFF files, folders, patterns such as 'new/*.jpg', or a .txt list of them. Each is looked at whole,
or in overlapping tiles where it is larger than --tile; what neighbouring tiles see twice is counted once. Objects must have
about the size in pixels that they had in training.

Options:
  --weights FILE    best.safetensors or last.safetensors of a run (best.safetensors of the newest run in runs/)
  --out FOLDER      where results go (predictions)
  --threshold X     smallest score of a detection (that of the best F1 in training); 0 keeps all, for evaluate
  --tile N          side of a tile in pixels (that of the tiles in training; none where training resized whole images;
                    else 1024)
  --overlap N       pixels that tiles share; at least the size of an object (a fifth of the tile)
  --format NAME     ${FORMATS.join(', ')} (csv)
  --no-pictures     leaves out the PNG of each image with its boxes
  --scale N         enlarges the pictures N times (1 for large images, up to 4 for small ones)
  --adapter NAME    hardware, lavapipe, swiftshader, or a part of an adapter's name (the best there is)
  --json            counts per image and class as JSON

Writes predictions.csv (image, x1, y1, x2, y2 in pixels, label, score), or what --format asks for. Images are named by their
paths in the folder that holds them all.
Exit status: 0 done, 1 failed, 2 wrong command line, 130 interrupted (what was found until then is written).

Examples:
  npx retinagrad predict tile.png
  npx retinagrad predict scene.tif --tile 512 --overlap 96 --threshold 0.4
  npx retinagrad predict 'unseen/*.jpg' --threshold 0 --format coco --no-pictures
`;

export const predict: Command = {
  help,
  options: {
    weights: { type: 'string' },
    out: { type: 'string' },
    threshold: { type: 'string' },
    tile: { type: 'string' },
    overlap: { type: 'string' },
    format: { type: 'string' },
    'no-pictures': { type: 'boolean' },
    scale: { type: 'string' },
    adapter: { type: 'string' },
  },
  run: runPredict,
};

/** Pictures of small images are enlarged to about this many pixels. */
const PICTURE_SIZE = 512;

async function runPredict({ values, positionals, terminal }: Call): Promise<number> {
  if (positionals.length === 0) throw new UsageError('name at least one image or folder');
  const files = await findImages(positionals);
  const out = text(values, 'out') ?? 'predictions';
  const format = choice(values, 'format', FORMATS) ?? 'csv';
  const scale = number(values, 'scale', { min: 1, max: 16, whole: true });
  const givenTile = number(values, 'tile', { min: 32, whole: true });
  const overlap = number(values, 'overlap', { min: 0, whole: true });
  const given = number(values, 'threshold', { min: 0, max: 1 });
  if (givenTile !== undefined) checkOverlap(overlap, givenTile);
  const weights = weightsFile(values);
  makeFolder(out, '--out');
  const device = await init(adapterOption(values));
  const { model, classes, scoreThreshold, reading, tile: trainedTile } = loadDetector(weights);
  // As in training: tiles of their size, or images that the network resizes as a whole. Otherwise what memory can hold.
  const tile = givenTile ?? trainedTile ?? (model.spec.transform.minSize === null ? 1024 : null);
  checkOverlap(overlap, tile);
  const threshold = given ?? scoreThreshold;
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
  const pictures = values['no-pictures'] === true ? null : pictureNames(files);
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
  const { unsupported } = await writeLabels({ classes, images }, target, format, { overwrite: true });
  const count = images.reduce((sum, { objects }) => sum + objects.length, 0);
  const perImage = images.map(({ file, objects }) => ({
    file,
    objects: Object.fromEntries(
      classes.map((name, label) => [name, objects.filter((object) => object.label === label).length]),
    ),
  }));
  terminal.result({ weights, threshold, file: target, folder: root, detections: count, images: perImage });
  // Nobody asked for the sizes of the images or the order of the classes; they are at hand by chance.
  const missed = unsupported.filter(({ what }) => what !== 'sizes' && what !== 'class order');
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
