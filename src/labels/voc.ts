import type { Box } from '../imagery/geometry.ts';
import { isRecord } from './json.ts';
import { reporter, shown, type ParseOptions, type Report } from './problems.ts';
import { checkBox, imagePath, imageSide, tableBuilder } from './table-builder.ts';
import type { LabelledImage, LabelTable } from './types.ts';

/**
 * Parses XML into objects: elements by name, text as it is, `object` elements always as an array. Throws an Error with
 * `line` (from 1) for text that is no XML.
 */
export type XmlReader = (text: string) => unknown;

/** One XML file, with its path relative to the folder of annotations. */
export interface VocDocument {
  readonly path: string;
  readonly text: string;
}

/**
 * Reads Pascal VOC's XML, a file per image (Everingham et al., 2010). Corners there are those of whole pixels, counted
 * from 1, both inside the box: they become continuous edges `x1 - 1, y1 - 1, x2, y2`, as in torchvision and Detectron2;
 * fractions are accepted. `difficult` is kept; pose, `truncated` and parts are passed over. The image is `filename`, in
 * the same subfolder as the XML; `findImage` may say what stands where there is no `filename`. `options.name` is the
 * folder of the XML files.
 */
export function parseVoc(
  documents: Iterable<VocDocument>,
  readXml: XmlReader,
  options: ParseOptions & { readonly findImage?: ((stem: string) => string | undefined) | undefined },
): LabelTable {
  const report = reporter(options.onProblem);
  const table = tableBuilder(options.classes, report);
  const sources = new Map<string, string>();
  for (const { path, text } of documents) {
    const name = `${options.name}/${path}`;
    const root = readRoot(text, name, readXml, report);
    if (root === null) continue;
    const folder = path.slice(0, path.lastIndexOf('/') + 1);
    const bare = path.replace(/\.[^./]*$/, '');
    const given = textOf(root['filename']).trim() || options.findImage?.(bare)?.slice(folder.length) || '';
    if (given === '') {
      report('syntax', name, 'no <filename>, and no image of the same name');
      continue;
    }
    const file = imagePath(/[\\/]/.test(given) ? given : folder + given, name, report);
    if (file === null) continue;
    const other = sources.get(file);
    if (other !== undefined) {
      report('image', name, `a second file for the image ${file}, after ${other}`);
      continue;
    }
    sources.set(file, name);
    const size = isRecord(root['size']) ? root['size'] : {};
    const side = (key: string): number | null => imageSide(textOf(size[key]).trim(), key, name, report);
    table.image(file, side('width'), side('height'));
    const lines = objectLines(text);
    const objects = (root['object'] ?? []) as unknown[];
    objects.forEach((object, i) => {
      const source = `${name}:${lines[i] ?? 1}`;
      const label = isRecord(object) ? textOf(object['name']).trim() : '';
      if (!isRecord(object) || label === '') return report('syntax', source, 'an <object> without a <name>');
      const box = readBox(object['bndbox'], source, report);
      if (box === null) return undefined;
      const difficult = textOf(object['difficult']).trim().toLowerCase();
      if (!['', '0', '1', 'false', 'true', 'unspecified'].includes(difficult)) {
        return report('syntax', source, `<difficult> is ${shown(difficult)}, expected 0 or 1`);
      }
      const hard = difficult === '1' || difficult === 'true';
      table.object(file, label, { box, ...(hard ? { difficult: true } : {}), source });
      return undefined;
    });
  }
  return table.build();
}

/** The text of the XML file of one image. Throws a RangeError for names with characters that XML does not have. */
export function writeVoc(image: LabelledImage, classes: readonly string[]): string {
  const { file, width, height, objects } = image;
  const lines = [
    '<annotation>',
    `  <filename>${escapeXml(file.slice(file.lastIndexOf('/') + 1))}</filename>`,
    ...(width === null || height === null
      ? []
      : [`  <size><width>${width}</width><height>${height}</height><depth>3</depth></size>`]),
    ...objects.flatMap(({ label, box: [x1, y1, x2, y2], difficult }) => [
      '  <object>',
      `    <name>${escapeXml(classes[label]!)}</name>`,
      `    <difficult>${difficult === true ? 1 : 0}</difficult>`,
      `    <bndbox><xmin>${x1 + 1}</xmin><ymin>${y1 + 1}</ymin><xmax>${x2}</xmax><ymax>${y2}</ymax></bndbox>`,
      '  </object>',
    ]),
    '</annotation>',
  ];
  return `${lines.join('\n')}\n`;
}

function readRoot(
  text: string,
  name: string,
  readXml: XmlReader,
  report: Report,
): Readonly<Record<string, unknown>> | null {
  if (text.trim() === '') {
    report('syntax', name, 'the file is empty, expected XML');
    return null;
  }
  let xml: unknown;
  try {
    xml = readXml(text);
  } catch (error) {
    const line = error instanceof Error && 'line' in error ? `:${String(error.line)}` : '';
    report('syntax', name + line, `not XML, or truncated: ${error instanceof Error ? error.message : String(error)}`);
    return null;
  }
  const root = isRecord(xml) ? xml['annotation'] : undefined;
  // An <annotation> with nothing in it is text to the parser.
  if (isRecord(root)) return root;
  report('syntax', name, `not Pascal VOC: no <annotation> with elements at the top`);
  return null;
}

function readBox(bounds: unknown, source: string, report: Report): Box | null {
  if (!isRecord(bounds)) {
    report('syntax', source, 'an <object> without a <bndbox> of xmin, ymin, xmax, ymax');
    return null;
  }
  const corners = ['xmin', 'ymin', 'xmax', 'ymax'].map((key) => {
    const text = textOf(bounds[key]).trim();
    const value = text === '' ? NaN : Number(text);
    if (!Number.isFinite(value)) report('number', source, `${key} is "${text}", expected a number`);
    return value;
  });
  if (!corners.every(Number.isFinite)) return null;
  const [x1, y1, x2, y2] = corners as [number, number, number, number];
  const box: Box = [x1 - 1, y1 - 1, x2, y2];
  return checkBox(box, source, report) ? box : null;
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

/** Lines, from 1, on which the objects of a file begin. */
function objectLines(text: string): number[] {
  const lines: number[] = [];
  let line = 1;
  for (const match of text.matchAll(/<!--[^]*?-->|<object[\s>]|\n/g)) {
    if (match[0].startsWith('<object')) lines.push(line);
    line += match[0].split('\n').length - 1;
  }
  return lines;
}

function escapeXml(text: string): string {
  for (const character of text) {
    const code = character.codePointAt(0)!;
    // XML 1.0, production 2.
    if (
      (code < 32 && code !== 9 && code !== 10 && code !== 13) ||
      (code >= 0xd800 && code <= 0xdfff) ||
      code === 0xfffe ||
      code === 0xffff
    ) {
      throw new RangeError(
        `writeLabels: ${JSON.stringify(text)} holds the character U+${code.toString(16).toUpperCase().padStart(4, '0')}, which XML does not have`,
      );
    }
  }
  return text.replace(/[&<>"'\t\r\n]/g, (character) => `&#${character.codePointAt(0)};`);
}
