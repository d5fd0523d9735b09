import type { Point } from '../../imagery/geometry.ts';
import { counted } from '../../common/check.ts';
import { LabelError, reporter, shown, type ParseOptions, type Report } from '../problems.ts';
import {
  ellipseBox,
  NO_AREA,
  numbersOf,
  outlineThrough,
  ShapeTable,
  turnedBox,
  type Shape,
  type ShapeLabels,
  type ShapeOptions,
} from '../shapes.ts';
import { imagePath, imageSide, type ImagePaths } from '../table-builder.ts';
import type { Origin } from '../types.ts';
import { parseXml, XmlError, type XmlElement } from '../../common/xml.ts';

/** Whether the first part of an XML file is of CVAT. */
export const isCvat = (text: string): boolean => /<annotations[\s>]/.test(text);

/**
 * Reads CVAT's XML, "CVAT for images 1.1". Coordinates are in pixels with continuous edges. `rotation`, in degrees clockwise
 * about the centre, is applied: the outline of a turned rectangle is kept, with the box around it. Of an ellipse, the box is
 * kept, and of a mask, which a note says. The attribute `difficult`, a checkbox, is kept; other attributes, tags, occlusion
 * and z order are ignored. An image without shapes is empty.
 */
export function parseCvat(text: string, options: ParseOptions & ImagePaths & ShapeOptions): ShapeLabels {
  const { name } = options;
  const report = reporter(options.onProblem);
  const root = readRoot(text, name);
  const tracks = root.children.filter((child) => child.name === 'track');
  if (tracks.length > 0) {
    const reason = `${counted(tracks.length, 'track', 'tracks')} of a video, expected images`;
    const remedy = 'export the task again, as "CVAT for images 1.1"';
    throw new LabelError('syntax', { file: name, line: tracks[0]!.line }, `${reason}: ${remedy}`);
  }
  const table = new ShapeTable(options);
  let [masks, tags] = [0, 0];
  for (const image of root.children.filter((child) => child.name === 'image')) {
    const place = { file: name, line: image.line };
    const file = imagePath(image.attributes['name'] ?? '', place, report, options);
    if (file === null) continue;
    const side = (key: string): number | null => imageSide(image.attributes[key], key, place, report);
    table.addImage(file, side('width'), side('height'));
    for (const element of image.children) {
      const origin = { file: name, line: element.line };
      if (element.name === 'tag') tags++;
      else {
        const shape = shapeOf(element, origin, report);
        const className = element.attributes['label'] ?? '';
        if (shape === null) continue;
        if (element.name === 'mask') masks++;
        if (className === '') report('class', origin, `a <${element.name}> without a label`);
        else {
          const fields = isDifficult(element) ? { difficult: true } : {};
          table.add({ file, className, type: element.name, origin }, shape, fields);
        }
      }
    }
  }
  const built = table.build();
  const notes = [
    ...(masks === 0 ? [] : [`the outlines of ${counted(masks, 'mask', 'masks')}, of which the box is kept`]),
    ...(tags === 0 ? [] : [`${counted(tags, 'tag', 'tags')} of whole images`]),
  ];
  return { ...built, notes: [...built.notes, ...notes] };
}

function readRoot(text: string, name: string): XmlElement {
  if (text.trim() === '') throw new LabelError('syntax', { file: name }, 'the file is empty, expected XML');
  try {
    const root = parseXml(text).children.find((child) => child.name === 'annotations');
    if (root !== undefined) return root;
  } catch (error) {
    if (!(error instanceof XmlError)) throw error;
    throw new LabelError('syntax', { file: name, line: error.line }, `not XML, or truncated: ${error.message}`, {
      cause: error,
    });
  }
  throw new LabelError('syntax', { file: name }, 'not of CVAT: no <annotations> at the top');
}

function isDifficult({ children }: XmlElement): boolean {
  return children.some(
    ({ attributes, text }) => attributes['name']?.toLowerCase() === 'difficult' && /^\s*(?:true|1)\s*$/i.test(text),
  );
}

/** The shape of an element of an <image>; null for an invalid one, which is reported. */
function shapeOf(element: XmlElement, origin: Origin, report: Report): Shape | null {
  const { name, attributes } = element;
  const numbers = <const Keys extends readonly string[]>(...keys: Keys) =>
    numbersOf(attributes, keys, origin, report, { rotation: 0 });
  switch (name) {
    case 'box': {
      const found = numbers('xtl', 'ytl', 'xbr', 'ybr', 'rotation');
      return found && turnedBox([found[0], found[1], found[2], found[3]], found[4]);
    }
    case 'ellipse': {
      const found = numbers('cx', 'cy', 'rx', 'ry', 'rotation');
      return found && { box: ellipseBox([found[0], found[1]], [found[2], found[3]], found[4]) };
    }
    case 'mask': {
      const found = numbers('left', 'top', 'width', 'height');
      return found && { box: [found[0], found[1], found[0] + found[2], found[1] + found[3]] };
    }
    case 'polygon': {
      const points = pointsIn(attributes['points'], origin, report);
      return points && outlineThrough(points, origin, report);
    }
    case 'points': {
      const points = pointsIn(attributes['points'], origin, report);
      return points && { points };
    }
    case 'polyline':
      return { skipped: NO_AREA };
    case 'cuboid':
    case 'skeleton':
      return { skipped: 'neither a box nor an outline' };
    default:
      return report('syntax', origin, `<${name}>, expected box, polygon, ellipse, mask, points or polyline`);
  }
}

/** The points in `x,y;x,y`. */
function pointsIn(text: string | undefined, origin: Origin, report: Report): Point[] | null {
  const points: Point[] = [];
  for (const pair of (text ?? '').split(';')) {
    const [x = '', y = '', ...more] = pair.split(',');
    const point: Point = [Number(x), Number(y)];
    if (x.trim() === '' || y.trim() === '' || more.length > 0 || !point.every(Number.isFinite)) {
      return report('number', origin, `points has ${shown(pair)}, expected x,y`);
    }
    points.push(point);
  }
  return points;
}
