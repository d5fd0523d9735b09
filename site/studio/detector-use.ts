// Trained detectors at work, in the worker: detection in other images, and files for other programs.
import { decodeSafetensors, type Device } from 'retinagrad';
import { writeCoco, writeLabelCsv, type LabelTable } from 'retinagrad/data';
import { Detector, exportOnnx } from 'retinagrad/detector';
import { decodeImage } from './decode.ts';
import { pictureOf, type Pixels } from './pictures.ts';
import type { Found } from './session.ts';
import { detectorOf } from './store.ts';

/** Detections below are not kept: the slider of the page begins here. */
const LEAST_SCORE = 0.05;

/** A detector that is open. */
export interface OpenDetector {
  readonly name: string;
  readonly classes: readonly string[];
  readonly scoreThreshold: number;
  readonly tile: number | null;
}

/** An image with its detections. */
export interface DetectedImage extends Pixels, Found {
  readonly name: string;
  readonly seconds: number;
}

/** The formats that detections are downloaded in. */
export type TableFormat = 'coco' | 'csv';

export class DetectorUse {
  readonly #device: () => Promise<Device>;
  #open: { readonly detector: Detector; readonly bytes: Uint8Array } | null = null;

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
    this.close();
    this.#open = { detector, bytes };
    const { classes, scoreThreshold, tile } = detector;
    return { name, classes, scoreThreshold, tile };
  }

  /** Detects objects in an image file. Rejects with an Error that names the file. */
  async detect(file: File, onProgress: (done: number, total: number) => void): Promise<DetectedImage> {
    const image = await decodeImage(file, file.name);
    const start = performance.now();
    const found = await this.#current.detector.detect(image, { scoreThreshold: LEAST_SCORE, onProgress });
    const seconds = (performance.now() - start) / 1000;
    const { boxes, labels, scores } = found;
    return { ...pictureOf(image), name: file.name, seconds, boxes, labels, scores };
  }

  /** The detections of a table as text. */
  table(table: LabelTable, format: TableFormat): string {
    return format === 'coco' ? writeCoco(table) : writeLabelCsv(table, 'csv');
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

  /** Frees its memory. */
  close(): void {
    this.#open?.detector.dispose();
    this.#open = null;
  }
}
