import type { Difference, RunComparison } from '../../evaluation/compare.ts';
import type { JudgementCurve } from '../../evaluation/judgement.ts';
import { tooFewScenes } from '../../evaluation/text.ts';
import {
  count,
  counted,
  details,
  figure,
  gallery,
  paragraph,
  ratio,
  table,
  type Cell,
  type Section,
} from './markup.ts';
import { page } from './page.ts';
import type { Reproduction } from './run-report.ts';
import { glossarySection, reproductionSection } from './run-sections.ts';
import { chartSize, checkCurve, endOfScores } from '../charts/score-charts.ts';
import { lineChart } from '../charts/svg-chart.ts';

/** A value of each run. */
interface Both<T> {
  readonly a: T;
  readonly b: T;
}

/** The contents of a page that compares two runs: plain data. */
export interface ComparisonReport {
  readonly title: string;
  /** Names of the runs. */
  readonly names: Both<string>;
  readonly summary?: string;
  readonly warnings?: readonly string[];
  readonly comparison: RunComparison;
  /** Curves of all classes pooled, from the judgements of the runs. */
  readonly curves?: Both<JudgementCurve>;
  readonly reproduction?: Reproduction;
}

/** Maximum number of images in the table of images. */
const maxImages = 100;

/** A difference with its sign. */
function signed(value: number | null): string | null {
  if (value === null) return null;
  const text = Math.abs(value).toFixed(3);
  return Number(text) === 0 ? text : `${value < 0 ? '−' : '+'}${text}`;
}

const range = ({ low, high }: Difference): string | null =>
  low === null || high === null ? null : `${signed(low)} to ${signed(high)}`;

function verdictOf({ names, comparison }: ComparisonReport): string {
  const { f1, images, truths, settings } = comparison;
  if (images === 0 || truths === 0 || f1.difference === null) return 'There are no objects to compare the runs on.';
  const data = `${counted(images, 'image')} with ${counted(truths, 'object')}`;
  const numbers = `F1 ${ratio(f1.a)} of ${names.a} and ${ratio(f1.b)} of ${names.b} on ${data}`;
  const ends = range(f1);
  if (ends === null) {
    const why = settings.resamples === 0 ? null : tooFewScenes(settings);
    return `${numbers}: a difference of ${signed(f1.difference)}, without an interval that would show whether it is due to chance${why === null ? '' : ` (${why})`}.`;
  }
  const interval = `${Number((100 * settings.confidence).toFixed(1))} % interval of the difference ${ends}`;
  const chance = (f1.low ?? 0) <= 0 && (f1.high ?? 0) >= 0;
  const better = f1.difference > 0 ? names.b : names.a;
  return chance
    ? `${numbers}: no significant difference (${interval}).`
    : `${better} is better: ${numbers} (${interval}).`;
}

function differenceSection({ names, comparison, curves }: ComparisonReport): Section {
  const { settings } = comparison;
  const { a, b } = settings.scoreThreshold;
  const rows = (
    [
      ['F1', comparison.f1],
      ['precision', comparison.precision],
      ['recall', comparison.recall],
      ['AP50', comparison.ap50],
    ] as const
  ).map(([name, one]): Cell[] => [name, ratio(one.a), ratio(one.b), signed(one.difference), range(one)]);
  const interval = `${Number((100 * settings.confidence).toFixed(1))} % interval`;
  return {
    heading: 'Differences',
    markup:
      paragraph(
        `Compared at an IoU threshold of ${settings.iouThreshold} and score thresholds of ${a.toFixed(2)} for ${names.a} and ` +
          `${b.toFixed(2)} for ${names.b}. If an interval contains 0, the difference may be due to chance.`,
      ) +
      table({
        caption: 'Both runs on the same images',
        columns: ['score', names.a, names.b, 'difference', interval],
        rows,
      }) +
      (curves === undefined ? '' : curveGallery(names, curves, settings.iouThreshold)),
  };
}

