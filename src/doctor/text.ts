import { counted, percent } from '../common/check.ts';
import type { CoverageRow } from '../detector/anchor-coverage.ts';
import { duration, gigabytes } from './cost-report.ts';
import type { Examination } from './examine.ts';
import { short, type Finding } from './types.ts';

/** An examination as text for a terminal: contents, findings, fit of the anchors, cost of training, recommendations. */
export function examinationText(examination: Examination): string {
  const sections = [
    dataSection(examination),
    findingsSection(examination.findings),
    anchorsSection(examination),
    costSection(examination),
    recommendationSection(examination),
  ];
  return `${sections.filter((section) => section !== '').join('\n\n')}\n`;
}

function dataSection({ format, images, boxes, crowds, train, heldOut, classes, sizes }: Examination): string {
  const lines = [
    `images   ${images} (${train} for training, ${heldOut} held out), labels: ${format}`,
    `boxes    ${boxes}${images === 0 ? '' : `, ${short(boxes / images)} per image`}` +
      (crowds === 0 ? '' : `, and ${counted(crowds, 'region of a crowd', 'regions of crowds')}`) +
      (sizes === null
        ? ''
        : `; sides ${short(sizes.p10)} (10 %), ${short(sizes.median)} (median), ${short(sizes.p90)} (90 %), ${short(sizes.largest)} (largest) pixels`),
  ];
  const rows = classes.map((row) => [row.name, `${row.boxes}`, `${row.images}`, percent(row.share)]);
  return `${lines.join('\n')}\n\n${table(['class', 'boxes', 'images', 'of all boxes'], rows)}`;
}

function findingsSection(findings: readonly Finding[]): string {
  if (findings.length === 0) return 'No problems found.';
  const count = (severity: string): number => findings.filter((finding) => finding.severity === severity).length;
  const head = (['error', 'warning', 'note'] as const).map((name) => counted(count(name), name, `${name}s`)).join(', ');
  const blocks = findings.map(({ severity, kind, message, remedy, examples, count: total }) => {
    const more = total > examples.length && examples.length > 0 ? [`... and ${total - examples.length} more`] : [];
    return [
      `${severity.padEnd(7)}  ${message} [${kind}]`,
      ...[...examples, ...more].map((example) => `           ${example}`),
      `         -> ${remedy}`,
    ].join('\n');
  });
  return [head, ...blocks].join('\n\n');
}

function anchorsSection({ anchors, suggestion }: Examination): string {
  if (anchors.boxes === 0) return '';
  const rowOf = (name: string, row: Omit<CoverageRow, 'from' | 'to'>): string[] => [
    name,
    `${row.boxes}`,
    row.meanIou.toFixed(3),
    percent(row.belowHigh),
    percent(row.belowLow),
  ];
  const rows = [
    ...anchors.bySize.map((row) => rowOf(`${row.from}${row.to === null ? ' and more' : ` to ${row.to}`}`, row)),
    rowOf('all', anchors),
    ...(suggestion === null
      ? []
      : [
          rowOf(`all, smallest anchor ${suggestion.smallestAnchor}`, suggestion.withSmallestAnchor),
          rowOf('all, fitted anchors', suggestion.after),
        ]),
  ];
  const heads = ['side after resizing', 'boxes', 'best IoU', `below ${anchors.high}`, `below ${anchors.low}`];
  return `Anchors\n${table(heads, rows)}`;
}

function costSection({ cost }: Examination): string {
  if (cost === null) return '';
  const { measured, trained, gigaMacs, parameters } = cost;
  const head =
    `Training on images of ${trained[1]} x ${trained[0]} pixels: ${(parameters / 1e6).toFixed(1)} million parameters, ` +
    `${gigaMacs.toFixed(1)} billion multiply-adds per image\n` +
    (measured === null
      ? '(estimated from the network; no step was measured)'
      : `(measured with batch size ${measured.batch} at ${measured.trained[1]} x ${measured.trained[0]} pixels on ${measured.adapter}: ${measured.seconds.toFixed(2)} s per step, ${measured.firstSeconds.toFixed(1)} s for the first)`);
  const rows = cost.batches.map(({ batch, bytes, stepSeconds, epochSeconds }) => [
    `${batch}`,
    gigabytes(bytes),
    stepSeconds === null ? '-' : `${stepSeconds.toFixed(2)} s`,
    epochSeconds === null ? '-' : duration(epochSeconds),
  ]);
  return `${head}\n${table(['batch', 'memory', 'step', 'epoch'], rows)}`;
}

function recommendationSection({ recommendations }: Examination): string {
  if (recommendations.length === 0) return '';
  return `Recommended\n${recommendations.map(({ setting, value, reason }) => `${setting.padEnd(26)}  ${value}\n    ${reason}`).join('\n')}`;
}

/** A table with aligned columns: the first flush left, the others flush right. */
function table(heads: readonly string[], rows: readonly (readonly string[])[]): string {
  const all = [heads, ...rows];
  const widths = heads.map((_, i) => Math.max(...all.map((row) => (row[i] ?? '').length)));
  return all
    .map((row) => row.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!))).join('  '))
    .join('\n');
}
