import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import type { Dataset } from '../data.ts';
import type { Judgement } from '../evaluation.ts';
import { factRows, reportHtml, type BoxSizes, type RunReport } from '../report.ts';
import type { EvaluationRecord, ImageResult, StepRecord } from '../train.ts';
import { examplePictures } from './pictures.ts';

/** What a report is made of. */
export interface ReportParts {
  readonly title: string;
  readonly summary: string;
  readonly judgement: Judgement;
  /** With the results in its images, for pictures; null where there are no images at hand. */
  readonly dataset?: Dataset;
  readonly images?: readonly ImageResult[];
  readonly training?: readonly (StepRecord | EvaluationRecord)[];
  readonly boxSizes?: BoxSizes;
  readonly facts: readonly { readonly heading: string; readonly values: object }[];
  readonly commands: readonly string[];
  readonly seed?: number;
  readonly files: readonly string[];
}

/** What was looked for, and where; many classes are counted. */
export const titleOf = (classes: readonly string[], where: string): string =>
  `${classes.length > 3 ? `${classes.length} classes` : classes.join(', ')} in ${where}`;

/** Writes report.html: one file that needs no other. */
export async function writeReport(file: string, parts: ReportParts): Promise<void> {
  const { title, summary, judgement, dataset, images, training, boxSizes, facts, commands, seed } = parts;
  const report: RunReport = {
    title,
    summary,
    judgement,
    ...(training === undefined
      ? {}
      : {
          training: {
            steps: training.filter((record): record is StepRecord => record.kind === 'step'),
            evaluations: training.filter((record): record is EvaluationRecord => record.kind === 'evaluation'),
          },
        }),
    ...(boxSizes === undefined ? {} : { boxSizes }),
    ...(dataset === undefined || images === undefined
      ? {}
      : { pictures: await examplePictures(dataset, images, judgement.perImage, judgement.settings) }),
    facts: facts.map(({ heading, values }) => ({
      heading,
      rows: factRows(values).map(([name, value]) => [name, value === null || value === '' ? 'none' : value] as const),
    })),
    reproduction: {
      commands,
      ...(seed === undefined ? {} : { seed }),
      files: parts.files.filter(existsSync).map((path) => ({
        file: path,
        sha256: createHash('sha256').update(readFileSync(path)).digest('hex'),
      })),
    },
  };
  writeFileSync(file, reportHtml(report));
}
