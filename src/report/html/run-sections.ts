import { boxSizeChart, boxSizeSummary, type BoxSizes } from '../charts/box-sizes.ts';
import { lossPanels } from '../charts/charts.ts';
import type { ImageJudgement } from '../../evaluation/judgement.ts';
import {
  count,
  counted,
  details,
  figure,
  gallery,
  heading3,
  notDefined,
  paragraph,
  ratio,
  table,
  tables,
  type Cell,
  type Section,
} from './markup.ts';
import type { FactGroup, FactValue, ReportPicture, Reproduction, RunReport, TrainingEvaluation } from './run-report.ts';
import { chartSize } from '../charts/score-charts.ts';
import { lineChart } from '../charts/svg-chart.ts';
import { escapeXml } from '../charts/svg-frame.ts';

// The sections of a report that do not show a judgement.

function evaluationTable(evaluations: readonly TrainingEvaluation[]): string {
  const best = evaluations.reduce((top, { f1 }, i) => (f1 > (evaluations[top]?.f1 ?? -1) ? i : top), 0);
  return table({
    caption:
      'Evaluations on held-out images during training, each at its F1-optimal score threshold; the best is highlighted',
    columns: ['epoch', 'step', 'F1', 'precision', 'recall', 'average precision', 'threshold'],
    rows: evaluations.map((record) => [
      count(record.epoch) ?? '–',
      count(record.step),
      ratio(record.f1),
      ratio(record.precision),
      ratio(record.recall),
      ratio(record.averagePrecision),
      ratio(record.threshold),
    ]),
    marked: best,
  });
}

/** Captions of the panels of `lossPanels`, by their titles. */
const panelCaptions: Readonly<Record<string, string>> = {
  'Training loss':
    'What training minimises: classification loss plus box-regression loss. It should fall and level off.',
  'Held-out images':
    'Scores on images that are not used for training. If they fall while the loss still falls, the model overfits.',
  'Gradient norm': 'Norm of all gradients together, before clipping. Spikes are a sign of unstable training.',
  'Learning rate': 'Step size of the optimizer.',
};

/** Loss, scores on held-out images, gradients and learning rate over the steps. */
export function trainingSection({ steps, evaluations = [] }: NonNullable<RunReport['training']>): Section {
  const panels = lossPanels(steps, evaluations).map((panel) =>
    figure(lineChart({ ...panel, ...chartSize }), panelCaptions[panel.title] ?? panel.title),
  );
  return {
    heading: 'Training',
    markup:
      paragraph(`${counted(steps.at(-1)?.step ?? 0, 'step')}, ${counted(evaluations.length, 'evaluation')}.`) +
      gallery(...panels) +
      (evaluations.length === 0 ? '' : details('All evaluations', evaluationTable(evaluations))),
  };
}

/** The sizes of boxes and of anchors. */
export function boxSizeSection(boxes: BoxSizes): Section {
  const caption =
    'A box that no anchor overlaps enough is hard to learn: only its best anchor is trained on it, or none. If much of the ' +
    'histogram is red, use other anchor sizes or a larger image size.';
  return {
    heading: 'Box sizes and anchors',
    markup: paragraph(boxSizeSummary(boxes)) + gallery(figure(boxSizeChart(boxes, chartSize), caption)),
  };
}

/** The caption of an example: its file, counts and F1. */
export function exampleCaption(image: ImageJudgement): string {
  const { file, truePositives, falsePositives, falseNegatives, f1 } = image;
  const counts = `${truePositives} found, ${falsePositives} wrong, ${falseNegatives} missed`;
  return `${file}: ${counts}, F1 ${ratio(f1) ?? notDefined}`;
}

function pictureMarkup({ src, caption, alt }: ReportPicture, i: number): string {
  if (!/^data:image\/(?:png|jpeg|webp|gif);base64,[A-Za-z\d+/]*={0,2}$/.test(src)) {
    throw new RangeError(
      `reportHtml: the src of picture ${i} ("${caption.slice(0, 80)}") starts with "${src.slice(0, 30)}", expected data:image/png;base64, and base 64`,
    );
  }
  return `<figure><img src="${src}" alt="${escapeXml(alt)}" /><figcaption>${escapeXml(caption)}</figcaption></figure>\n`;
}

