import { createHash } from 'node:crypto';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { defined } from '../../common/check.ts';
import { replaceFile } from '../../common/node/replace-file.ts';
import type { Dataset } from '../../data/types.ts';
import type { ImageResult } from '../../detector/evaluate.ts';
import { taskReport, type ReportParts } from '../report.ts';
import { examplePictures } from './pictures.ts';

/** `ReportParts`, with the data from which pictures and hashes are made. */
export interface WriteReportOptions extends Omit<ReportParts, 'pictures' | 'files'> {
  /** Data set and results of its images, for pictures. */
  readonly pictured?: { readonly dataset: Dataset; readonly images: readonly ImageResult[] };
  /** Paths of files that the results depend on. Folders and missing files are left out. */
  readonly files: readonly string[];
}

/** Writes report.html. */
export async function writeReport(file: string, { pictured, files, ...parts }: WriteReportOptions): Promise<void> {
  const { perImage, settings } = parts.judgement;
  const pictures =
    pictured === undefined ? undefined : await examplePictures(pictured.dataset, pictured.images, perImage, settings);
  const hashes = files
    .filter((path) => existsSync(path) && statSync(path).isFile())
    .map((path) => ({ file: path, sha256: createHash('sha256').update(readFileSync(path)).digest('hex') }));
  replaceFile('writeReport', file, taskReport({ ...parts, ...defined({ pictures }), files: hashes }));
}
