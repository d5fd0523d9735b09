import { statSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { counted, defined } from '../common/check.ts';
import {
  findImages,
  overviewOf,
  writePng,
  type Detections,
  type Georeference,
  type InputError,
  type LabelledImage,
  type LabelTable,
  type Raster,
  type RgbImage,
} from '../data-node.ts';
import {
  commonFolder,
  detectFiles,
  loadDetector,
  omittedImages,
  TileJournal,
  viewNames,
  type Detector,
} from '../detector-node.ts';
import { init, type Device } from '../node.ts';
import { detectionPicture } from '../report.ts';
import { defineCommand, EXIT, makeFolder, type Call } from './command.ts';
import type { HelpText } from './help.ts';
import { adapter, flag, integer, listOf, number, oneOf, option, text, type OptionTable } from './options.ts';
import { darkNote, limitNote, unreadableNote } from './notes.ts';
import { weightsFile } from './run-paths.ts';
import { interruptSignal, type Terminal } from './terminal.ts';
import { openRequested, readTileOptions, tileNotes, tileOptions, type OpenedTiles } from './tiles.ts';
import { UsageError } from './usage-error.ts';
import {
  checkFormats,
  coordinateSystem,
  isLayerFormat,
  predictionFormats,
  writePredictions,
} from './write-predictions.ts';

/** Enough for dense tiles. */
const MAX_DETECTIONS = 1000;

/** Larger rasters are not drawn unless asked: pictures would take long and show nothing. */
const PICTURE_PIXELS = 25_000_000;
/** Longest side of a picture. */
const MAX_PICTURE = 4096;

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
    about: 'side of a tile in pixels; at most what the network saw in training',
    otherwise: 'what the network saw in training; none if it resizes whole images',
  }),
  overlap: option(integer({ min: 0 }), {
    value: 'N',
    about: 'overlap of neighbouring tiles in pixels; at least the size of an object',
    otherwise: 'a fifth of the tile',
  }),
  'max-detections': option(integer({ min: 1 }), {
    value: 'N',
    about: 'maximum number of detections of an image or, if it is divided, of a tile',
    otherwise: `${MAX_DETECTIONS}, or that of training if it is larger`,
  }),
  views: option(oneOf(viewNames), {
    value: 'NAME',
    about: 'test-time augmentation: flips detects on 4 views of each tile, turns on 8, and fuses their boxes',
    default: 'none',
  }),
  format: option(listOf(oneOf(predictionFormats)), {
    value: 'NAMES',
    about: `formats of the detections, comma-separated: ${predictionFormats.join(', ')}`,
    default: ['csv'],
  }),
  crs: option(coordinateSystem, {
    value: 'SYSTEM',
    about: 'coordinate system of gpkg, fgb, shp and geojson: raster (that of the images), or EPSG:n',
    otherwise: 'EPSG:4326 for geojson, otherwise raster',
  }),
  pictures: flag(`also draws rasters of more than ${PICTURE_PIXELS / 1e6} million pixels, reduced`),
  'no-pictures': flag('does not draw the detections of each image to a PNG'),
  scale: option(integer({ min: 1, max: 16 }), {
    value: 'N',
    about: 'magnification of the pictures',
    otherwise: '1 for large images, up to 4 for small ones',
  }),
  ...tileOptions,
  adapter,
} as const satisfies OptionTable;

const help: HelpText = {
  usage: `
retinagrad predict IMAGES... [--weights FILE] [--out FOLDER] [--threshold X] [--tile N] [--format NAMES]
retinagrad predict --tiles URL --bbox W,S,E,N --zoom Z [--key-env NAME] [--offline] [OPTIONS]`,
  about: `
IMAGES are PNG, JPEG, WebP or TIFF files, URLs of cloud-optimized GeoTIFF files, folders, patterns like 'new/*.jpg', or a
.txt file that lists them. The detector sees each image as a whole or, if the image is larger than --tile, in overlapping
tiles; objects found in several tiles are reported once. Rasters may have any size: only the tiles at work are in memory.
Tiles without data (nodata, masks, transparency) are skipped. Objects must have about the same size in pixels as in training.

--tiles reads an area of a tile service in Web Mercator, as Nearmap, EagleView and others offer it, or of a folder of tiles
(a path with {z}/{x}/{y}). Tiles are requested when the detector comes to them, at most four at a time, and kept in --cache. The
key of the service is given by --key-env or --key-file, not in the URL, and is not shown or written anywhere.

What is found is kept in FOLDER/progress.jsonl until the end: the same command goes on where an interrupted one stopped.

Writes predictions.csv (image, x1, y1, x2, y2 in pixels, label, score) or the formats that --format names. Image paths are
relative to the innermost folder that contains all images. Images that cannot be read are left out and listed.

gpkg (GeoPackage), shp (shapefile), fgb (FlatGeobuf) and geojson are layers for GIS programs, with the detections of all
images as polygons with class, score, image, box in pixels and area in square metres. They are in the coordinate system of the
images or, if these have several, in WGS84. Images without a georeference are listed, and predictions.csv then has the
detections of all images.`,
  exit: {
    [EXIT.failed]: 'failed, or images could not be read or placed on the map (those of the others are written)',
    [EXIT.interrupted]: 'interrupted (detections so far are written)',
  },
  examples: [
    ['npx retinagrad predict tile.png'],
    ['npx retinagrad predict scene.tif --tile 512 --overlap 96 --threshold 0.4'],
    ['npx retinagrad predict https://example.com/city.tif --views flips --format gpkg'],
    ['npx retinagrad predict ortho --format shp,csv --no-pictures'],
    ["npx retinagrad predict --tiles 'https://example.com/{z}/{x}/{y}.jpg' --bbox 13.40,52.51,13.41,52.52 --zoom 19"],
    ["npx retinagrad predict 'unseen/*.jpg' --threshold 0 --format coco --no-pictures"],
  ],
};

