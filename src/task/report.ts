import { defined } from '../common/check.ts';
import type { Judgement } from '../evaluation/judgement.ts';
import type { BoxSizes } from '../report/charts/box-sizes.ts';
import { reportHtml } from '../report/html/html.ts';
import type { RunReport } from '../report/html/run-report.ts';
import { factRows } from '../report/html/run-sections.ts';
import type { RetinaNetSpec } from '../retinanet/spec.ts';
import type { EvaluationRecord, RunRecord, StepRecord } from '../train/run-store.ts';

/** Contents of a report. */
export interface ReportParts {
  readonly title: string;
  readonly summary: string;
  readonly judgement: Judgement;
  /** Best, worst and missed images; left out if no images are available. */
  readonly pictures?: RunReport['pictures'];
  readonly training?: readonly RunRecord[];
  readonly boxSizes?: BoxSizes;
  readonly facts: readonly { readonly heading: string; readonly values: object }[];
  readonly commands: readonly string[];
  readonly seed?: number;
  /** Files that the results depend on, with their hashes. */
  readonly files?: readonly { readonly file: string; readonly sha256: string }[];
}

/** Title of a report: the classes (if more than three, their number) and where they were detected. */
export const titleOf = (classes: readonly string[], where: string): string =>
  `${classes.length > 3 ? `${classes.length} classes` : classes.join(', ')} in ${where}`;

/** The anchors of a network by level, for a report: no setting shows them if `model.anchors=auto`. */
export function anchorFacts({ anchors }: RetinaNetSpec): Record<string, string> {
  const rounded = (values: readonly number[]): string => values.map((value) => Number(value.toPrecision(3))).join(', ');
  return {
    ...Object.fromEntries(anchors.sizes.map((sizes, level) => [`P${level + 3}`, rounded(sizes)])),
    'height / width': rounded(anchors.ratios),
  };
}

/** report.html, a self-contained file. */
export function taskReport(parts: ReportParts): string {
  const { title, summary, judgement, pictures, training, boxSizes, facts, commands, seed, files = [] } = parts;
  return reportHtml({
    title,
    summary,
    judgement,
    ...defined({ training: training && historyOf(training), boxSizes, pictures }),
    facts: facts.map(({ heading, values }) => ({
      heading,
      rows: factRows(values).map(([name, value]) => [name, value === null || value === '' ? 'none' : value] as const),
    })),
    reproduction: { commands, ...defined({ seed }), files },
  });
}

const historyOf = (records: readonly RunRecord[]): NonNullable<RunReport['training']> => ({
  steps: records.filter((record): record is StepRecord => record.kind === 'step'),
  evaluations: records.filter((record): record is EvaluationRecord => record.kind === 'evaluation'),
});
