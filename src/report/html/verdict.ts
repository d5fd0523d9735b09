import type { Interval, Judgement } from '../../evaluation/judgement.ts';
import { count, counted, notDefined, paragraph, ratio } from './markup.ts';

const percent = (value: number): string => `${(100 * value).toFixed(1)} %`;

/** The ends of an interval; null where it is not defined. */
function range(interval: Interval | undefined): string | null {
  const [low, high] = [ratio(interval?.low), ratio(interval?.high)];
  return low === null || high === null ? null : `${low} to ${high}`;
}

/** How sure an interval is, in words: `95 % interval`. */
const intervalName = (judgement: Judgement): string =>
  `${Number((100 * (judgement.intervals?.confidence ?? 0.95)).toFixed(1))} % interval`;

/** The verdict in a few sentences. */
export function verdict(judgement: Judgement): string {
  const { chosen, best, settings, counts, intervals } = judgement;
  if (counts.images === 0) return 'No images were evaluated.';
  const ground = `${counted(counts.images, 'image')} with ${counted(counts.truths, 'object')}`;
  if (counts.truths === 0) return `${ground}: nothing to find, and ${counted(counts.detections, 'detection')}.`;
  const interval = range(intervals?.f1);
  const certainty = interval === null ? '' : ` (${intervalName(judgement)} ${interval})`;
  const choice =
    settings.scoreThresholdFrom === 'best'
      ? ', the best for these images'
      : best.f1 > chosen.f1
        ? `, which was given (the best for these images is ${best.threshold.toFixed(2)}, with F1 ${ratio(best.f1)})`
        : ', which was given and is the best for these images too';
  return (
    `F1 ${ratio(chosen.f1)}${certainty} on ${ground}. At a score threshold of ${chosen.threshold.toFixed(2)}${choice}, ` +
    `${percent(chosen.recall)} of the objects are found and ${percent(chosen.precision)} of the detections are right, ` +
    `at an IoU of ${settings.iouThreshold} or more.`
  );
}

/** The numbers that matter most, large. */
export function tiles(judgement: Judgement): string {
  const { chosen, intervals, coco, counts, settings } = judgement;
  const tile = (name: string, value: number | null, interval: Interval | undefined) => {
    // Without objects the counts make 0 or 1 by convention, which says nothing of the detector.
    const shown = ratio(counts.truths === 0 ? null : value);
    const ends = counts.truths === 0 ? null : range(interval);
    return (
      `<div><dt>${name}</dt><dd${shown === null ? ' class="text"' : ''}>${shown ?? notDefined}</dd>` +
      `${ends === null ? '' : `<dd class="range">${ends}</dd>`}</div>\n`
    );
  };
  const number = (name: string, value: number) => `<div><dt>${name}</dt><dd>${count(value)}</dd></div>\n`;
  const sure = intervals === null ? '' : ` The smaller numbers are ${intervalName(judgement)}s.`;
  const flattery =
    settings.scoreThresholdFrom === 'best' && counts.truths > 0
      ? ' A threshold that is the best for the images judged flatters the detector; one chosen on other images does not.'
      : '';
  return (
    '<dl class="tiles">\n' +
    tile('F1', chosen.f1, intervals?.f1) +
    tile('Precision', chosen.precision, intervals?.precision) +
    tile('Recall', chosen.recall, intervals?.recall) +
    tile('AP50', coco.ap50, intervals?.ap50) +
    tile('AP', coco.ap, undefined) +
    number('Images', counts.images) +
    number('Objects', counts.truths) +
    number('Detections', counts.detections) +
    '</dl>\n' +
    paragraph(`Detections are counted whatever their score.${sure}${flattery}`, 'note')
  );
}
