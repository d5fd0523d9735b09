import type { Box } from '../imagery/geometry.ts';
import { reporter, shown, type ParseOptions, type Report } from './problems.ts';
import { checkBox, imagePath, imageSide, TableBuilder, type ImagePaths } from './table-builder.ts';
import type { LabelledImage, LabelTable, Origin } from './types.ts';
import { parseXml, XmlError, type XmlElement } from '../common/xml.ts';

/** One XML file, with its path relative to the folder of annotations. */
export interface VocDocument {
  readonly path: string;
  readonly text: string;
}

/**
 * Reads Pascal VOC's XML, one file per image (Everingham et al., 2010). Its corners are pixels counted from 1, both inside
 * the box: they become continuous edges `x1 - 1, y1 - 1, x2, y2`, as in torchvision and Detectron2. With `firstPixel` 0,
 * corners are edges as they are. Fractions are accepted. `difficult` is kept; pose, `truncated` and parts are ignored. The
 * image is `filename`, in the subfolder of the XML file; `findImage` may name the image of a file without `filename`.
 * `options.name` is the folder of the XML files.
 */
export function parseVoc(
  documents: Iterable<VocDocument>,
  options: ParseOptions &
    ImagePaths & {
      readonly findImage?: ((stem: string) => string | undefined) | undefined;
      readonly firstPixel?: 0 | 1;
    },
): LabelTable {
  const { firstPixel = 1 } = options;
  const report = reporter(options.onProblem);
  const table = new TableBuilder(options.classes, report);
  const documentOf = new Map<string, string>();
  for (const { path, text } of documents) {
    const origin = { file: `${options.name}/${path}` };
    const root = readRoot(text, origin, report);
    const file =
      root === null ? null : imageOf(root, path, origin, { report, findImage: options.findImage, paths: options });
    if (root === null || file === null) continue;
    const other = documentOf.get(file);
    if (other !== undefined) {
      report('image', origin, `a second file for the image ${file}, after ${other}`);
      continue;
    }
    documentOf.set(file, origin.file);
    const size = childOf(root, 'size');
    const side = (key: string): number | null => imageSide(textOf(size, key), key, origin, report);
    table.addImage(file, side('width'), side('height'));
    for (const object of root.children.filter(({ name }) => name === 'object')) {
      readObject(object, file, { ...origin, line: object.line }, { table, report, firstPixel });
    }
  }
  return table.build();
}

/** The path of the image of an XML file; null for one without, which is reported. */
function imageOf(
  root: XmlElement,
  path: string,
  origin: Origin,
  {
    report,
    findImage,
    paths,
  }: { report: Report; findImage: ((stem: string) => string | undefined) | undefined; paths: ImagePaths },
): string | null {
  const folder = path.slice(0, path.lastIndexOf('/') + 1);
  const bare = path.replace(/\.[^./]*$/, '');
  const given = textOf(root, 'filename') || findImage?.(bare)?.slice(folder.length) || '';
  if (given === '') return report('syntax', origin, 'no <filename>, and no image with the same name');
  return imagePath(/[\\/]/.test(given) ? given : folder + given, origin, report, paths);
}

/** Adds an <object> to the table, or reports what is invalid. */
function readObject(
  object: XmlElement,
  file: string,
  origin: Origin,
  { table, report, firstPixel }: { table: TableBuilder; report: Report; firstPixel: 0 | 1 },
): void {
  const className = textOf(object, 'name');
  if (className === '') {
    report('syntax', origin, 'an <object> without a <name>');
    return;
  }
  const box = readBox(childOf(object, 'bndbox'), firstPixel, origin, report);
  if (box === null) return;
  const difficult = textOf(object, 'difficult').toLowerCase();
  if (!['', '0', '1', 'false', 'true', 'unspecified'].includes(difficult)) {
    report('syntax', origin, `<difficult> is ${shown(difficult)}, expected 0 or 1`);
    return;
  }
  const isDifficult = difficult === '1' || difficult === 'true';
  table.addObject(file, className, { box, ...(isDifficult ? { difficult: true } : {}) }, origin);
}

/** The text of the XML file of one image. Throws a RangeError for names with characters that XML does not allow. */
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

/** The <annotation> of an XML file; null for a file without, which is reported. */
function readRoot(text: string, origin: Origin, report: Report): XmlElement | null {
  if (text.trim() === '') return report('syntax', origin, 'the file is empty, expected XML');
  try {
    const root = childOf(parseXml(text), 'annotation');
    if (root !== undefined && root.children.length > 0) return root;
  } catch (error) {
    if (!(error instanceof XmlError)) throw error;
    return report('syntax', { ...origin, line: error.line }, `not XML, or truncated: ${error.message}`);
  }
  return report('syntax', origin, 'not Pascal VOC: no <annotation> with elements at the top');
}

function readBox(bounds: XmlElement | undefined, firstPixel: 0 | 1, origin: Origin, report: Report): Box | null {
  if (bounds === undefined || bounds.children.length === 0) {
    return report('syntax', origin, 'an <object> without a <bndbox> of xmin, ymin, xmax, ymax');
  }
  const corner = (key: string): number => {
    const text = textOf(bounds, key);
    const value = text === '' ? NaN : Number(text);
    if (!Number.isFinite(value)) report('number', origin, `${key} is "${text}", expected a number`);
    return value;
  };
  const [x1, y1, x2, y2] = [corner('xmin'), corner('ymin'), corner('xmax'), corner('ymax')];
  if (![x1, y1, x2, y2].every(Number.isFinite)) return null;
  const box: Box = [x1 - firstPixel, y1 - firstPixel, x2, y2];
  return checkBox(box, origin, report) ? box : null;
}

/** The first element of a name inside another. */
const childOf = (parent: XmlElement, name: string): XmlElement | undefined =>
  parent.children.find((child) => child.name === name);

/** The text of an element inside another, without space around it; empty if there is none. */
const textOf = (parent: XmlElement | undefined, name: string): string =>
  (parent === undefined ? undefined : childOf(parent, name))?.text.trim() ?? '';

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
        `writeLabels: ${JSON.stringify(text)} contains the character U+${code.toString(16).toUpperCase().padStart(4, '0')}, which XML does not allow`,
      );
    }
  }
  return text.replace(/[&<>"'\t\r\n]/g, (character) => `&#${character.codePointAt(0)};`);
}
