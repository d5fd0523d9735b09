import type { Box, Polygon } from '../imagery/geometry.ts';

/** One object in an image, as a label file describes it. Numbers keep the precision of the file. */
export interface LabelledObject {
  /** Position of its class in `LabelTable.classes`. */
  readonly label: number;
  /** In pixels of the upright image, with continuous edges: `x2 - x1` is the width. */
  readonly box: Box;
  /** Of detections: higher is surer. Truth has none. */
  readonly score?: number;
  /** The region of a crowd (COCO's `iscrowd`): not trained on; detections in it are neither right nor wrong. */
  readonly crowd?: boolean;
  /** Hard to see (Pascal VOC's `difficult`): detections of it are neither right nor wrong. */
  readonly difficult?: boolean;
  /** Square pixels, where they differ from the box's (COCO takes those of the outline): they decide the size class. */
  readonly area?: number;
  /** Outlines in pixels, where the file has them. */
  readonly polygons?: readonly Polygon[];
  /** Where it stands, such as `boxes.csv:12`, for messages. */
  readonly source?: string;
}

/** An image with its objects; without any it is known to be empty. */
export interface LabelledImage {
  /** Path of the file relative to the folder of the images, with forward slashes. */
  readonly file: string;
  /** Pixels, as the label file says; null where it says nothing. */
  readonly width: number | null;
  readonly height: number | null;
  readonly objects: readonly LabelledObject[];
}

/** What any label file holds, true boxes as well as detections. */
export interface LabelTable {
  /** Names of the classes; the position is the label. Background is no class. */
  readonly classes: readonly string[];
  readonly images: readonly LabelledImage[];
}

/** Something in a label file that does not make sense. */
export interface LabelProblem {
  readonly kind:
    | 'syntax' // the file or an entry cannot be read
    | 'number' // a coordinate is not a finite number
    | 'degenerate' // a box without width or height
    | 'class' // an unknown class
    | 'image'; // an entry for an image that does not exist
  /** File and place in it, such as `boxes.csv:12`. */
  readonly source: string;
  /** One sentence, with the values and what was expected. */
  readonly message: string;
}