export const predict = defineCommand('predict', {
  help,
  output: 'the detections per image and class',
  options: OPTIONS,
  run: runPredict,
});

/** Name of what `--tiles` reads, in the progress and of its picture. */
const TILES = 'tiles';

const GOES_ON = 'The same command goes on where this one stopped.';

/** Pictures of small images are enlarged to about this many pixels. */
const PICTURE_SIZE = 512;

async function runPredict({ options, positionals, terminal }: Call<typeof OPTIONS>): Promise<number> {
  const requested = readTileOptions(options);
  if (positionals.length === 0 && requested === null)
    throw new UsageError('name at least one image or folder, or --tiles');
  const { out, format: formats, crs, scale, overlap } = options;
  checkFormats(formats);
  if (crs !== undefined && !formats.some(isLayerFormat)) {
    throw new UsageError('--crs goes with --format geojson, gpkg, fgb or shp');
  }
  const files = positionals.length === 0 ? [] : await findImages(positionals);
  const weights = weightsFile(options.weights);
  makeFolder(out, '--out');
  const device = await init(defined({ adapter: options.adapter }));
  const detector = loadDetector(weights);
  const { classes } = detector;
  const { threshold = detector.scoreThreshold } = options;
  const tile = tileOf(detector, options.tile);
  checkOverlap(overlap, tile);
  const signal = interruptSignal(() => terminal.warn('Interrupted: writing the detections so far...'));
  let tiles: OpenedTiles | null = null;
  try {
    if (requested !== null) tiles = await openRequested(requested, terminal, signal);
  } catch (error) {
    if (error !== signal.reason) throw error;
    return EXIT.interrupted;
  }
  const inputs = tiles === null ? files : [...files, tiles.raster];
  announce(detector, { device, weights, threshold, tile, files: inputs.length }, terminal);
  const { 'max-detections': maxDetections = Math.max(detector.spec.postprocess.maxDetections, MAX_DETECTIONS) } =
    options;
  const detecting = { tile, scoreThreshold: threshold, maxDetections, views: options.views, ...defined({ overlap }) };
  const journal = await openJournal(join(out, 'progress.jsonl'), { weights, ...detecting });
  if (journal.tiles > 0)
    terminal.say(`goes on: ${counted(journal.tiles, 'tile', 'tiles')} of an interrupted call are kept`);
  const images: LabelledImage[] = [];
  const georeferences = new Map<string, Georeference>();
  const unreadable: { readonly file: string; readonly reason: string }[] = [];
  const progress = (): void => terminal.progress('detecting', images.length + unreadable.length, inputs.length);
  progress();
  const onUnreadable = (file: string, error: InputError): void => {
    if (inputs.length === 1) throw error;
    unreadable.push({ file, reason: error.explain() });
    progress();
  };
  // Within one image only where it has many tiles; of a folder, images are counted.
  const onTiles = (done: number, total: number): void => {
    if (inputs.length > 1 && total <= 100) return;
    const file = files[images.length + unreadable.length];
    terminal.progress(`detecting on ${file === undefined ? TILES : basename(file)}, tile`, done, total);
  };
  const pictures = options['no-pictures'] ? null : pictureNames(tiles === null ? files : [...files, TILES]);
  const running = {
    ...detecting,
    signal,
    onUnreadable,
    onTiles,
    storeOf: (file: string) => journal.storeOf(fileKey(file)),
  };
  let [limited, dark, undrawn] = [0, 0, 0];
  for await (const { file, raster, isDark, detections, labelled } of detectFiles(detector, inputs, running)) {
    images.push(labelled);
    const { affine, epsg, geographic } = raster;
    georeferences.set(labelled.file, { affine, epsg, geographic });
    limited += omittedImages([detections], threshold);
    if (isDark) dark++;
    progress();
    if (pictures === null) continue;
    if (raster.width * raster.height > PICTURE_PIXELS && !options.pictures) undrawn++;
    else
      await writePng(
        join(out, pictures.get(raster === tiles?.raster ? TILES : file)!),
        await pictureOf(raster, detections, { classes, scale }),
      );
  }
  terminal.stop();
  detector.dispose();
  if (signal.aborted && images.length === 0) {
    terminal.warn(GOES_ON);
    return EXIT.interrupted;
  }
  if (unreadable.length > 0) {
    terminal.warn(unreadableNote(unreadable.map(({ reason }) => reason)));
    // Predictions of an earlier call are better than none.
    if (images.length === 0) return EXIT.failed;
  }
  const table = { classes, images };
  const folder = commonFolder(files);
  const written = await writePredictions(table, formats, { out, images: folder, crs, georeferences });
  const { notes, unplaced, failures, complete } = written;
  const counts = countsOf(table);
  const total = images.reduce((sum, { objects }) => sum + objects.length, 0);
  const result = { weights, threshold, files: written.files, folder, detections: total, images: counts };
  terminal.result({ ...result, unreadable, unplaced, limited, dark });
  for (const note of notes) terminal.warn(note);
  const names = written.files.map((file) => (file.crs == null ? file.path : `${file.path} (${file.crs})`)).join(', ');
  terminal.print(
    `${counted(total, 'detection', 'detections')} in ${counted(images.length, 'image', 'images')}: ${names}${pictures === null ? '' : ', and pictures beside it'}`,
  );
  if (tiles !== null) for (const note of tileNotes(tiles.progress())) terminal.say(note);
  if (limited > 0) terminal.warn(limitNote(limited, maxDetections, '--max-detections'));
  if (dark > 0) terminal.warn(darkNote(dark));
  if (undrawn > 0)
    terminal.say(`${counted(undrawn, 'image is', 'images are')} too large for a picture: --pictures draws it reduced`);
  device.destroy();
  if (unplaced.length > 0) {
    const what = counted(unplaced.length, 'image is', 'images are');
    const list = unplaced.map(({ file, reason }) => `  ${file}: ${reason}`);
    terminal.warn([`${what} missing on the map; ${complete} has all detections:`, ...list].join('\n'));
  }
  for (const { format, reason } of failures) {
    terminal.warn(`The detections are in ${complete} instead of ${format}: ${reason}`);
  }
  if (signal.aborted) {
    terminal.warn(GOES_ON);
    return EXIT.interrupted;
  }
  await journal.remove();
  return unreadable.length + unplaced.length + failures.length > 0 ? EXIT.failed : EXIT.done;
}