/** The curves of both runs in common charts. */
function curveGallery(names: Both<string>, { a, b }: Both<JudgementCurve>, iouThreshold: number): string {
  checkCurve(names.a, a);
  checkCurve(names.b, b);
  const chart = { ...chartSize, xMin: 0, yMin: 0, yMax: 1 };
  const precisionRecall = lineChart({
    ...chart,
    title: `Precision and recall at IoU ${iouThreshold}`,
    xLabel: 'recall',
    yLabel: 'precision',
    xMax: 1,
    series: [
      { name: names.a, x: a.recall, y: a.precision },
      { name: names.b, x: b.recall, y: b.precision },
    ],
  });
  const f1 = lineChart({
    ...chart,
    ...endOfScores([...a.thresholds, ...b.thresholds]),
    title: 'F1 by score threshold',
    xLabel: 'score threshold',
    yLabel: 'F1',
    series: [
      { name: names.a, x: a.thresholds, y: a.f1 },
      { name: names.b, x: b.thresholds, y: b.f1 },
    ],
  });
  return gallery(
    figure(precisionRecall, 'All classes pooled. Closer to the top right is better.'),
    figure(f1, 'Peaks at different thresholds mean that the runs score differently, not that one of them is better.'),
  );
}

function classSection({ names, comparison }: ComparisonReport): Section {
  return {
    heading: 'Classes',
    markup: table({
      caption: 'F1 and AP50 of each class, and the number of objects that only one run detected',
      columns: [
        'class',
        'objects',
        `F1 ${names.a}`,
        `F1 ${names.b}`,
        'difference',
        `AP50 ${names.a}`,
        `AP50 ${names.b}`,
        `only ${names.a}`,
        `only ${names.b}`,
      ],
      rows: comparison.perClass.map(({ name, truths, f1, ap50, onlyA, onlyB }) => {
        const none = truths === 0;
        return [
          name,
          count(truths),
          ratio(none ? null : f1.a),
          ratio(none ? null : f1.b),
          signed(none ? null : f1.b! - f1.a!),
          ratio(ap50.a),
          ratio(ap50.b),
          count(onlyA),
          count(onlyB),
        ];
      }),
    }),
  };
}

function imageSection({ names, comparison }: ComparisonReport): Section {
  const { changed, images } = comparison;
  const sum = (side: 'onlyA' | 'onlyB') => changed.reduce((total, image) => total + image[side].length, 0);
  // Both ends are most informative: the images that lost most and those that gained most.
  const head = changed.length > maxImages ? changed.slice(0, maxImages / 2) : changed;
  const tail = changed.length > maxImages ? changed.slice(-maxImages / 2) : [];
  const caption =
    tail.length === 0
      ? 'Images with different results'
      : `The ${head.length} images with the largest losses and the ${tail.length} with the largest gains, of ${counted(changed.length, 'image')} with different results`;
  return {
    heading: 'Images',
    markup:
      paragraph(
        `Results differ on ${count(changed.length)} of ${counted(images, 'image')}: ` +
          `${counted(sum('onlyA'), 'object was', 'objects were')} detected by ${names.a} only, ` +
          `${counted(sum('onlyB'), 'object', 'objects')} by ${names.b} only.`,
      ) +
      (changed.length === 0
        ? ''
        : details(
            caption,
            table({
              caption,
              columns: [
                'image',
                `F1 ${names.a}`,
                `F1 ${names.b}`,
                `only ${names.a}`,
                `only ${names.b}`,
                `wrong, ${names.a}`,
                `wrong, ${names.b}`,
              ],
              rows: [...head, ...tail].map(({ file, f1, falsePositives, onlyA, onlyB }) => [
                file,
                ratio(f1.a),
                ratio(f1.b),
                count(onlyA.length),
                count(onlyB.length),
                count(falsePositives.a),
                count(falsePositives.b),
              ]),
            }),
          )),
  };
}

/**
 * A comparison of two runs as the text of one HTML file like that of `reportHtml`: the verdict with the interval of the
 * difference, the curves of both runs in one chart, classes, and images with different results. Throws a RangeError for
 * curves whose columns differ in length.
 */
export function comparisonHtml(report: ComparisonReport): string {
  const { title, summary, warnings, reproduction } = report;
  const sections = [
    differenceSection(report),
    classSection(report),
    imageSection(report),
    ...(reproduction === undefined ? [] : [reproductionSection(reproduction)]),
    glossarySection(),
  ];
  return page({ title, verdict: verdictOf(report), summary, warnings, top: '', sections });
}
