import { isRecord, reasonOf } from '../common/check.ts';
import { parseJson } from '../common/json.ts';
import type { ByteImage, ImageDecoding } from '../imagery/types.ts';
import { skipInit } from '../nn/init.ts';
import { readStateDict, type HostTensor } from '../nn/module.ts';
import type { Detections } from '../retinanet/postprocess.ts';
import { specProblem } from '../retinanet/check-spec.ts';
import { RetinaNet } from '../retinanet/retinanet.ts';
import type { RetinaNetSpec } from '../retinanet/spec.ts';
import type { Shape } from '../tensor/shape.ts';
import { decodeSafetensors, encodeSafetensors } from '../weights/safetensors.ts';
import { rasterOfImage } from './detect-image.ts';
import { detectRaster, type DetectableRaster, type TileOptions } from './detect-raster.ts';
import { atLeast } from './detections-table.ts';
import { detectResampled, resamplingFactor, trainedResolution } from './resampling.ts';
import { survivingLoss, type BatchDetector, type OnLoss } from './survive-loss.ts';

const FORMAT = 'retinagrad-detector';
const VERSION = '1';

/** Side of the tiles for detectors that were trained on whole images of any size; fits in the memory of most GPUs. */
const DEFAULT_TILE = 1024;

/** Maximum number of classes, and of bands, of a detector in a file. */
const MAX_CLASSES = 10_000;
const MAX_BANDS = 16;

/** What a detector needs in addition to its weights. Stored in the same file. */
export interface DetectorDescription {
  /** Names of the classes; the index is the label. */
  readonly classes: readonly string[];
  readonly spec: RetinaNetSpec;
  /** Minimum score of a detection: the threshold with the highest F1 on held-out images. */
  readonly scoreThreshold: number;
  /** How the training images were decoded; pass it to `readImage` to decode other images. */
  readonly decoding: ImageDecoding;
  /** Side in pixels of the largest square that the network saw in training; null if it resizes whole images. */
  readonly tile: number | null;
}

/** Options of `Detector.detect`. The defaults are those of training. */
export interface DetectOptions extends Omit<TileOptions, 'tile'> {
  /**
   * Side of a tile in pixels, at most `detector.tile`; or null to detect on the image as a whole. Default
   * `detector.detectionTile`.
   */
  readonly tile?: number | null;
  /** Minimum score. Default `detector.scoreThreshold`; 0 keeps everything, for evaluation. */
  readonly scoreThreshold?: number;
  /**
   * Side of a pixel of the image on the ground, in metres, as `groundResolution` computes it: the image is resampled to the
   * ground resolution of the training images (`resampleRaster`) if they differ by more than 5 %. Boxes are in pixels of the
   * image nevertheless. Default null: the image is used as it is.
   */
  readonly groundResolution?: number | null;
}

/** A trained detector: a model with everything needed to detect as it was trained. */
export class Detector implements DetectorDescription {
  readonly classes: readonly string[];
  readonly spec: RetinaNetSpec;
  readonly scoreThreshold: number;
  readonly decoding: ImageDecoding;
  readonly tile: number | null;
  /** In evaluation mode. */
  readonly model: RetinaNet;
  #batchDetector: BatchDetector;

  /** @param model owned by the detector from now on; switched to evaluation mode */
  constructor(model: RetinaNet, { classes, spec, scoreThreshold, decoding, tile }: DetectorDescription) {
    this.model = model.eval();
    this.#batchDetector = model;
    this.classes = classes;
    this.spec = spec;
    this.scoreThreshold = scoreThreshold;
    this.decoding = decoding;
    this.tile = tile;
  }

  /**
   * Loads a detector from the bytes of its file (`toBytes`, or best.safetensors of a run) on the default device (see
   * `init`).
   *
   * @param name of the file, for errors
   * @throws Error that names the file if it is damaged or not a detector
   */
  static fromBytes(bytes: Uint8Array, name = 'the detector'): Detector {
    const { tensors, metadata } = decodeSafetensors(bytes, name);
    const description = readDescription(metadata, name);
    if (description === null) {
      const found = metadata['format'] === undefined ? 'no format' : `${metadata['format']} ${metadata['version']}`;
      throw new Error(
        `${name}: not a detector: its metadata names ${found}, expected ${FORMAT} ${VERSION}, as in best.safetensors of a run`,
      );
    }
    return detectorOf(description, tensors, name);
  }

