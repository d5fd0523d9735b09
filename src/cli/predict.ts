import { counted, defined } from '../common/check.ts';
import {
  AreaOfInterest,
  findImages,
  openRaster,
  partOfRaster,
  rgbRaster,
  type LabelTable,
  type Raster,
} from '../data-node.ts';
import {
  commonFolder,
  LostClaim,
  resolutionNote,
  viewNames,
  type Detector,
  type QueueTerms,
} from '../detector-node.ts';
import { defaultDevice, DeviceLostError, init, type Device } from '../node.ts';
import type { MapImage } from '../report-node.ts';
import { defineCommand, EXIT, makeFolder, type Call } from './command.ts';
import {
  detectInputs,
  openJournal,
  PICTURE_PIXELS,
  type DetectInputsOptions,
  type FoundImage,
  type FoundInInputs,
  type KnownTiles,
} from './detect-inputs.ts';
import type { HelpText } from './help.ts';
import {
  classNames,
  flag,
  gpuOptions,
  initOptions,
  integer,
  listOf,
  number,
  oneOf,
  option,
  text,
  type OptionTable,
  type OptionValues,
} from './options.ts';
import { adapterText, darkNote, limitNote, resampleNote, unreadableNote } from './notes.ts';
import { writeMapPage } from './map.ts';
import { openToRun } from './open-detector.ts';
import { weightsFile } from './run-paths.ts';
import { isShared, sharedWorkOptions, shareWork } from './shared-work.ts';
import { interruptSignal, type Terminal } from './terminal.ts';
import { openRequested, readTileOptions, tileNotes, tileOptions, type OpenedTiles } from './tiles.ts';
import { UsageError } from './usage-error.ts';
import {
  checkFormats,
  coordinateSystem,
  isLayerFormat,
  predictionFormats,
  writePredictions,
  type WrittenPredictions,
} from './write-predictions.ts';

/** Enough for dense tiles. */
const MAX_DETECTIONS = 1000;

