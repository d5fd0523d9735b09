import { counted, isRecord } from '../../common/check.ts';
import { boundsOf, type Point } from '../../imagery/geometry.ts';
import { parseLabelJson } from '../json.ts';
import { LabelError, reporter, reportError, shown, type ParseOptions, type Report } from '../problems.ts';
import {
  boxAround,
  ellipseBox,
  NO_AREA,
  outlineThrough,
  pointsOf,
  recordsOf,
  ShapeTable,
  type Shape,
  type ShapeLabels,
  type ShapeOptions,
} from '../shapes.ts';
import { imageSide } from '../table-builder.ts';
import type { Origin } from '../types.ts';

/** Whether the first part of a JSON file is of LabelMe: the image in it may be longer than that part. */
export const isLabelMe = (text: string): boolean =>
  /^\ufeff?\s*\{/.test(text) && /"(?:shapes"\s*:\s*\[|imagePath"\s*:|imageData"\s*:)/.test(text);

/** One label file, with its path for messages. */
export interface LabelDocument {
  readonly path: string;
  readonly text: string;
}

/**
 * Reads LabelMe's JSON (Wada; also that of X-AnyLabeling), one file per image. Points are in pixels with continuous edges. A
 * circle becomes its box, and so does a mask, which a note mentions. X-AnyLabeling's `difficult` is kept; `imageData`, flags,
 * groups and scores are ignored.
 *
 * @param options `findImage` gives the path of the image of a document by its `imagePath`, which may be empty
 */
export function parseLabelMe(
  documents: Iterable<LabelDocument>,
  options: ParseOptions &
    ShapeOptions & {
      readonly findImage: (document: string, imagePath: string) => string | { readonly problem: string };
    },
): ShapeLabels {
  const { onProblem, findImage } = options;
  const report = reporter(onProblem);
  const table = new ShapeTable(options);
  const documentOf = new Map<string, string>();
  let masks = 0;
  for (const { path, text } of documents) {
    const origin = { file: path };
    try {
      const json = parseLabelJson(text, path);
      if (!isRecord(json) || json['shapes'] === undefined) {
        throw new LabelError('syntax', origin, `not of LabelMe: ${shown(json)}, expected an object with shapes`);
      }
      const imagePath = json['imagePath'];
      const file = findImage(path, typeof imagePath === 'string' ? imagePath : '');
      if (typeof file !== 'string') throw new LabelError('image', origin, file.problem);
      const other = documentOf.get(file);
      if (other !== undefined)
        throw new LabelError('image', origin, `a second file for the image ${file}, after ${other}`);
      documentOf.set(file, path);
      const side = (key: string): number | null => imageSide(json[key], key, origin, report);
      table.addImage(file, side('imageWidth'), side('imageHeight'));
      for (const { entry, origin: place } of recordsOf(json['shapes'], 'shapes', origin, report)) {
        const className = entry['label'];
        const given = entry['shape_type'] ?? 'polygon';
        const type = typeof given === 'string' ? given : shown(given);
        const shape = shapeOf(type, pointsOf(entry['points'], place, report), place, report);
        if (shape === null) continue;
        if (typeof className !== 'string' || className === '') {
          report('class', place, `label is ${shown(className)}, expected the name of a class`);
          continue;
        }
        if (type === 'mask') masks++;
        const isDifficult = entry['difficult'] === true;
        table.add({ file, className, type, origin: place }, shape, isDifficult ? { difficult: true } : {});
      }
    } catch (error) {
      if (!(error instanceof LabelError)) throw error;
      reportError(error, origin, onProblem);
    }
  }
  const built = table.build();
  return masks === 0
    ? built
    : {
        ...built,
        notes: [...built.notes, `the outlines of ${counted(masks, 'mask', 'masks')}, of which the box is kept`],
      };
}

function shapeOf(type: string, points: readonly Point[] | null, origin: Origin, report: Report): Shape | null {
  if (points === null) return null;
  switch (type) {
    case 'rectangle':
      return boxAround(points, origin, report);
    case 'polygon':
    case 'rotation':
    case 'quadrilateral':
    case 'oriented_rectangle':
      return outlineThrough(points, origin, report);
    case 'circle': {
      const [centre, edge] = points;
      if (centre === undefined || edge === undefined || points.length > 2) {
        return report('syntax', origin, `a circle with ${points.length} points, expected its centre and a point on it`);
      }
      const radius = Math.hypot(edge[0] - centre[0], edge[1] - centre[1]);
      return { box: ellipseBox(centre, [radius, radius]) };
    }
    case 'mask': {
      if (points.length !== 2) {
        return report('syntax', origin, `a mask with ${points.length} points, expected the corners of its box`);
      }
      // Its corners are pixels, both inside.
      const [x1, y1, x2, y2] = boundsOf(points);
      return { box: [x1, y1, x2 + 1, y2 + 1] };
    }
    case 'point':
    case 'points':
      return { points };
    case 'line':
    case 'linestrip':
      return { skipped: NO_AREA };
    default: {
      const expected = 'expected rectangle, polygon, rotation, circle, mask, point or line';
      return report('syntax', origin, `shape_type is ${type}, ${expected}`);
    }
  }
}