  /** Encodes the detector as a safetensors file: weights and description. */
  async toBytes(): Promise<Uint8Array> {
    return encodeDetector(await readStateDict(this.model.stateDict()), this);
  }

  /** What runs the model on batches: the model itself or, after `surviveLoss`, what stands in for it. */
  get batchDetector(): BatchDetector {
    return this.#batchDetector;
  }

  /**
   * From now on, detection and evaluation go on if the device is lost, for example because a browser ended its GPU process or
   * a driver was reset: a new device is opened, the model moves there, and the batch at work is detected on again. For this, a
   * copy of the weights is kept on the host. A batch that loses the new device, too, is the cause: `DeviceLostError` is thrown.
   *
   * @param onLoss called after each loss, with the device on which detection goes on; it is the default device if the lost one was
   */
  async surviveLoss(onLoss: OnLoss): Promise<void> {
    this.#batchDetector = await survivingLoss(this.model, onLoss);
  }

  /**
   * Default of the side of the tiles that `detect` divides an image into; null for whole images. That of training, if it is
   * known; otherwise whole images if the network resizes them, and 1024.
   */
  get detectionTile(): number | null {
    return this.tile ?? (this.spec.transform.minSize === null ? DEFAULT_TILE : null);
  }

  /**
   * Detects objects in an image of any size, as the detector was trained: in tiles of the training size, or in the
   * whole image.
   *
   * @param image [H, W, C] with the channels of training: red, green and blue, or the bands of `decoding`
   * @returns detections in pixels of the image, highest score first
   * @throws InputError for `groundResolution` if that of training is not known, or more than 16 times finer
   */
  detect(image: ByteImage, options: DetectOptions = {}): Promise<Detections> {
    return this.detectRaster(rasterOfImage(image), options);
  }

