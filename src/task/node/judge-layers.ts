import { counted, defined, reasonOf } from '../../common/check.ts';
import { InputError } from '../../common/errors.ts';
import { judgeArea, type AreaJudgement, type JudgeAreaOptions, type Outcome } from '../../evaluation/judge-area.ts';
import { loadPolygonGeometry, type Outline } from '../../evaluation/polygon-iou.ts';
import { boundsOf, type Box, type Point, type Polygon } from '../../imagery/geometry.ts';
import { FeatureObjects } from '../../labels/feature-objects.ts';
import { fitDegrees, movedBy, placesOf, shiftNotes } from '../../labels/layer-placer.ts';
import { readLabelLayer } from '../../labels/node/place-layer.ts';
import { outlineOf } from '../../labels/table-builder.ts';
import type { LabelledObject } from '../../labels/types.ts';
import type { MapObject } from '../../report/map/contents.ts';
import { mapOutcomes } from '../../report/map/outcomes.ts';
import { WGS84, type Crs } from '../../vector/crs.ts';
import { groundArea } from '../../vector/ground-area.ts';
import type { Feature, VectorLayer } from '../../vector/layer.ts';
import { metricPlane } from '../../vector/node/metric-plane.ts';
import { readLayer } from '../../vector/node/read-layer.ts';
import { transformation } from '../../vector/transformation.ts';
import { writeLayer } from '../../vector/node/write-layer.ts';
import type { OutputFeature, OutputField } from '../../vector/output-layer.ts';

const OP = 'judgeLayers';
/** A plane is true to scale only near its centre; larger areas are mostly due to wrong coordinates. */
const MAX_SIDE = 1_000_000;

/** Options of `judgeLayers`. */
export interface JudgeLayersOptions extends Omit<JudgeAreaOptions, 'classes' | 'area' | 'hectares'> {
  /** Vector file of the area of interest: its polygons, without their holes. Default: the bounds of both layers. */
  readonly area?: string;
  /** Vector file of polygons that are taken out of the area. Default: none. */
  readonly exclude?: string;
  /** Attribute with the class in the truth. Default: as in `readLabels`. */
  readonly classProperty?: string;
  /** GeoPackage to write, which is replaced: the outline of each hit, miss and false alarm. Default: none. */
  readonly outcomes?: string;
}

/** Result of `judgeLayers`: plain data. */
export interface LayersJudgement extends AreaJudgement {
  /** Name of the coordinate system in which boxes were compared, such as `EPSG:32633`. */
  readonly crs: string;
  /** What was assumed or left out, one sentence each. */
  readonly notes: readonly string[];
}

/** A layer whose coordinate system is known. */
interface KnownLayer {
  readonly path: string;
  readonly crs: Crs;
  readonly features: readonly Feature[];
}

/**
 * Evaluates detections against the truth on the map, without images: two vector files in any coordinate systems, of which
 * the detections need the attribute `score` or `confidence`. Both are converted to one system in metres: that of the truth,
 * otherwise of the detections, if areas in it are true within 1 %, otherwise the UTM zone. There, the bounds of the outlines
 * are compared (`judgeArea`). The size of the area is that on the ellipsoid.
 *
 * Rejects with a `LabelError` or an `InputError` for files that cannot be read, unknown coordinate systems, detections
 * without a score or of a class that the truth does not have, and an area wider than 1000 km.
 */
export async function judgeLayers(
  truth: string,
  predictions: string,
  options: JudgeLayersOptions = {},
): Promise<LayersJudgement> {
  return (await compareLayers(truth, predictions, options)).judgement;
}

/** Judgement of layers, with what a map shows. */
export interface ComparedLayers {
  readonly judgement: LayersJudgement;
  readonly outcomes: LayerOutcomes;
}

/** Hits, misses and false alarms on the map. */
export interface LayerOutcomes {
  readonly classes: readonly string[];
  /** The coordinate system of boxes and outlines. */
  readonly crs: Crs;
  /** At any score (`mapOutcomes`). */
  readonly objects: readonly (LabelledObject & MapObject)[];
}