/** The journal of a call; what is in it is taken over if weights and options are those of the call that wrote it. */
function openJournal(path: string, settings: { readonly weights: string }): Promise<TileJournal> {
  return TileJournal.open(path, { ...settings, weights: fileKey(settings.weights) });
}

/** A file with its size and date, which tell whether it has changed. */
function fileKey(file: string): string {
  const found = statSync(file, { throwIfNoEntry: false });
  return found === undefined ? file : `${resolve(file)} ${found.size} ${found.mtimeMs}`;
}

/** The detections of an image, drawn on it or, if it is large, on a reduced image. */
async function pictureOf(
  raster: Raster,
  detections: Detections,
  { classes, scale }: { readonly classes: readonly string[]; readonly scale: number | undefined },
): Promise<RgbImage> {
  const { image, factor } = await overviewOf(raster, MAX_PICTURE);
  const fitting = Math.min(4, Math.max(1, Math.round(PICTURE_SIZE / Math.max(...image.shape.slice(0, 2)))));
  const reduced = { ...detections, boxes: detections.boxes.map((value) => value / factor) };
  // There is no ground truth, so detections are drawn in the neutral colour.
  return detectionPicture(image, null, reduced, { scale: scale ?? fitting, classes });
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

/** Side of the tiles; null if images are detected on as a whole. In larger ones than in training the network errs more. */
function tileOf({ tile, detectionTile }: Detector, given: number | undefined): number | null {
  if (given === undefined) return detectionTile;
  return tile === null ? given : Math.min(given, tile);
}

/** `tile` is null if images are detected on as a whole. */
function checkOverlap(overlap: number | undefined, tile: number | null): void {
  if (overlap === undefined || (tile !== null && overlap < tile)) return;
  const expected = tile === null ? 'but images are not tiled: give --tile' : `expected less than --tile, ${tile}`;
  throw new UsageError(`--overlap is ${overlap}, ${expected}`);
}

/** A name for the picture of each file: its own, numbered if several files have the same. */
function pictureNames(files: readonly string[]): ReadonlyMap<string, string> {
  const used = new Map<string, number>();
  return new Map(
    files.map((file) => {
      const name = file.replace(/^.*[\\/]/, '').replace(/\.\w+$/, '');
      const count = (used.get(name) ?? 0) + 1;
      used.set(name, count);
      return [file, `${name}${count === 1 ? '' : `-${count}`}.png`];
    }),
  );
}
