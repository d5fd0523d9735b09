import type { Point } from '../../imagery/geometry.ts';
import type { LabelDocument } from './labelme.ts';
import { reporter, type ParseOptions, type Report } from '../problems.ts';
import { outlineThrough, ShapeTable, type ShapeLabels } from '../shapes.ts';
import type { Origin } from '../types.ts';

const HEADER = /^(?:imagesource|gsd)\s*:/i;

/** Whether the first lines of a text are DOTA's: a header, or corners that are followed by the name of a class. */
export function isDota(text: string): boolean {
  const [first = ''] = /\S[^\r\n]*/.exec(text) ?? [];
  const fields = first.trim().split(/\s+/);
  return HEADER.test(first) || (fields.length >= 9 && fields.slice(0, 8).every(isNumber) && !isNumber(fields[8]!));
}

const isNumber = (text: string): boolean => text !== '' && Number.isFinite(Number(text));

/**
 * Reads DOTA's text (Xia et al., 2018), a file per image with an object per line: the x and y of four corners in pixels, the
 * class, and whether it is difficult (0 if missing). The lines `imagesource:` and `gsd:` before them are skipped.
 *
 * @param options `findImage` gives the path of the image of a document
 */
export function parseDota(
  documents: Iterable<LabelDocument>,
  options: ParseOptions & { readonly findImage: (document: string) => string | { readonly problem: string } },
): ShapeLabels {
  const report = reporter(options.onProblem);
  const table = new ShapeTable(options);
  for (const { path, text } of documents) {
    const file = options.findImage(path);
    if (typeof file !== 'string') {
      report('image', { file: path }, file.problem);
      continue;
    }
    table.addImage(file);
    for (const [i, line] of text
      .replace(/^\ufeff/, '')
      .split(/\r?\n/)
      .entries()) {
      if (line.trim() === '' || HEADER.test(line.trim())) continue;
      const origin = { file: path, line: i + 1 };
      const object = readLine(line.trim().split(/\s+/), origin, report);
      if (object === null) continue;
      const { className, points, isDifficult } = object;
      const outline = outlineThrough(points, origin, report);
      if (outline === null) continue;
      table.add({ file, className, type: 'polygon', origin }, outline, isDifficult ? { difficult: true } : {});
    }
  }
  return table.build();
}

/** The object of a line; null for an invalid one, which is reported. */
function readLine(
  fields: readonly string[],
  origin: Origin,
  report: Report,
): { className: string; points: Point[]; isDifficult: boolean } | null {
  const [className, difficult = '0'] = fields.slice(8);
  if (className === undefined || fields.length > 10) {
    const expected = 'expected 10: the x and y of four corners, class, difficult';
    return report('syntax', origin, `${fields.length} values, ${expected}`);
  }
  const wrong = fields.slice(0, 8).findIndex((field) => !isNumber(field));
  if (wrong >= 0) return report('number', origin, `value ${wrong + 1} is "${fields[wrong]}", expected a number`);
  if (!['0', '1', '2'].includes(difficult)) {
    return report('syntax', origin, `difficult is "${difficult}", expected 0 or 1`);
  }
  const points = [0, 2, 4, 6].map((at): Point => [Number(fields[at]), Number(fields[at + 1])]);
  return { className, points, isDifficult: difficult !== '0' };
}