const OPTIONS = {
  weights: option(text, {
    value: 'FILE',
    about: 'best.safetensors or last.safetensors of a run, or the Hugging Face folder of a RetinaNet',
    otherwise: 'best.safetensors of the newest run in runs/',
  }),
  classes: option(classNames, {
    value: 'LIST',
    about: 'for weights without class names: the names in label order, comma-separated, or a file of them',
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
  resample: flag('reads georeferenced images at the ground resolution of the training images'),
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
  area: option(text, {
    value: 'FILE',
    about: 'vector file of polygons: only objects whose centre lies inside are detected, and other tiles are not read',
    otherwise: 'everywhere',
  }),
  exclude: option(text, { value: 'FILE', about: 'vector file of polygons: nothing is detected inside' }),
  map: flag('also writes map/index.html: the detections over the imagery, for any browser, without a server'),
  pictures: flag(`also draws rasters of more than ${PICTURE_PIXELS / 1e6} million pixels, reduced`),
  'no-pictures': flag('does not draw the detections of each image to a PNG'),
  scale: option(integer({ min: 1, max: 16 }), {
    value: 'N',
    about: 'magnification of the pictures',
    otherwise: '1 for large images, up to 4 for small ones',
  }),
  ...sharedWorkOptions,
  ...tileOptions,
  ...gpuOptions,
} as const satisfies OptionTable;

const help: HelpText = {
  usage: `
retinagrad predict IMAGES... [--weights FILE] [--out FOLDER] [--threshold X] [--tile N] [--format NAMES]
retinagrad predict --tiles URL --bbox W,S,E,N --zoom Z [--key-env NAME] [--offline] [OPTIONS]`,
  about: `
IMAGES are PNG, JPEG, WebP, AVIF or TIFF files, URLs of cloud-optimized GeoTIFF files, folders, patterns like 'new/*.jpg', or a
.txt file that lists them. The detector sees each image as a whole or, if the image is larger than --tile, in overlapping
tiles; objects found in several tiles are reported once. Rasters may have any size: only the tiles at work are in memory.
Tiles without data (nodata, masks, transparency) are skipped. Objects must have about the same size in pixels as in training:
--resample reads georeferenced images at the ground resolution of the training images; boxes stay in pixels of the file.

--tiles reads an area of a tile service in Web Mercator, as Nearmap, EagleView and others offer it, or of a folder of tiles
(a path with {z}/{x}/{y}). Tiles are requested when the detector comes to them, at most four at a time, and kept in --cache. The
key of the service is given by --key-env or --key-file, not in the URL, and is not shown or written anywhere.

--area and --exclude are GeoJSON, GeoPackage, shapefile, FlatGeobuf or KML in any coordinate system; images then need a
georeference. The network sees what lies beside the area, so that objects at its border are found as well as others.

What is found is kept in FOLDER/progress.jsonl until the end: the same command goes on where an interrupted one stopped.

--shared: start the same command any number of times, on any machines that see the folder of --out, also by mpirun, srun or a
job array. The processes take pieces from FOLDER/queue until none is left; the last one merges them to the files that one process
would write, and all end. Pieces of a process that was killed or hangs are done by others; Ctrl-C hands a piece back. Processes with
other weights, options, images or another version are refused.

Writes predictions.csv (image, x1, y1, x2, y2 in pixels, label, score) or the formats that --format names. Image paths are
relative to the innermost folder that contains all images. Images that cannot be read are left out and listed.

gpkg (GeoPackage), shp (shapefile), fgb (FlatGeobuf) and geojson are layers for GIS programs, with the detections of all
images as polygons with class, score, image, box in pixels and area in square metres. They are in the coordinate system of the
images or, if these have several, in WGS84. Images without a georeference are listed, and predictions.csv then has the
detections of all images.`,
  exit: {
    [EXIT.failed]: 'failed, or images could not be read or placed on the map (those of the others are written)',
    [EXIT.interrupted]: 'interrupted (detections so far are written, or with --shared left to the others)',
  },
  examples: [
    ['npx retinagrad predict tile.png'],
    ['npx retinagrad predict scene.tif --tile 512 --overlap 96 --threshold 0.4'],
    ['npx retinagrad predict https://example.com/city.tif --views flips --format gpkg'],
    ['npx retinagrad predict ortho --format shp,csv --no-pictures --map'],
    ['npx retinagrad predict ortho.tif --area district.geojson --exclude water.gpkg --format gpkg'],
    ['srun -n 8 npx retinagrad predict city.tif --out /shared/found --shared'],
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

const GOES_ON = 'The same command goes on where this one stopped.';

async function runPredict({ options, positionals, terminal, version }: Call<typeof OPTIONS>): Promise<number> {
  const requested = readTileOptions(options);
  if (positionals.length === 0 && requested === null) {
    throw new UsageError('name at least one image or folder, or --tiles');
  }
  const { out, format: formats, crs, overlap } = options;
  checkFormats(formats);
  if (crs !== undefined && !formats.some(isLayerFormat)) {
    throw new UsageError('--crs goes with --format geojson, gpkg, fgb or shp');
  }
  if (options.tile !== undefined) checkOverlap(overlap, options.tile);
  const sharing = isShared(options, terminal);
  const files = positionals.length === 0 ? [] : await findImages(positionals);
  const area = await AreaOfInterest.open(defined({ area: options.area, exclude: options.exclude }));
  const weights = weightsFile(options.weights);
  makeFolder(out, '--out');
  const device = await init(initOptions(options));
  const detector = await openToRun(weights, options.classes, terminal);
  const { threshold = detector.scoreThreshold } = options;
  const tile = tileOf(detector, options.tile);
  checkOverlap(overlap, tile);
  const signal = interruptSignal(() =>
    terminal.warn(
      sharing ? 'Interrupted: leaving the work to others...' : 'Interrupted: writing the detections so far...',
    ),
  );
  let tiles: OpenedTiles | null = null;
  try {
    if (requested !== null) tiles = await openRequested(requested, terminal, signal);
  } catch (error) {
    if (error !== signal.reason) throw error;
    return EXIT.interrupted;
  }
  const inputs = tiles === null ? files : [...files, tiles.raster];
  announce(detector, { device, weights, threshold, tile, files: inputs.length }, terminal);
  const maxDetections = options['max-detections'] ?? Math.max(detector.spec.postprocess.maxDetections, MAX_DETECTIONS);
  const tiling = { tile, scoreThreshold: threshold, maxDetections, views: options.views, ...defined({ overlap }) };
  const detecting = { ...tiling, ...(options.resample ? { resample: true } : {}) };
  const prepared = { options, detector, inputs, files, tiles, area, weights, tile, detecting, signal, terminal };
  try {
    if (!sharing) return await detectAndWrite(prepared, await openJournal(out, weights, detecting, area, terminal));
    const terms = termsOf(options, version);
    const work = { ...prepared, out, lease: options.lease, terms };
    for (let pieces = await shareWork(work); pieces !== null; pieces = await shareWork(work)) {
      try {
        return await detectAndWrite(prepared, pieces);
      } catch (error) {
        if (!(error instanceof LostClaim)) throw error;
        terminal.warn('This process was stopped for so long that another one has taken over.');
      } finally {
        // If it has not finished, another process does.
        await pieces.handBack();
      }
    }
    return signal.aborted ? EXIT.interrupted : EXIT.done;
  } catch (error) {
    if (error instanceof DeviceLostError) terminal.warn(GOES_ON);
    throw error;
  } finally {
    detector.dispose();
    defaultDevice().destroy();
    await tiles?.raster.close();
  }
}

/** What the results depend on beside the detection, and the version: processes that share work must agree on it. */
function termsOf(options: OptionValues<typeof OPTIONS>, version: string): QueueTerms {
  const { format, crs = null, map, scale = null, pictures, 'no-pictures': noPictures } = options;
  return { version, format: format.join(), crs, map, scale, pictures, 'no-pictures': noPictures };
}

/** A call of predict that is ready to detect. */
interface Prepared {
  readonly options: OptionValues<typeof OPTIONS>;
  readonly detector: Detector;
  readonly inputs: readonly (string | Raster)[];
  readonly files: readonly string[];
  readonly tiles: OpenedTiles | null;
  readonly area: AreaOfInterest | null;
  readonly weights: string;
  readonly tile: number | null;
  readonly detecting: DetectInputsOptions['detecting'];
  readonly signal: AbortSignal;
  readonly terminal: Terminal;
}

/** Detects what is not known yet, writes the results, and ends the work. Returns the exit status. */
async function detectAndWrite(prepared: Prepared, known: KnownTiles): Promise<number> {
  const { options, detector, inputs, files, tiles, area, weights, tile, detecting, signal, terminal } = prepared;
  const { classes } = detector;
  const { out, format: formats, crs, scale } = options;
  const { scoreThreshold: threshold, maxDetections } = detecting;
  const pictures = options['no-pictures'] ? null : { out, scale, large: options.pictures };
  const running = { detecting, area, storeOf: known.storeOf, pictures, signal, terminal };
  const found = await detectInputs(detector, inputs, running);
  const { images, unreadable, outside } = found;
  if (outside === inputs.length) area?.checkAny(0, { outside, unplaced: [] });
  for (const note of area?.notes({ outside }) ?? []) terminal.say(`note: ${note}`);
  if (signal.aborted && images.length === 0) {
    terminal.warn(GOES_ON);
    return EXIT.interrupted;
  }
  if (unreadable.length > 0) {
    terminal.warn(unreadableNote(unreadable.map(({ reason }) => reason)));
    // Predictions of an earlier call are better than none.
    if (images.length === 0) return EXIT.failed;
  }
  await known.checkHeld();
  const table = { classes, images: images.map(({ labelled }) => labelled) };
  const folder = commonFolder(files);
  const georeferences = new Map(images.map(({ labelled, place }) => [labelled.file, place]));
  const written = await writePredictions(table, formats, { out, images: folder, crs, georeferences });
  const contents = {
    title: `Detections: ${classes.join(', ')}`,
    classes,
    threshold,
    images: onMap(images, detector),
    count: images.length,
  };
  const map = options.map ? await writeMapPage(out, { ...contents, signal, terminal }) : null;
  report(
    {
      table,
      weights,
      threshold,
      maxDetections,
      folder,
      found,
      written,
      map,
      detector,
      tile,
      resample: options.resample,
    },
    terminal,
  );
  if (tiles !== null) for (const note of tileNotes(tiles.progress())) terminal.say(note);
  if (signal.aborted) {
    terminal.warn(GOES_ON);
    return EXIT.interrupted;
  }
  await known.finish();
  return unreadable.length + written.unplaced.length + written.failures.length > 0 ? EXIT.failed : EXIT.done;
}

/** The images of the map, opened one after the other. */
async function* onMap(images: readonly FoundImage[], { decoding }: Detector): AsyncGenerator<MapImage> {
  const { bands, stretch, shown } = decoding;
  for (const { input, labelled, part } of images) {
    const raster = typeof input === 'string' ? await openRaster(input, defined({ bands, stretch })) : input;
    const rgb = rgbRaster(raster, shown);
    yield { name: labelled.file, raster: part === null ? rgb : partOfRaster(rgb, part), objects: labelled.objects };
    if (typeof input === 'string') await raster.close();
  }
}

interface Report {
  readonly table: LabelTable;
  readonly weights: string;
  readonly threshold: number;
  readonly maxDetections: number;
  readonly folder: string;
  readonly found: FoundInInputs;
  readonly written: WrittenPredictions;
  readonly map: string | null;
  readonly detector: Detector;
  readonly tile: number | null;
  readonly resample: boolean;
}

/** Says what was found, where it was written, and what a user should know of it. */
function report(
  { table, weights, threshold, maxDetections, folder, found, written, map, detector, tile, resample }: Report,
  terminal: Terminal,
): void {
  const { unreadable, limited, dark, undrawn, unknownResolution, groundResolution } = found;
  const { files, notes, unplaced, failures, complete } = written;
  const total = table.images.reduce((sum, { objects }) => sum + objects.length, 0);
  const result = { weights, threshold, files, map, folder, detections: total, images: countsOf(table) };
  terminal.result({ ...result, unreadable, unplaced, limited, dark });
  for (const note of notes) terminal.warn(note);
  const names = files.map((file) => (file.crs == null ? file.path : `${file.path} (${file.crs})`)).join(', ');
  const images = counted(table.images.length, 'image', 'images');
  terminal.print(`${counted(total, 'detection', 'detections')} in ${images}: ${names}`);
  if (map !== null) terminal.print(`map: ${map}`);
  if (limited > 0) terminal.warn(limitNote(limited, maxDetections, '--max-detections'));
  if (dark > 0) terminal.warn(darkNote(dark));
  // If images are resized as a whole, their size decides, not that of their pixels.
  const resolution = resample
    ? resampleNote(unknownResolution)
    : tile === null
      ? null
      : resolutionNote(detector.decoding.groundResolution, groundResolution);
  if (resolution !== null) terminal.warn(resolution);
  if (undrawn > 0) {
    terminal.say(`${counted(undrawn, 'image is', 'images are')} too large for a picture: --pictures draws it reduced`);
  }
  if (unplaced.length > 0) {
    const what = counted(unplaced.length, 'image is', 'images are');
    const list = unplaced.map(({ file, reason }) => `  ${file}: ${reason}`);
    terminal.warn([`${what} missing on the map; ${complete} has all detections:`, ...list].join('\n'));
  }
  for (const { format, reason } of failures) {
    terminal.warn(`The detections are in ${complete} instead of ${format}: ${reason}`);
  }
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
    ['adapter', adapterText(device.adapter)],
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
