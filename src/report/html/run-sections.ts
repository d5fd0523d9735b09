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

// The sections of a report that do not come from a judgement.

function evaluationTable(evaluations: readonly TrainingEvaluation[]): string {
  const best = evaluations.reduce((top, { f1 }, i) => (f1 > (evaluations[top]?.f1 ?? -1) ? i : top), 0);
  return table({
    caption: 'Held-out images during training, each at the score threshold of its best F1; the best stands out',
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
  'Training loss': 'What training makes small: the loss of classes and boxes. It should fall and level out.',
  'Held-out images': 'On images that were not trained on. Where it falls while the loss falls too, the model overfits.',
  'Gradient norm':
    'How strongly each step pulls at the weights, before it is limited. Spikes tell of unstable training.',
  'Learning rate': 'How far each step goes.',
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
      (evaluations.length === 0 ? '' : details('Every evaluation', evaluationTable(evaluations))),
  };
}

/** The sizes of boxes beside those of anchors. */
export function boxSizeSection(boxes: BoxSizes): Section {
  const caption =
    'A box that no anchor overlaps enough is hard to learn: only its closest anchor is trained on it, or none. Where much ' +
    'is red, other anchor sizes or a larger image size help.';
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
    { heading: 'Most misses', pictures: missed },
    { heading: 'Most false detections', pictures: worst },
    { heading: 'Best', pictures: best },
  ].filter(({ pictures }) => pictures.length > 0);
  if (groups.length === 0) return null;
  const legend =
    'Blue: a true box that was found. Pink, dashed: a true box that was missed. Yellow: a right detection. ' +
    'Orange: a wrong detection. Numbers are scores.';
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
 * The rows of a group of facts from a nested object such as the configuration: `{ a: { b: 1 } }` becomes `a.b` and 1, a
 * list of plain values one text with commas.
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

/** What was run, on what, with which settings. */
export function factSection(groups: readonly FactGroup[]): Section {
  const list = groups.map(({ heading, rows }) =>
    table({
      caption: heading,
      columns: ['name', 'value'],
      rows: rows.map(([name, value]) => [name, factCell(value)]),
      texts: 2,
    }),
  );
  return { heading: 'The run', markup: tables(...list) };
}

/** The commands, seed and file hashes that lead to the same result. */
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
    'Intersection over union: the area that two boxes share, divided by the area that they cover together. 1 is the same box, 0 no overlap.',
  ],
  ['score', 'How sure the detector is of a detection, from 0 to 1.'],
  ['threshold', 'Detections with a lower score are dropped. A high threshold gives fewer and surer detections.'],
  ['precision', 'Of all detections, the share that is right.'],
  ['recall', 'Of all objects, the share that was found.'],
  ['F1', 'Precision and recall in one number, their harmonic mean: high only where both are.'],
  [
    'AP',
    'Average precision: the mean precision over all recalls, so that no threshold has to be chosen; here the mean over classes and over IoUs from 0.50 to 0.95, as COCO reports it.',
  ],
  ['AP50, AP75', 'AP where a detection is right from an IoU of 0.50 or 0.75 on.'],
  ['AR', 'Average recall: the mean recall over IoUs from 0.50 to 0.95, with at most so many detections per image.'],
  [
    '95 % interval',
    'How much of a number is chance: with other images of the same kind, it would lie in here about 95 of 100 times (found by drawing anew from the images evaluated).',
  ],
  ['anchor', 'A box that the network starts from, at a fixed place and of a fixed size.'],
  ['background', 'None of the classes.'],
];

/** What the numbers mean, in a line each. */
export function glossarySection(): Section {
  const items = glossary.map(([term, meaning]) => `<dt>${escapeXml(term)}</dt><dd>${escapeXml(meaning)}</dd>\n`);
  return {
    heading: 'What the numbers mean',
    markup: details('Glossary', `<dl class="glossary">\n${items.join('')}</dl>\n`),
  };
}