/** Like `judgeLayers`, also with the outcomes for a map (`outcomesOnImages`). */
export async function compareLayers(
  truth: string,
  predictions: string,
  { area, exclude, classProperty, outcomes, ...judging }: JudgeLayersOptions = {},
): Promise<ComparedLayers> {
  const layers = {
    truth: known(truth, await readLabelLayer(truth)),
    found: known(predictions, await readLabelLayer(predictions)),
    area: area === undefined ? null : areaLayer(area, await readLayer(area)),
    exclude: exclude === undefined ? null : areaLayer(exclude, await readLayer(exclude)),
  };
  if (layers.truth.features.length + layers.found.features.length === 0) {
    throw new InputError(OP, `neither ${truth} nor ${predictions} has features, expected objects or detections`);
  }
  const centred = layers.area ?? (layers.truth.features.length > 0 ? layers.truth : layers.found);
  const crs = await metricPlane(await centreOf(centred), [layers.truth.crs, layers.found.crs]);
  const notes: string[] = [];
  const there = await objectsOf(layers.truth, crs, defined({ classProperty }), notes);
  const found = await objectsOf(layers.found, crs, {}, notes);
  // The truth of an area may have no objects at all.
  const classes = there.classes.length > 0 ? there.classes : found.classes;
  for (const { score, label, origin } of found.objects) {
    if (score === undefined) {
      throw new InputError(OP, `${origin} has no score, expected a number in the attribute score or confidence`);
    }
    const name = found.classes[label]!;
    if (!classes.includes(name)) {
      const reason = `${origin} is of class ${name}, which is not in ${truth} (${classes.join(', ')})`;
      throw new InputError(OP, reason, {
        remedy: 'name the attribute with the class of the truth with',
        option: 'classProperty',
      });
    }
  }
  const outline = await outlineIn(crs, layers, there.objects, found.objects, notes);
  const [x1, y1, x2, y2] = outline.bounds;
  if (Math.max(x2 - x1, y2 - y1) > MAX_SIDE) {
    const reason = `the area is ${kilometres(x2 - x1)} x ${kilometres(y2 - y1)} km in ${crs.name}, at most 1000 km are compared on one map: check the coordinate systems (${truth}: ${layers.truth.crs.name}, ${predictions}: ${layers.found.crs.name})`;
    throw new InputError(OP, reason, { remedy: 'or restrict the area with', option: 'area' });
  }
  const hectares = groundArea(await converted(outline.polygons, crs)) / 10_000;
  const labelOf = found.classes.map((name) => classes.indexOf(name));
  const { judgement, outcomeOfTruth, outcomeOfDetection, matching, isOutside } = judgeArea(
    { boxes: boxesOf(there.objects), labels: Int32Array.from(there.objects, ({ label }) => label) },
    {
      boxes: boxesOf(found.objects),
      labels: Int32Array.from(found.objects, ({ label }) => labelOf[label]!),
      scores: Float64Array.from(found.objects, ({ score }) => score!),
    },
    { ...judging, classes, area: outline, hectares },
  );
  if (judgement.counts.truths > 0 && judgement.counts.detections > 0 && judgement.averagePrecision === 0) {
    notes.push('no detection matches an object: check the coordinate systems of the layers');
  }
  if (outcomes !== undefined) {
    const features = [
      ...outcomeFeatures(there, outcomeOfTruth, (outcome) => outcome === 'miss'),
      ...outcomeFeatures(found, outcomeOfDetection, () => true),
    ];
    await writeLayer(outcomes, 'gpkg', { fields: FIELDS, features, crs }, true);
  }
  const detections = found.objects.map((object) => ({ ...object, label: labelOf[object.label]! }));
  const objects = mapOutcomes(there.objects, detections, matching, (j) => isOutside[j] === 1);
  return { judgement: { ...judgement, crs: crs.name, notes }, outcomes: { classes, crs, objects } };
}

const kilometres = (metres: number): number => Math.round(metres / 1000);

/** Files that name no coordinate system are in degrees if they may be. */
function known(path: string, { crs, features }: VectorLayer): KnownLayer {
  const isDegrees = fitDegrees(boundsOf(features.flatMap(placesOf)));
  if ((crs === null || crs.epsg === WGS84.epsg) && !isDegrees && features.length > 0) {
    const what = crs === null ? 'no coordinate system is named' : `the coordinate system is ${crs.name}`;
    throw new InputError(
      OP,
      `${what}, but coordinates exceed 180 or 90 degrees: state the system with ogr2ogr -a_srs`,
      { file: path },
    );
  }
  return { path, crs: crs ?? WGS84, features };
}

function areaLayer(path: string, layer: VectorLayer): KnownLayer {
  if (layer.features.every(({ polygons }) => polygons.length === 0)) {
    const types = [...new Set(layer.features.map(({ geometry }) => geometry))].join(', ') || 'no features';
    throw new InputError(OP, `found ${types}, expected polygons of the area`, { file: path });
  }
  return known(path, layer);
}

/** The centre of the bounds of a layer, in longitude and latitude. */
async function centreOf({ path, crs, features }: KnownLayer): Promise<Point> {
  const [x1, y1, x2, y2] = boundsOf(features.flatMap(placesOf));
  const centre = (await convert(path, crs, WGS84)).apply((x1 + x2) / 2, (y1 + y2) / 2);
  if (centre !== null) return centre;
  throw new InputError(OP, `the bounds ${[x1, y1, x2, y2].join(', ')} are outside the domain of ${crs.name}`, {
    file: path,
  });
}

async function convert(path: string, from: Crs, to: Crs): ReturnType<typeof transformation> {
  try {
    return await transformation(from, to);
  } catch (error) {
    throw new InputError(OP, reasonOf(error), { file: path, cause: error });
  }
}

interface MapObjects {
  readonly classes: readonly string[];
  readonly objects: readonly LabelledObject[];
}

