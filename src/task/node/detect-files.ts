import { dirname, relative, resolve, sep } from 'node:path';
import { objectsOf } from '../../data/annotation-table.ts';
import type { DetectOptions, Detector } from '../../detector/detector.ts';
import { readImage } from '../../imagery/node/read-image.ts';
import type { RgbImage } from '../../imagery/types.ts';
import type { LabelledImage } from '../../labels/types.ts';
import type { Detections } from '../../retinanet/postprocess.ts';
import { readerOptions } from './open-training-data.ts';

/** An image file with what was detected in it. */
export interface FileDetections {
  readonly file: string;
  readonly image: RgbImage;
  readonly detections: Detections;
  /** The detections as a row of a label table, with the path relative to the folder that holds all files. */
  readonly labelled: LabelledImage;
}

/**
 * Detects objects in image files, one after another, each decoded and tiled as the detector was trained. Ends early when
 * the signal is aborted.
 */
export async function* detectFiles(
  detector: Detector,
  files: readonly string[],
  options: DetectOptions = {},
): AsyncGenerator<FileDetections, void, void> {
  const root = commonFolder(files);
  for (const file of files) {
    if (options.signal?.aborted === true) return;
    const image = await readImage(file, readerOptions(detector.decoding));
    const { signal: _, ...detecting } = options; // An image that was begun is finished.
    const detections = await detector.detect(image, detecting);
    const [height, width] = image.shape as [number, number, number];
    const name = relative(root, file).split(sep).join('/');
    yield { file, image, detections, labelled: { file: name, width, height, objects: objectsOf(detections) } };
  }
}

/** The innermost folder that holds all files. */
export function commonFolder(files: readonly string[]): string {
  const [first = [], ...others] = files.map((file) => dirname(resolve(file)).split(sep));
  const shared = first.findIndex((part, i) => others.some((other) => other[i] !== part));
  return (shared < 0 ? first : first.slice(0, shared)).join(sep) || sep;
}
