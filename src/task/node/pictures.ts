import type { Dataset } from '../../data/types.ts';
import { rgbOf } from '../../imagery/image.ts';
import { encodePng } from '../../imagery/node/png.ts';
import type { ImageJudgement } from '../../evaluation/judgement.ts';
import { chooseExamples } from '../../report/pictures/examples.ts';
import { detectionPicture } from '../../report/pictures/pictures.ts';
import { pngDataUri } from '../../report/html/data-uri.ts';
import type { ReportPicture, RunReport } from '../../report/html/run-report.ts';
import { exampleCaption } from '../../report/html/run-sections.ts';
import type { ImageResult } from '../../detector/evaluate.ts';

/** Number of images of each kind in a report. */
const EXAMPLES = 4;
/** Small images are enlarged so that the longer side has about this many pixels. */
const SIZE = 512;

/**
 * Draws pictures for a report: the best images, those with the most wrong detections, and those with the most missed
 * objects, at a score threshold.
 *
 * @param scores of the images, named by their ids
 */
export async function examplePictures(
  dataset: Dataset,
  images: readonly ImageResult[],
  scores: readonly ImageJudgement[],
  { scoreThreshold, iouThreshold }: { readonly scoreThreshold: number; readonly iouThreshold: number },
): Promise<NonNullable<RunReport['pictures']>> {
  const byId = new Map(images.map((image) => [dataset.ids[image.index]!, image]));
  const draw = async (score: ImageJudgement): Promise<ReportPicture> => {
    const { index, truth, detections } = byId.get(score.file)!;
    const { image } = await dataset.get(index);
    const longest = Math.max(image.shape[0]!, image.shape[1]!);
    const picture = detectionPicture(rgbOf(image, dataset.decoding?.shown), truth, detections, {
      scale: Math.max(1, Math.round(SIZE / longest)),
      scoreThreshold,
      iouThreshold,
      classes: dataset.classes,
    });
    const caption = exampleCaption(score);
    return { src: pngDataUri(await encodePng(picture)), caption, alt: `Ground-truth and detected boxes in ${caption}` };
  };
  const { best, worst, missed } = chooseExamples(scores, EXAMPLES);
  return {
    best: await Promise.all(best.map(draw)),
    worst: await Promise.all(worst.map(draw)),
    missed: await Promise.all(missed.map(draw)),
  };
}