/** The objects of a layer in another coordinate system. */
async function objectsOf(
  { path, crs, features }: KnownLayer,
  to: Crs,
  options: { readonly classProperty?: string },
  notes: string[],
): Promise<MapObjects> {
  const conversion = await convert(path, crs, to);
  const collected = new FeatureObjects(options);
  let unplaced = 0;
  for (const feature of features) {
    const moved = movedBy(feature, ([x, y]) => conversion.apply(x, y) ?? [NaN, NaN]);
    if (placesOf(moved).some(([x]) => Number.isNaN(x))) {
      unplaced++;
      continue;
    }
    const origin = { file: path, entry: `feature ${feature.index}` };
    for (const outline of collected.outlinesOf(moved, origin)) collected.add(outline, moved, '', origin);
  }
  const { classes, images, notes: own } = collected.build();
  if (unplaced > 0) own.push(`${counted(unplaced, 'feature', 'features')} outside the domain of ${to.name}: left out`);
  notes.push(...[...own, ...shiftNotes(crs, to, conversion)].map((note) => `${path}: ${note}`));
  return { classes, objects: images.flatMap(({ objects }) => objects) };
}

/** The area of interest in a coordinate system: the union of its polygons, without the excluded ones. */
async function outlineIn(
  to: Crs,
  { area, exclude }: { readonly area: KnownLayer | null; readonly exclude: KnownLayer | null },
  truths: readonly LabelledObject[],
  found: readonly LabelledObject[],
  notes: string[],
): Promise<Outline> {
  const geometry = await loadPolygonGeometry();
  const whole =
    area === null
      ? geometry.boxOutline(boundsOfAll(truths, found, exclude !== null, notes))
      : geometry.outline(await polygonsIn(to, area));
  if (area !== null && !(whole.area > 0)) throw new InputError(OP, 'the polygons have no area', { file: area.path });
  if (exclude === null) return whole;
  const rest = geometry.without(whole, await polygonsIn(to, exclude));
  if (rest.area > 0) return rest;
  throw new InputError(OP, `its polygons leave nothing of ${area?.path ?? 'the bounds of both layers'}`, {
    file: exclude.path,
  });
}

async function polygonsIn(to: Crs, { path, crs, features }: KnownLayer): Promise<Polygon[]> {
  const { apply } = await convert(path, crs, to);
  const moved = features.map((feature) => movedBy(feature, ([x, y]) => apply(x, y) ?? [NaN, NaN]));
  if (moved.some((feature) => placesOf(feature).some(([x]) => Number.isNaN(x)))) {
    throw new InputError(OP, `a corner lies outside the domain of ${to.name}, in which boxes are compared`, {
      file: path,
    });
  }
  return moved.flatMap(({ polygons }) => polygons);
}

/** The area if none is given. */
function boundsOfAll(
  truths: readonly LabelledObject[],
  found: readonly LabelledObject[],
  isReduced: boolean,
  notes: string[],
): Box {
  const [x1, y1, x2, y2] = boundsOfBoxes(truths);
  const beyond = found.filter(({ box }) => box[0] > x2 || box[2] < x1 || box[1] > y2 || box[3] < y1).length;
  notes.push(
    `no area is given: everything${isReduced ? ' that is not excluded' : ''} counts, and hectares are those of the bounds of both layers` +
      (beyond === 0 ? '' : ` (${counted(beyond, 'detection', 'detections')} beyond the bounds of the truth)`),
  );
  return boundsOfBoxes([...truths, ...found]);
}

const boundsOfBoxes = (objects: readonly LabelledObject[]): Box =>
  boundsOf(
    objects.flatMap(({ box: [x1, y1, x2, y2] }): Point[] => [
      [x1, y1],
      [x2, y2],
    ]),
  );

/** Polygons in degrees. */
async function converted(polygons: readonly Polygon[], from: Crs): Promise<Polygon[]> {
  const { apply } = await transformation(from, WGS84);
  return polygons.map((rings) => rings.map((ring) => ring.map(([x, y]): Point => apply(x, y) ?? [NaN, NaN])));
}

const boxesOf = (objects: readonly LabelledObject[]): Float64Array =>
  Float64Array.from(objects.flatMap(({ box }) => [...box]));

/** Attributes of the layer of outcomes; a miss has no score. */
const FIELDS: readonly OutputField[] = [
  { name: 'outcome', type: 'text' },
  { name: 'label', type: 'text' },
  { name: 'score', type: 'real' },
];

function outcomeFeatures(
  { classes, objects }: MapObjects,
  outcomes: readonly (Outcome | null)[],
  isShown: (outcome: Outcome) => boolean,
): OutputFeature[] {
  return objects.flatMap((object, i) => {
    const outcome = outcomes[i] ?? null;
    if (outcome === null || !isShown(outcome)) return [];
    const properties = { outcome, label: classes[object.label]!, score: object.score ?? null };
    return [{ polygons: outlineOf(object), properties }];
  });
}
