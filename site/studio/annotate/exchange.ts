// The labels of the annotator as files. Without a page, so that it runs in Node too.
import {
  labelTexts,
  unsupportedFields,
  writableFormats,
  type Georeference,
  type LabelledImage,
  type LabelTable,
  type LabelText,
  type WritableFormat,
} from 'retinagrad/data';
import { isAnnotated, type ImageLabels } from './model.ts';

/** Places of images on the map, by id. */
export type Places = ReadonlyMap<string, Georeference>;

/** Formats that images can be written in: GeoJSON has coordinates on the map. */
export const exportFormats = (places: Places): readonly WritableFormat[] =>
  writableFormats.filter((format) => format !== 'geojson' || places.size > 0);

export const formatNames: Readonly<Record<WritableFormat, string>> = {
  coco: 'COCO',
  'coco-results': 'COCO results (scores)',
  voc: 'Pascal VOC',
  yolo: 'YOLO',
  csv: 'CSV',
  'keras-retinanet': 'keras-retinanet CSV',
  deepforest: 'DeepForest CSV',
  'spacenet-csv': 'SpaceNet CSV',
  geojson: 'GeoJSON, on the map',
};

/** The annotated images as a table: those without boxes are known to have no objects, the others are left out. */
export function tableOfImages(images: readonly ImageLabels[], classes: readonly string[]): LabelTable {
  return {
    classes,
    images: images
      .filter(isAnnotated)
      .map(({ id, width, height, boxes }) => ({ file: id, width, height, objects: boxes })),
  };
}

/** The files of a table in a format, and what the format cannot express. Throws if it cannot be written. */
export function writeLabelFiles(
  table: LabelTable,
  format: WritableFormat,
  places: Places = new Map(),
): { readonly files: readonly LabelText[]; readonly notes: readonly string[] } {
  // Detections of our own making, all certain: COCO's results have no objects without a score.
  const scored = format === 'coco-results' ? withScores(table) : table;
  const notes = unsupportedFields(scored, format).map(({ message }) => message);
  return { files: labelTexts(scored, format, { placeOf: (file) => places.get(file) ?? null }), notes };
}

function withScores({ classes, images }: LabelTable): LabelTable {
  const scored = (image: LabelledImage): LabelledImage => ({
    ...image,
    objects: image.objects.map((object) => ({ score: 1, ...object })),
  });
  return { classes, images: images.map(scored) };
}
