import type { Interval, Judgement } from '../../evaluation/judgement.ts';
import { tooFewScenes } from '../../evaluation/text.ts';
import { count, counted, notDefined, paragraph, percentage, ratio } from './markup.ts';

/** The ends of an interval; null if it is not defined. */
function range(interval: Interval | undefined): string | null {
  const [low, high] = [ratio(interval?.low), ratio(interval?.high)];
  return low === null || high === null ? null : `${low} to ${high}`;
}

/** The confidence of the intervals: `95 % interval`. */
const intervalName = (judgement: Judgement): string =>
  `${Number((100 * (judgement.intervals?.confidence ?? 0.95)).toFixed(1))} % interval`;

/** The verdict in a few sentences. */
export function verdict(judgement: Judgement): string {
  const { chosen, settings, counts, intervals } = judgement;
  if (counts.images === 0) return 'No images were evaluated.';
  const data = `${counted(counts.images, 'image')} with ${counted(counts.truths, 'object')}`;
  if (counts.truths === 0) {
    return `${data}: there is nothing to detect, and there are ${counted(counts.detections, 'detection')}.`;
  }
  const interval = range(intervals?.f1);
  const doubt = interval !== null ? `${intervalName(judgement)} ${interval}` : intervals && tooFewScenes(intervals);
  const certainty = doubt ? ` (${doubt})` : '';
  return (
    `F1 ${ratio(chosen.f1)}${certainty} on ${data}. At a score threshold of ${chosen.threshold.toFixed(2)} ` +
    `(${originOf(judgement)}), ${percentage(chosen.recall!)} of the objects are detected and ` +
    `${percentage(chosen.precision!)} of the detections are correct, at an IoU threshold of ${settings.iouThreshold}.`
  );
}

/** Where the score threshold comes from, and how it compares with the best one. */
function originOf({ chosen, best, settings }: Judgement): string {
  if (settings.scoreThresholdFrom === 'best') return 'the best for these images';
  return best.f1! > chosen.f1!
    ? `given; the best for these images is ${best.threshold.toFixed(2)}, with F1 ${ratio(best.f1)}`
    : 'given, and the best for these images, too';
}

/** The most important numbers, large. */
export function tiles(judgement: Judgement): string {
  const { chosen, intervals, coco, counts, settings } = judgement;
  const tile = (name: string, value: number | null, interval: Interval | undefined): string => {
    // Without objects, an F1 of 0 says nothing about the detector.
    const text = ratio(counts.truths === 0 ? null : value);
    const ends = counts.truths === 0 ? null : range(interval);
    return (
      `<div><dt>${name}</dt><dd${text === null ? ' class="text"' : ''}>${text ?? notDefined}</dd>` +
      `${ends === null ? '' : `<dd class="range">${ends}</dd>`}</div>\n`
    );
  };
  const number = (name: string, value: number): string => `<div><dt>${name}</dt><dd>${count(value)}</dd></div>\n`;
  const confidence = range(intervals?.f1) === null ? '' : ` The smaller numbers are ${intervalName(judgement)}s.`;
  const bias =
    settings.scoreThresholdFrom === 'best' && counts.truths > 0
      ? ' The score threshold was chosen on the evaluated images, which makes the scores optimistic; choose it on other images to avoid this.'
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
    paragraph(`Detections of any score are counted.${confidence}${bias}`, 'note')
  );
}
