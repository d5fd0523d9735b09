import type { Difference, RunComparison } from '../../evaluation/compare.ts';
import type { JudgementCurve } from '../../evaluation/judgement.ts';
import {
  count,
  counted,
  details,
  figure,
  gallery,
  notDefined,
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

/** A number of both runs. */
interface Both<T> {
  readonly a: T;
  readonly b: T;
}

/** What a page of two runs shows: plain data. */
export interface ComparisonReport {
  readonly title: string;
  /** What the runs are called. */
  readonly names: Both<string>;
  readonly summary?: string;
  readonly warnings?: readonly string[];
  readonly comparison: RunComparison;
  /** Curves of all classes together, from the judgements of the runs. */
  readonly curves?: Both<JudgementCurve>;
  readonly reproduction?: Reproduction;
}

/** Most images in the table of images. */
const mostImages = 100;

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
  if (images === 0 || truths === 0 || f1.difference === null) return 'There are no objects to compare the runs by.';
  const ground = `on ${counted(images, 'image')} with ${counted(truths, 'object')}`;
  const numbers = `F1 ${ratio(f1.a)} of ${names.a} and ${ratio(f1.b)} of ${names.b} ${ground}`;
  const ends = range(f1);
  if (ends === null)
    return `${numbers}: a difference of ${signed(f1.difference)}, of which it is not known how much is chance.`;
  const interval = `${Number((100 * settings.confidence).toFixed(1))} % interval of the difference ${ends}`;
  const chance = (f1.low ?? 0) <= 0 && (f1.high ?? 0) >= 0;
  const better = f1.difference > 0 ? names.b : names.a;
  return chance
    ? `${numbers}: no difference beyond chance (${interval}).`
    : `${better} is better: ${numbers} (${interval}).`;
}

function differenceSection({ names, comparison, curves }: ComparisonReport): Section {
  const { settings } = comparison;
  const rows = (
    [
      ['F1', comparison.f1],
      ['precision', comparison.precision],
      ['recall', comparison.recall],
      ['AP50', comparison.ap50],
    ] as const
  ).map(([name, one]): Cell[] => [name, ratio(one.a), ratio(one.b), signed(one.difference), range(one)]);
  const thresholds = settings.scoreThreshold;
  const charts = [];
  if (curves !== undefined) {
    checkCurve(names.a, curves.a);
    checkCurve(names.b, curves.b);
    const shared = { ...chartSize, xMin: 0, yMin: 0, yMax: 1 };
    charts.push(
      figure(
        lineChart({
          ...shared,
          title: `Precision and recall at IoU ${settings.iouThreshold}`,
          xLabel: 'recall',
          yLabel: 'precision',
          xMax: 1,
          series: [
            { name: names.a, x: curves.a.recall, y: curves.a.precision },
            { name: names.b, x: curves.b.recall, y: curves.b.precision },
          ],
        }),
        'All classes together. Up and right is better.',
      ),
      figure(
        lineChart({
          ...shared,
          ...endOfScores([...curves.a.thresholds, ...curves.b.thresholds]),
          title: 'F1 over the threshold',
          xLabel: 'score threshold',
          yLabel: 'F1',
          series: [
            { name: names.a, x: curves.a.thresholds, y: curves.a.f1 },
            { name: names.b, x: curves.b.thresholds, y: curves.b.f1 },
          ],
        }),
        'Peaks at different places say that the runs score differently, not that one is better.',
      ),
    );
  }
  return {
    heading: 'Differences',
    markup:
      paragraph(
        `Compared at an IoU of ${settings.iouThreshold} and score thresholds of ${thresholds.a.toFixed(2)} for ${names.a} and ` +
          `${thresholds.b.toFixed(2)} for ${names.b}. An interval that holds 0 may be chance.`,
      ) +
      table({
        caption: 'Both runs on the same images',
        columns: [
          'score',
          names.a,
          names.b,
          'difference',
          `${Number((100 * settings.confidence).toFixed(1))} % interval`,
        ],
        rows,
      }) +
      (charts.length === 0 ? '' : gallery(...charts)),
  };
}

function classSection({ names, comparison }: ComparisonReport): Section {
  return {
    heading: 'Classes',
    markup: table({
      caption: 'F1 and AP50 of each class, and the objects that one run alone found',
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
          signed(none ? null : f1.b - f1.a),
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
  // Both ends tell most: the images that lost most, and those that gained most.
  const head = changed.length > mostImages ? changed.slice(0, mostImages / 2) : changed;
  const tail = changed.length > mostImages ? changed.slice(-mostImages / 2) : [];
  const caption =
    tail.length === 0
      ? 'Images that changed'
      : `The ${head.length} images that lost most and the ${tail.length} that gained most, of ${counted(changed.length, 'image')} that changed`;
  return {
    heading: 'Images',
    markup:
      paragraph(
        `${counted(changed.length, 'image')} of ${count(images) ?? notDefined} differ: ${counted(sum('onlyA'), 'object')} only ` +
          `${names.a} found, ${counted(sum('onlyB'), 'object')} only ${names.b}.`,
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
                `found by ${names.a} only`,
                `found by ${names.b} only`,
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
 * Two runs side by side as the text of one HTML file, made as `reportHtml` makes its own: the verdict with the interval
 * of the difference, curves over each other, classes and images that changed. Throws a RangeError for curves whose columns
 * differ in length.
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
