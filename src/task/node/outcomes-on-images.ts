import { defined } from '../../common/check.ts';
import { InputError } from '../../common/errors.ts';
import { RasterReader } from '../../data/raster-reader.ts';
import { openImage } from '../../imagery/node/open-image.ts';
import type { Dataset } from '../../data/types.ts';
import { matchDetections } from '../../evaluation/match.ts';
import { boundsOf, type Point } from '../../imagery/geometry.ts';
import { invertAffine } from '../../imagery/georeference.ts';
import type { RawImage } from '../../imagery/raw-image.ts';
import { rgbRaster } from '../../imagery/raster.ts';
import { partOfRaster } from '../../imagery/region.ts';
import { outlineOf } from '../../labels/table-builder.ts';
import type { LabelledObject, LabelTable } from '../../labels/types.ts';
import type { MapImage, MapObject } from '../../report/map/contents.ts';
import { mapOutcomes } from '../../report/map/outcomes.ts';
import { crsOfEpsg, WGS84 } from '../../vector/crs.ts';
import { transformation } from '../../vector/transformation.ts';
import type { DataEvaluation, EvaluationData } from './evaluate.ts';
import type { LayerOutcomes } from './judge-layers.ts';

const OP = 'outcomesOnImages';

/** Images of a map of outcomes. */
export interface OutcomeImages {
  readonly images: AsyncIterable<MapImage>;
  /** Number of images. */
  readonly count: number;
  /** Number of objects and detections that lie on no image. */
  readonly elsewhere: number;
}

/**
 * Places hits, misses and false alarms of layers on georeferenced images: each on the first that has the centre of its
 * bounds. Levels that are not bytes are stretched alike in all images. Rejects with an `InputError` for an image without a
 * georeference or in a coordinate system that is not known, and if nothing lies on any image.
 *
 * @param files paths of the images, at least one
 */
export async function outcomesOnImages(
  { crs, objects }: LayerOutcomes,
  files: readonly [string, ...string[]],
): Promise<OutcomeImages> {
  const reader = await RasterReader.open(OP, files, {}, { open: openImage, sameBands: false });
  let left: readonly (LabelledObject & MapObject)[] = objects;
  const placed: { readonly file: string; readonly objects: MapObject[] }[] = [];
  for (const file of files) {
    const image = await reader.open(file);
    const toPixels = await pixelsOf(image, crs);
    const own: MapObject[] = [];
    left = left.filter((object) => {
      const box = boundsOf(outlineOf(object).flat(2).map(toPixels));
      const [x, y] = [(box[0] + box[2]) / 2, (box[1] + box[3]) / 2];
      if (!(x >= 0 && x < image.width && y >= 0 && y < image.height)) return true;
      const { label, kind, score } = object;
      own.push({ label, box, ...defined({ kind, score }) });
      return false;
    });
    placed.push({ file, objects: own });
  }
  if (left.length === objects.length && objects.length > 0) {
    throw new InputError(OP, `nothing that is compared lies on an image (${files.slice(0, 5).join(', ')})`);
  }
  async function* images(): AsyncGenerator<MapImage> {
    for (const { file, objects } of placed) {
      yield { name: file, raster: reader.raster(await reader.open(file)), objects };
    }
  }
  return { images: images(), count: files.length, elsewhere: left.length };
}

/** The conversion of coordinates to pixels of an image. */
async function pixelsOf(image: RawImage, crs: LayerOutcomes['crs']): Promise<(point: Point) => Point> {
  const { affine, epsg, geographic, path } = image;
  const system = epsg !== null ? crsOfEpsg(epsg) : geographic === true ? WGS84 : null;
  if (affine === null || system === null) {
    const what = affine === null ? 'georeference' : 'known coordinate system';
    throw new InputError(OP, `there is no ${what}, so that nothing can be placed on the image`, { file: path });
  }
  const { apply } = await transformation(crs, system);
  const inverse = invertAffine(affine);
  return ([x, y]) => inverse(...(apply(x, y) ?? ([NaN, NaN] as const)));
}

/** Hits, misses and false alarms of an evaluation on its images. */
export function evaluationOnImages(
  { dataset, truth, rasterOf }: EvaluationData,
  { judgement, predictions }: DataEvaluation,
): OutcomeImages {
  const { iouThreshold } = judgement.settings;
  const byFile = new Map(truth.images.map((image) => [image.file, image.objects]));
  async function* images(): AsyncGenerator<MapImage> {
    for (const { file, objects } of predictions.images) {
      const index = dataset.ids.indexOf(file);
      const truths = renumbered(byFile.get(file) ?? [], truth, dataset);
      const boxes = boxesOf(truths);
      const flags = (name: 'crowd' | 'difficult') => Uint8Array.from(truths, (object) => Number(object[name] === true));
      const [crowd, difficult] = [flags('crowd'), flags('difficult')];
      const scores = Float64Array.from(objects, ({ score }) => score!);
      const found = { ...boxesOf(objects), scores };
      const matching = matchDetections(found, { ...boxes, crowd, difficult }, { iouThreshold });
      const outcomes = mapOutcomes(truths, objects, matching, (j) => crowd[j] === 1 || difficult[j] === 1);
      const raster = await rasterOf(index);
      const part = dataset.region?.(index)?.bounds;
      const rgb = rgbRaster(raster, dataset.decoding?.shown);
      yield { name: file, raster: part === undefined ? rgb : partOfRaster(rgb, part), objects: outcomes };
      await raster.close();
    }
  }
  return { images: images(), count: predictions.images.length, elsewhere: 0 };
}

/** Objects of a table with the labels of a data set. */
function renumbered(objects: readonly LabelledObject[], { classes }: LabelTable, dataset: Dataset): LabelledObject[] {
  return objects.flatMap((object) => {
    const label = dataset.classes.indexOf(classes[object.label]!);
    return label < 0 ? [] : [{ ...object, label }];
  });
}

const boxesOf = (objects: readonly LabelledObject[]) => ({
  boxes: Float64Array.from(objects.flatMap(({ box }) => [...box])),
  labels: Int32Array.from(objects, ({ label }) => label),
});
