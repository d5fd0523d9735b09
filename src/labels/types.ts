import type { Box, Polygon } from '../imagery/geometry.ts';

/** One object in an image, as a label file describes it. Numbers keep the precision of the file. */
export interface LabelledObject {
  /** Index of its class in `LabelTable.classes`. */
  readonly label: number;
  /** In pixels of the upright image, with continuous edges: `x2 - x1` is the width. */
  readonly box: Box;
  /** Confidence of a detection; ground truth has none. */
  readonly score?: number;
  /** A region with a crowd (COCO's `iscrowd`): not trained on, and detections inside count neither as right nor as wrong. */
  readonly crowd?: boolean;
  /** Difficult to recognise (Pascal VOC's `difficult`): detections of it count neither as right nor as wrong. */
  readonly difficult?: boolean;
  /** Area in square pixels if it differs from the box's (COCO uses that of the outline); it determines the size class. */
  readonly area?: number;
  /** Outlines in pixels, if the file has them. */
  readonly polygons?: readonly Polygon[];
  /** Where the object is defined, such as `boxes.csv:12`, for messages. */
  readonly origin?: string;
}

/** An image with its objects; an image without any is known to be empty. */
export interface LabelledImage {
  /** Path relative to the folder of the images, with forward slashes. */
  readonly file: string;
  /** Width in pixels by the label file; null if it has none. */
  readonly width: number | null;
  /** Height in pixels by the label file; null if it has none. */
  readonly height: number | null;
  readonly objects: readonly LabelledObject[];
}

/** The contents of a label file, ground truth or detections. */
export interface LabelTable {
  /** Names of the classes; the index is the label. Background is not a class. */
  readonly classes: readonly string[];
  readonly images: readonly LabelledImage[];
}

/** A place in a label file. */
export interface Origin {
  readonly file: string;
  /** Line, starting at 1. */
  readonly line?: number;
  /** Entry of a file without meaningful lines, such as `annotations[1] (id 8)`. */
  readonly entry?: string;
}

/** Something in a label file that is invalid. */
export interface LabelProblem extends Origin {
  readonly kind:
    | 'syntax' // the file or an entry cannot be read
    | 'number' // a coordinate is not a finite number
    | 'degenerate' // a box without width or height
    | 'class' // an unknown class
    | 'image'; // an entry for an image that does not exist
  /** The place as text, such as `boxes.csv:12`: equal to the `origin` of an object that stands there. */
  readonly origin: string;
  /** The invalid value and what was expected. */
  readonly reason: string;
  /** The box that the reason is about, where the entry gives its corners. */
  readonly box?: Box;
}
