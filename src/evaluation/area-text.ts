import { counted } from '../common/check.ts';
import { MIN_SCENES } from './bootstrap.ts';
import type { AreaJudgement } from './judge-area.ts';
import { bracket, classTable, explained, percentage, show } from './text.ts';

/**
 * A judgement of an area as the command prints it, in the style of `judgementText`. Ends without a line break.
 *
 * @param place what the area is, for example the name of its file
 */
export function areaText(judgement: AreaJudgement, place: string): string {
  const { counts, settings, hectares, chosen, best, averagePrecision, perHectare } = judgement;
  const { truePositives: right, falsePositives: wrong, falseNegatives: missed } = chosen;
  const outside = (count: number): string => (count === 0 ? '' : `, and ${count} outside the area`);
  const origin = settings.scoreThresholdFrom === 'given' ? '' : ', where F1 is highest in this same area (optimistic)';
  const figures = [
    {
      cells: ['precision', show(chosen.precision), bracket(judgement.precision)],
      text: `${right} of ${counted(right + wrong, 'detection', 'detections')} right`,
    },
    {
      cells: ['recall', show(chosen.recall), bracket(judgement.recall)],
      text: `${right} of ${counted(right + missed, 'object', 'objects')} found`,
    },
    { cells: ['F1', show(chosen.f1), bracket(judgement.f1)], text: 'harmonic mean of the two' },
    {
      cells: ['objects/ha', show(perHectare.truths.estimate), bracket(perHectare.truths)],
      text: 'objects per hectare in the truth',
    },
    {
      cells: ['detections/ha', show(perHectare.detections.estimate), bracket(perHectare.detections)],
      text: 'detections per hectare',
    },
  ];
  return [
    `area        ${hectares.toFixed(2)} ha: ${place}`,
    `objects     ${counts.truths}${outside(counts.truthsOutside)}`,
    `detections  ${counts.detections}${outside(counts.detectionsOutside)}`,
    `A detection is right if its IoU with an object of its class, not already matched by a higher-scoring detection, is at least ${settings.iouThreshold}.`,
    'An object counts if the centre of its box lies in the area; a detection counts with its object, or else by its own centre.',
    '',
    `At scores from ${settings.scoreThreshold.toPrecision(3)}${origin}:`,
    ...explained(figures),
    bootstrapLine(judgement),
    '',
    ...explained([
      {
        cells: ['AP', show(averagePrecision)],
        text: `average precision at IoU ${settings.iouThreshold}, mean over classes`,
      },
      { cells: ['highest F1', show(best.f1)], text: `at scores from ${best.threshold.toPrecision(3)}` },
    ]),
    ...classTable(judgement.perClass, { AP: (row) => row.averagePrecision }),
  ].join('\n');
}

function bootstrapLine({ bootstrap }: AreaJudgement): string {
  const { blocks, blocksWithObjects, blockSide, confidence, resamples } = bootstrap;
  if (resamples === 0) return '  -: no intervals without resamples';
  if (blocksWithObjects < MIN_SCENES) {
    const have = counted(blocksWithObjects, 'block of ground has', 'blocks of ground have');
    return `  -: too few places for an interval: ${have} objects, at least ${MIN_SCENES} are needed`;
  }
  return `  [ ]: ${percentage(confidence)} confidence, from ${resamples} resamples of ${blocks} square blocks of ground of ${Number(blockSide.toPrecision(3))} m`;
}
