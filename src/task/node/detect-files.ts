import { dirname, relative, resolve, sep } from 'node:path';
import { InputError } from '../../common/errors.ts';
import { objectsOf } from '../../data/annotation-table.ts';
import type { DetectOptions, Detector } from '../../detector/detector.ts';
import { isNearlyBlack } from '../../imagery/level-range.ts';
import { readImage } from '../../imagery/node/read-image.ts';
import type { RgbImage } from '../../imagery/types.ts';
import type { LabelledImage } from '../../labels/types.ts';
import type { Detections } from '../../retinanet/postprocess.ts';
import { readerOptions } from './open-training-data.ts';

/** An image file and its detections. */
export interface FileDetections {
  readonly file: string;
  readonly image: RgbImage;
  /** Whether the image is nearly black: no level above 16 of 255. */
  readonly isDark: boolean;
  readonly detections: Detections;
  /** The detections as an entry of a label table, with the path relative to the common folder of all files. */
  readonly labelled: LabelledImage;
}

/** Options of `detectFiles`. */
export interface DetectFilesOptions extends DetectOptions {
  /** Called with a file that cannot be read, which is then left out. Default: the error is thrown. */
  readonly onUnreadable?: (file: string, error: InputError) => void;
}

/**
 * Detects objects in image files one by one, with the decoding and the tiles of training. Ends early when the signal is
 * aborted.
 */
export async function* detectFiles(
  detector: Detector,
  files: readonly string[],
  { signal, onUnreadable, ...detecting }: DetectFilesOptions = {},
): AsyncGenerator<FileDetections, void, void> {
  const root = commonFolder(files);
  for (const file of files) {
    // The image in progress is completed.
    if (signal?.aborted === true) return;
    let image;
    try {
      image = await readImage(file, readerOptions(detector.decoding));
    } catch (error) {
      if (!(error instanceof InputError) || onUnreadable === undefined) throw error;
      onUnreadable(file, error);
      continue;
    }
    const detections = await detector.detect(image, detecting);
    const [height, width] = image.shape as [number, number, number];
    const name = relative(root, file).split(sep).join('/');
    const labelled = { file: name, width, height, objects: objectsOf(detections) };
    yield { file, image, isDark: isNearlyBlack(image), detections, labelled };
  }
}

/** The innermost folder that contains all files. */
export function commonFolder(files: readonly string[]): string {
  const [first = [], ...others] = files.map((file) => dirname(resolve(file)).split(sep));
  const common = first.findIndex((part, i) => others.some((other) => other[i] !== part));
  return (common < 0 ? first : first.slice(0, common)).join(sep) || sep;
}
