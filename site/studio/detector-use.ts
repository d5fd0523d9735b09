// Trained detectors at work, in the worker: detection in images and rasters of any size and in frames of a camera, a look at the
// layers, and files for other programs.
import { proxy } from 'comlink';
import { decodeSafetensors, type Device } from 'retinagrad';
import {
  overviewOf,
  rgbRaster,
  writeCoco,
  writeLabelCsv,
  type LabelTable,
  type PixelWindow,
  type Raster,
} from 'retinagrad/data';
import { Detector, exportOnnx } from 'retinagrad/detector';
import { rgbOfBitmap } from './decode.ts';
import { FeatureMaps, type Layer } from './feature-maps.ts';
import { pictureOf, type Pixels } from './pictures.ts';
import { openRaster } from './rasters.ts';
import type { Found } from './session.ts';
import { detectorOf } from './store.ts';

/** Detections below are not kept: the slider of the page begins here. */
const LEAST_SCORE = 0.05;
/** Longer side of what the page gets of a raster; it asks for windows of more detail. */
const OVERVIEW = 2048;

/** A detector that is open. */
export interface OpenDetector {
  readonly name: string;
  readonly classes: readonly string[];
  readonly scoreThreshold: number;
  readonly tile: number | null;
}

/** An image with its detections, in its own pixels. */
export interface DetectedImage extends Found {
  readonly id: number;
  readonly name: string;
  readonly width: number;
  readonly height: number;
  readonly seconds: number;
  /** The image, reduced if it is large. */
  readonly picture: Pixels;
  /** Pixels of the image along each side of a pixel of the picture. */
  readonly factor: number;
  /** Whether it has a place on the map, and in which system, such as `EPSG:32616`. */
  readonly place: string | null;
}

/** What is looked at of an image: a tile as the network sees it, and its layers. */
export interface Look {
  readonly window: PixelWindow;
  readonly picture: Pixels;
  readonly layers: readonly Layer[];
}

/** The formats that detections are downloaded in. */
export type TableFormat = 'coco' | 'csv' | 'geojson';

export class DetectorUse {
  readonly maps = proxy(new FeatureMaps());
  readonly #device: () => Promise<Device>;
  readonly #images = new Map<number, Raster>();
  #open: { readonly detector: Detector; readonly bytes: Uint8Array } | null = null;
  #abort = new AbortController();
  /** The detection that runs, or ran last. */
  #running: Promise<unknown> = Promise.resolve();

  constructor(device: () => Promise<Device>) {
    this.#device = device;
  }

  /** Opens the detector of a run. */
  async openRun(id: string, name: string): Promise<OpenDetector> {
    const bytes = await detectorOf(id);
    if (bytes === null) throw new Error('the run has no weights yet: train until the first evaluation');
    return this.openBytes(bytes, name);
  }

  /** Opens a file: best.safetensors of a run, or what `save` gave. Rejects with an Error that names the file. */
  async openFile(file: File): Promise<OpenDetector> {
    return this.openBytes(new Uint8Array(await file.arrayBuffer()), file.name);
  }

  async openBytes(bytes: Uint8Array, name: string): Promise<OpenDetector> {
    await this.#device();
    const detector = Detector.fromBytes(bytes, name);
    await this.close();
    this.#open = { detector, bytes };
    const { classes, scoreThreshold, tile } = detector;
    return { name, classes, scoreThreshold, tile };
  }