/** Examples by kind; null without any. */
export function pictureSection({
  best = [],
  worst = [],
  missed = [],
}: NonNullable<RunReport['pictures']>): Section | null {
  const groups = [
    { heading: 'Most missed objects', pictures: missed },
    { heading: 'Most false positives', pictures: worst },
    { heading: 'Best', pictures: best },
  ].filter(({ pictures }) => pictures.length > 0);
  if (groups.length === 0) return null;
  const legend =
    'Blue: ground-truth box that was detected. Pink, dashed: ground-truth box that was missed. Yellow: correct detection. ' +
    'Orange: wrong detection. Numbers are scores.';
  return {
    heading: 'Pictures',
    markup:
      paragraph(legend, 'note') +
      groups
        .map(
          ({ heading, pictures }) =>
            heading3(heading) + `<div class="gallery pictures">\n${pictures.map(pictureMarkup).join('')}</div>\n`,
        )
        .join(''),
  };
}

function factCell(value: FactValue): Cell {
  if (value === null || value === undefined) return null;
  return typeof value === 'boolean' ? (value ? 'yes' : 'no') : String(value);
}

/**
 * Rows of a group of facts from a nested object such as the configuration: `{ a: { b: 1 } }` becomes `a.b` and 1, and a
 * list of plain values becomes one comma-separated text.
 */
export function factRows(value: object, prefix = ''): (readonly [string, FactValue])[] {
  return Object.entries(value).flatMap(([key, entry]: [string, unknown]) => {
    const name = `${prefix}${key}`;
    if (Array.isArray(entry)) {
      const plain = entry.every((item) => typeof item !== 'object' || item === null);
      return [[name, plain ? entry.join(', ') : JSON.stringify(entry)] as const];
    }
    if (typeof entry === 'object' && entry !== null) return factRows(entry, `${name}.`);
    return [[name, entry as FactValue] as const];
  });
}

/** Settings, data and environment of the run. */
export function factSection(groups: readonly FactGroup[]): Section {
  const list = groups.map(({ heading, rows }) =>
    table({
      caption: heading,
      columns: ['name', 'value'],
      rows: rows.map(([name, value]) => [name, factCell(value)]),
      texts: 2,
    }),
  );
  return { heading: 'Run details', markup: tables(...list) };
}

/** Commands, seed and file hashes to reproduce the result. */
export function reproductionSection({ commands, seed, files = [], notes = [] }: Reproduction): Section {
  const hashes =
    files.length === 0
      ? ''
      : `<div class="hash">${table({
          caption: 'SHA-256 of the files',
          columns: ['file', 'SHA-256'],
          rows: files.map(({ file, sha256 }) => [file, sha256]),
          texts: 2,
        })}</div>\n`;
  return {
    heading: 'How to reproduce',
    markup:
      `<pre tabindex="0"><code>${escapeXml(commands.join('\n'))}</code></pre>\n` +
      (seed === null || seed === undefined ? '' : paragraph(`Seed: ${seed}`)) +
      notes.map((note) => paragraph(note)).join('') +
      hashes,
  };
}

const glossary: readonly (readonly [string, string])[] = [
  [
    'IoU',
    'Intersection over union: the area that two boxes share, divided by the area that they cover together. 1 means identical boxes, 0 no overlap.',
  ],
  ['score', 'How confident the detector is of a detection, from 0 to 1.'],
  [
    'threshold',
    'Detections with a lower score are dropped. A higher threshold gives fewer but more reliable detections.',
  ],
  ['precision', 'The fraction of detections that are correct.'],
  ['recall', 'The fraction of objects that are detected.'],
  ['F1', 'The harmonic mean of precision and recall: high only if both are high.'],
  [
    'AP',
    'Average precision: the mean precision over all recalls, which needs no score threshold; here the mean over classes and over IoU thresholds from 0.50 to 0.95, as reported by COCO.',
  ],
  ['AP50, AP75', 'AP at an IoU threshold of 0.50 or 0.75 alone.'],
  [
    'average precision of an epoch, AP at IoU',
    'The same for all detections, as the area under the precision-recall curve. COCO takes the mean of the precision at 101 recalls, of at most 100 detections per class and image, so that AP50 differs slightly from it.',
  ],
  [
    'AR',
    'Average recall: the mean recall over IoU thresholds from 0.50 to 0.95, with a limited number of detections per image.',
  ],
  [
    '95 % interval',
    'Confidence interval: on other images of the same kind, the number would be in this range about 95 times out of 100 (estimated by resampling the evaluated scenes; without named scenes, each image counts as one).',
  ],
  ['anchor', 'A box at a fixed position and of a fixed size, from which the network predicts a box.'],
  ['background', 'None of the classes.'],
];

/** What the numbers mean. */
export function glossarySection(): Section {
  const items = glossary.map(([term, meaning]) => `<dt>${escapeXml(term)}</dt><dd>${escapeXml(meaning)}</dd>\n`);
  return {
    heading: 'What the numbers mean',
    markup: details('Glossary', `<dl class="glossary">\n${items.join('')}</dl>\n`),
  };
}
