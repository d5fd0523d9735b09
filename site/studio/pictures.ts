// Pixels for the page and for reports.
import type { Dataset } from 'retinagrad';
import { packedBytes, rgbOf, type ByteImage } from 'retinagrad/data';
import type { ReportParts, RunJudgement } from 'retinagrad/detector';
import { chooseExamples, detectionPicture, exampleCaption, pngDataUri } from 'retinagrad/report';

/** Pixels of an image, four bytes each, as canvases take them. */
export interface Pixels {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8ClampedArray<ArrayBuffer>;
}

/** An image with its true boxes. */
export interface Picture extends Pixels {
  readonly id: string;
  readonly boxes: Float32Array;
  readonly labels: Int32Array;
}

export function pictureOf(image: ByteImage): Pixels {
  const rgb = rgbOf(image);
  const [height, width] = rgb.shape as [number, number];
  const bytes = packedBytes(rgb);
  const data = new Uint8ClampedArray(4 * width * height).fill(255);
  for (let i = 0; i < width * height; i++) for (let k = 0; k < 3; k++) data[4 * i + k] = bytes[3 * i + k]!;
  return { width, height, data };
}

async function encodePng(image: ByteImage): Promise<Uint8Array> {
  const { width, height, data } = pictureOf(image);
  const canvas = new OffscreenCanvas(width, height);
  canvas.getContext('2d')!.putImageData(new ImageData(data, width, height), 0, 0);
  return new Uint8Array(await (await canvas.convertToBlob({ type: 'image/png' })).arrayBuffer());
}

/** Pictures of each kind in a report, and the length of their longer side in pixels. */
const EXAMPLES = 4;
const SIZE = 512;

/** The best, worst and missed images of a report, as the command draws them. */
export async function reportPictures(
  dataset: Dataset,
  { judgement, images }: RunJudgement,
): Promise<NonNullable<ReportParts['pictures']>> {
  const { scoreThreshold, iouThreshold } = judgement.settings;
  type Score = (typeof judgement.perImage)[number];
  const draw = async (score: Score) => {
    const { index, truth, detections } = images.find((one) => dataset.ids[one.index] === score.file)!;
    const { image } = await dataset.get(index);
    const scale = Math.max(1, Math.round(SIZE / Math.max(...image.shape.slice(0, 2))));
    const options = { scale, scoreThreshold, iouThreshold, classes: dataset.classes };
    const caption = exampleCaption(score);
    const src = pngDataUri(await encodePng(detectionPicture(rgbOf(image), truth, detections, options)));
    return { src, caption, alt: `Ground-truth and detected boxes in ${caption}` };
  };
  const { best, worst, missed } = chooseExamples(judgement.perImage, EXAMPLES);
  const all = (scores: readonly Score[]) => Promise.all(scores.map(draw));
  return { best: await all(best), worst: await all(worst), missed: await all(missed) };
}