  /**
   * Detects objects in an image file of any size, in tiles. Rejects with an Error that names the file, and with an AbortError
   * after `cancel`.
   */
  detect(file: File, onProgress: (done: number, total: number) => void): Promise<DetectedImage> {
    // Made before anything is waited for: `cancel` may be the next call.
    const { signal } = (this.#abort = new AbortController());
    const running = this.#detect(file, onProgress, signal);
    this.#running = running;
    return running;
  }

  async #detect(
    file: File,
    onProgress: (done: number, total: number) => void,
    signal: AbortSignal,
  ): Promise<DetectedImage> {
    const { detector } = this.#current;
    const raster = await openRaster(file, file.name, detector.decoding);
    const start = performance.now();
    const found = await detector.detectRaster(raster, { scoreThreshold: LEAST_SCORE, onProgress, signal });
    const seconds = (performance.now() - start) / 1000;
    const { image, factor } = await overviewOf(rgbRaster(raster, detector.decoding.shown), OVERVIEW);
    signal.throwIfAborted();
    const id = this.#images.size;
    this.#images.set(id, raster);
    const { width, height, affine, epsg } = raster;
    const place = affine === null ? null : epsg === null ? 'a system without an EPSG code' : `EPSG:${epsg}`;
    const { boxes, labels, scores } = found;
    return {
      id,
      name: file.name,
      width,
      height,
      seconds,
      place,
      factor,
      picture: pictureOf(image),
      boxes,
      labels,
      scores,
    };
  }

  /** Ends the detection at work after its batch of tiles. */
  cancel(): void {
    this.#abort.abort(new DOMException('cancelled', 'AbortError'));
  }

  /** The pixels of a window of an image, in full detail. */
  async view(id: number, window: PixelWindow): Promise<Pixels> {
    const shown = rgbRaster(this.#images.get(id)!, this.#current.detector.decoding.shown);
    return pictureOf((await shown.read(window)).image);
  }

  /** Runs the network on the tile around a place of an image, and keeps what its layers compute for `maps`. */
  async look(id: number, [x, y]: readonly [number, number]): Promise<Look> {
    const { detector } = this.#current;
    const raster = this.#images.get(id)!;
    const [width, height] = [raster.width, raster.height].map((side) => Math.min(side, detector.detectionTile ?? side));
    const start = (at: number, tile: number, side: number): number =>
      Math.max(0, Math.min(Math.round(at - tile / 2), side - tile));
    const window = {
      x: start(x, width!, raster.width),
      y: start(y, height!, raster.height),
      width: width!,
      height: height!,
    };
    const { image } = await raster.read(window);
    return { window, picture: pictureOf(image), layers: await this.maps.analyse(detector, image) };
  }

  /** Detects objects in a frame of a camera, which is closed. */
  async frame(bitmap: ImageBitmap): Promise<Found> {
    const { boxes, labels, scores } = await this.#current.detector.detect(rgbOfBitmap(bitmap), {
      scoreThreshold: LEAST_SCORE,
    });
    return { boxes, labels, scores };
  }

  /** The detections of a table as text; of GeoJSON those of images that have a place on the map. */
  async table(table: LabelTable, format: TableFormat): Promise<string> {
    if (format === 'coco') return writeCoco(table);
    if (format === 'csv') return writeLabelCsv(table, 'csv');
    const { labelGeojson } = await import('retinagrad/geo');
    const georeferences = new Map([...this.#images.values()].map((raster) => [raster.path, raster]));
    return (await labelGeojson(table, 'detections', { georeferences })).text;
  }

  /** The weights, as the command and `Detector.fromBytes` read them. */
  safetensors(): Uint8Array {
    return this.#current.bytes;
  }

  /** The detector for ONNX Runtime, QGIS Deepness and others. */
  onnx(): Uint8Array {
    const { detector, bytes } = this.#current;
    return exportOnnx(decodeSafetensors(bytes).tensors, detector).bytes;
  }

  get #current() {
    if (this.#open === null) throw new Error('no detector is open');
    return this.#open;
  }

  /** The detector that is open; null for none. */
  get opened(): Detector | null {
    return this.#open?.detector ?? null;
  }

  /** Ends the detection at work, and frees the memory of the detector. */
  async close(): Promise<void> {
    this.cancel();
    await this.#running.catch(() => undefined);
    this.maps.close();
    this.#images.clear();
    this.#open?.detector.dispose();
    this.#open = null;
  }
}
