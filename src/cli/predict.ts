import { join } from 'node:path';
import { counted, defined } from '../common/check.ts';
import { findImages, writeLabels, writePng, type LabelFormat, type LabelTable } from '../data-node.ts';
import { commonFolder, detectFiles, loadDetector, type Detector } from '../detector-node.ts';
import { init, type Device } from '../node.ts';
import { detectionPicture } from '../report.ts';
import { defineCommand, EXIT, makeFolder, type Call } from './command.ts';
import type { HelpText } from './help.ts';
import { adapter, flag, integer, number, oneOf, option, text, type OptionTable } from './options.ts';
import { weightsFile } from './run-paths.ts';
import { interruptSignal, type Terminal } from './terminal.ts';
import { UsageError } from './usage-error.ts';

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
  const detector = loadDetector(weights);
  const { classes } = detector;
  const { tile = detector.detectionTile, threshold = detector.scoreThreshold } = options;
  checkOverlap(overlap, tile);
  announce(detector, { device, weights, threshold, tile, files: files.length }, terminal);
  const signal = interruptSignal(() => terminal.warn('Interrupted: writing the detections so far...'));
  const pictures = options['no-pictures'] ? null : pictureNames(files);
  const images = [];
  terminal.progress('detecting', 0, files.length);
  const detecting = { tile, scoreThreshold: threshold, signal, ...defined({ overlap }) };
  for await (const { image, detections, labelled } of detectFiles(detector, files, detecting)) {
    const number = images.push(labelled);
    terminal.progress('detecting', number, files.length);
    if (pictures === null) continue;
    const fitting = Math.min(4, Math.max(1, Math.round(PICTURE_SIZE / Math.max(...image.shape.slice(0, 2)))));
    // There is no ground truth, so detections are drawn in the neutral colour.
    const picture = detectionPicture(image, null, detections, { scale: scale ?? fitting, classes });
    await writePng(join(out, pictures[number - 1]!), picture);
  }
  terminal.stop();
  detector.dispose();
  const target = join(out, `predictions${FOLDERS.includes(format) ? '' : (ENDINGS[format] ?? '.csv')}`);
  const table = { classes, images };
  const { unsupported } = await writeLabels(table, target, format, { overwrite: true });
  const counts = countsOf(table);
  const total = images.reduce((sum, { objects }) => sum + objects.length, 0);
  terminal.result({ weights, threshold, file: target, folder: commonFolder(files), detections: total, images: counts });
  // Image sizes and class order are by-products here; losing them is not worth a warning.
  const missed = unsupported.filter(({ what }) => what !== 'sizes' && what !== 'class order');
  for (const { message } of missed) terminal.warn(`not kept: ${message}`);
  terminal.print(
    `${counted(total, 'detection', 'detections')} in ${counted(images.length, 'image', 'images')}: ${target}${pictures === null ? '' : ', and pictures beside it'}`,
  );
  device.destroy();
  return signal.aborted ? EXIT.interrupted : EXIT.done;
}

function announce(
  { classes, spec }: Detector,
  {
    device,
    weights,
    threshold,
    tile,
    files,
  }: { device: Device; weights: string; threshold: number; tile: number | null; files: number },
  terminal: Terminal,
): void {
  terminal.facts([
    ['adapter', `${device.adapter.name} (${device.adapter.kind})`],
    ['weights', weights],
    ['detects', `${classes.join(', ')}, with a score >= ${threshold.toFixed(2)}`],
    [
      'images',
      tile === null
        ? `${files}, each resized as a whole to ${spec.transform.minSize} pixels, as in training; --tile cuts large ones`
        : `${files}, in tiles of ${tile} pixels if they are larger`,
    ],
  ]);
}

/** Detections of each class in each image. */
const countsOf = ({ classes, images }: LabelTable): object[] =>
  images.map(({ file, objects }) => ({
    file,
    objects: Object.fromEntries(
      classes.map((name, label) => [name, objects.filter((object) => object.label === label).length]),
    ),
  }));

/** `tile` is null if images are detected on as a whole. */
function checkOverlap(overlap: number | undefined, tile: number | null): void {
  if (overlap === undefined || (tile !== null && overlap < tile)) return;
  const expected = tile === null ? 'but images are not tiled: give --tile' : `expected less than --tile, ${tile}`;
  throw new UsageError(`--overlap is ${overlap}, ${expected}`);
}

/** A name for the picture of each file: its own, numbered if several files have the same. */
function pictureNames(files: readonly string[]): string[] {
  const used = new Map<string, number>();
  return files.map((file) => {
    const name = file.replace(/^.*[\\/]/, '').replace(/\.\w+$/, '');
    const count = (used.get(name) ?? 0) + 1;
    used.set(name, count);
    return `${name}${count === 1 ? '' : `-${count}`}.png`;
  });
}