  /** Detects objects in a raster of any size, as `detect` does; only the tiles at work are in memory. */
  async detectRaster(raster: DetectableRaster, options: DetectOptions = {}): Promise<Detections> {
    const {
      tile = this.detectionTile,
      scoreThreshold = this.scoreThreshold,
      groundResolution = null,
      ...others
    } = options;
    if (groundResolution !== null) {
      const trained = trainedResolution('Detector.detect', this.decoding, tile);
      const factor = resamplingFactor('Detector.detect', groundResolution, trained);
      return detectResampled(raster, factor, (one) => this.detectRaster(one, { ...others, tile, scoreThreshold }));
    }
    // In a larger tile the network finds what is not there: it saw padding where the tile has pixels.
    const side = tile === null ? null : Math.min(tile, this.tile ?? Infinity);
    const cut = side === null ? { tile: Math.max(raster.height, raster.width), overlap: 0 } : { tile: side };
    return atLeast(await detectRaster(this.#batchDetector, raster, { ...others, ...cut }), scoreThreshold);
  }

  /** Frees the model. */
  dispose(): void {
    this.model.dispose();
  }
}

/** The detector of a description and of the tensors of its file. Throws an Error that starts with the name of the file. */
export function detectorOf(
  description: DetectorDescription,
  state: ReadonlyMap<string, HostTensor>,
  name: string,
): Detector {
  checkSizes(state, description.spec, name);
  let model: RetinaNet | null = null;
  try {
    model = skipInit(() => new RetinaNet(description.classes.length, description.spec));
    model.loadStateDict(state);
    return new Detector(model, description);
  } catch (cause) {
    model?.dispose();
    throw new Error(`${name}: ${reasonOf(cause)}`, { cause });
  }
}

/**
 * Throws an Error unless the tensors of a file have the sizes that its description names, before a network is made of these
 * sizes.
 */
export function checkSizes(
  state: ReadonlyMap<string, { readonly shape: Shape }>,
  spec: RetinaNetSpec,
  path: string,
): void {
  const sizes = [
    ['backbone.width', spec.backbone.width, 'backbone.body.conv1.weight'],
    ['pyramid.channels', spec.pyramid.channels, 'backbone.fpn.layerBlocks.0.0.weight'],
    ['head.channels', spec.head.channels, 'head.classificationHead.conv.0.0.weight'],
  ] as const;
  for (const [field, size, name] of sizes) {
    const shape = state.get(name)?.shape;
    if (shape === undefined || shape[3] === size) continue;
    throw new Error(`${path}: its description names ${field} ${size}, but ${name} is [${shape}]`);
  }
}

/** Encodes weights (of `readStateDict`) and their description as a safetensors file. */
export function encodeDetector(
  weights: ReadonlyMap<string, HostTensor>,
  { classes, spec, scoreThreshold, decoding, tile }: DetectorDescription,
): Uint8Array {
  return encodeSafetensors(weights, detectorMetadata({ classes, spec, scoreThreshold, decoding, tile }));
}

/** The metadata of the file of a detector. */
export function detectorMetadata({ decoding, ...others }: DetectorDescription): Record<string, string> {
  const { classes, spec, scoreThreshold, tile } = others;
  // Files have called it `reading` since the first version.
  const description = JSON.stringify({ classes, spec, scoreThreshold, reading: decoding, tile });
  return { format: FORMAT, version: VERSION, description };
}

/**
 * What the metadata of a file say about a detector; null if it is the file of something else. Throws an Error that starts
 * with the name of the file if the description is damaged.
 */
export function readDescription(metadata: Readonly<Record<string, string>>, name: string): DetectorDescription | null {
  if (metadata['format'] !== FORMAT || metadata['version'] !== VERSION) return null;
  let description: unknown;
  try {
    description = parseJson(metadata['description'] ?? '');
  } catch (cause) {
    throw new Error(`${name}: its description cannot be read: ${reasonOf(cause)}`, { cause });
  }
  if (!isRecord(description)) throw new Error(`${name}: its description is not a JSON object`);
  const { reading, ...others } = description;
  const whole = { decoding: reading ?? {}, tile: null, ...others };
  const problem = descriptionProblem(whole);
  if (problem !== null) throw new Error(`${name}: its description is damaged: ${problem}`);
  return whole as unknown as DetectorDescription;
}

/** What is wrong with a `DetectorDescription` that comes from a file; null if nothing is. */
export function descriptionProblem(description: Readonly<Record<string, unknown>>): string | null {
  const { classes, spec, scoreThreshold, decoding, tile } = description;
  const isScore = typeof scoreThreshold === 'number' && scoreThreshold >= 0 && scoreThreshold <= 1;
  const isTile = tile === null || (Number.isInteger(tile) && (tile as number) > 0);
  return (
    classesProblem(classes) ??
    specProblem(spec) ??
    (isScore ? null : 'scoreThreshold is not a number from 0 to 1') ??
    (isTile ? null : 'tile is not an integer >= 1 or null') ??
    decodingProblem(decoding)
  );
}

/** What is wrong with an `ImageDecoding` that comes from a file; null if nothing is. */
function decodingProblem(decoding: unknown): string | null {
  if (!isRecord(decoding)) return 'reading is not an object';
  const { stretch, bands, shown, groundResolution } = decoding;
  const isList = (value: unknown, isItem: (item: unknown) => boolean): boolean =>
    Array.isArray(value) && value.length > 0 && value.length <= MAX_BANDS && value.every(isItem);
  if (stretch !== undefined) {
    const levels = isRecord(stretch) ? [stretch['low'], stretch['high']] : [];
    const isValid = levels.length === 2 && levels.every((level) => isList(level, Number.isFinite));
    if (!isValid) return 'reading.stretch is not an object with lists of numbers low and high';
  }
  const isBand = (value: unknown): boolean => Number.isInteger(value) && (value as number) >= 0;
  if (bands !== undefined && !isList(bands, isBand)) return 'reading.bands is not a list of numbers of bands';
  if (shown !== undefined && !(isList(shown, isBand) && (shown as unknown[]).length === 3)) {
    return 'reading.shown is not a list of three numbers of bands';
  }
  const isResolution = Number.isFinite(groundResolution) && (groundResolution as number) > 0;
  return groundResolution === undefined || isResolution ? null : 'reading.groundResolution is not a number > 0';
}

/** What is wrong with the names of classes that come from a file; null if nothing is. */
export function classesProblem(classes: unknown): string | null {
  const isList = Array.isArray(classes) && classes.length > 0 && classes.length <= MAX_CLASSES;
  if (!isList) return `classes is not a list of 1 to ${MAX_CLASSES} names`;
  return classes.every((name) => typeof name === 'string' && name !== '') && new Set(classes).size === classes.length
    ? null
    : 'classes are not names, each once';
}
