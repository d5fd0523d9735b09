import { readFile, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { counted, reasonOf } from '../../common/check.ts';
import { InputError } from '../../common/errors.ts';
import type { Polygon, Ring } from '../../imagery/geometry.ts';
import type { Affine } from '../../imagery/georeference.ts';
import { listFiles } from '../../imagery/node/files.ts';
import { imageEnding } from '../../imagery/node/image-size.ts';
import { openTiff } from '../../imagery/node/tiff.ts';
import { CLASS_PROPERTIES, plainName } from '../class-property.ts';
import { parseJson } from '../json.ts';
import { LabelError, reporter, reportError, shown, type OnProblem, type Report } from '../problems.ts';
import { parseSpaceNetCsv, spaceNetClass } from '../spacenet.ts';
import { checkBox, openRing, outlineBox, outlineOf, TableBuilder } from '../table-builder.ts';
import type { LabelledImage, LabelTable, Origin } from '../types.ts';
import { geojsonFeatures, type PixelFeature } from './spacenet-labels.ts';
import { findSpaceNet, labelKeyOf, looksLikeSpaceNet, placeKey } from './spacenet-layout.ts';

interface GeoOptions {
  readonly images?: string | undefined;
  readonly classes?: readonly string[] | undefined;
  readonly like?: LabelTable | undefined;
  readonly onProblem?: OnProblem | undefined;
}

/** Reads SpaceNet's summary CSV. An ImageId without a known image is taken as the path of the image. */
export async function readSpaceNetCsv(
  path: string,
  text: string,
  options: GeoOptions,
): Promise<LabelTable & { imagesRoot: string }> {
  const { like, classes, onProblem } = options;
  const folder = dirname(path);
  const around = /^summarydata$/i.test(basename(folder)) ? dirname(folder) : folder;
  const { root, files } = await imagesAround(options.images, around);
  const byKey = new Map<string, string>();
  for (const file of like?.images.map((image) => image.file) ?? files) byKey.set(placeKey(file), file);
  const table = parseSpaceNetCsv(text, {
    name: path,
    classes,
    onProblem,
    fileOf: (id) => byKey.get(placeKey(`${id}.`)) ?? byKey.get(id) ?? id,
  });
  return { ...table, imagesRoot: root };
}

/** How the features of GeoJSON become objects. */
interface FeatureOptions {
  /** Property with the class, text or a number. Default: the first of `CLASS_PROPERTIES`. */
  readonly classProperty?: string | undefined;
  /** Side in pixels of the square box around a point. Default: points are left out, and noted. */
  readonly pointSize?: number | undefined;
}

/**
 * Reads GeoJSON files, one for each georeferenced image: with the same name, or named as in SpaceNet. Features without a
 * class are buildings; `score` or `confidence` make them detections. Geometries without an area are counted in `notes`;
 * a file set that has no others is a problem.
 */
export async function readGeojson(
  path: string,
  options: GeoOptions & FeatureOptions,
): Promise<LabelTable & { imagesRoot: string; notes: string[] }> {
  const { pointSize, onProblem } = options;
  const report = reporter(onProblem);
  const { base, labels } = await geojsonFiles(path);
  const { root, files } = await imagesAround(options.images, base);
  const labelOf = labelFinder(labels, files);
  const table = new TableBuilder(options.classes, report);
  const used = new Set<string>();
  const flat: { geometry: string; origin: Origin }[] = [];
  let unnamed = 0;
  const otherProperties = new Set<string>();
  for (const file of files) {
    const label = labelOf(file);
    if (label === undefined) continue;
    used.add(label);
    const origin = { file: join(base, label) };
    try {
      const tiff = await openTiff(join(root, file));
      table.addImage(file, tiff.width, tiff.height);
      const json = parseJson(await readFile(origin.file, 'utf8'), origin.file);
      for (const feature of geojsonFeatures(json, tiff)) {
        const place = { ...origin, entry: `feature ${feature.index}` };
        const outlines = outlinesOf(feature, pointSize);
        if (outlines.length === 0) flat.push({ geometry: feature.geometry, origin: place });
        else if (options.classProperty === undefined && lacksClass(feature)) {
          unnamed++;
          for (const name of Object.keys(feature.properties)) otherProperties.add(name);
        }
        for (const outline of outlines) addObject(outline, feature.properties, file, place, { table, report, options });
      }
    } catch (error) {
      reportError(error, origin, onProblem);
    }
  }
  for (const label of labels) {
    if (!used.has(label)) report('image', { file: join(base, label) }, `there is no image for it in ${root}`);
  }
  const built = table.build();
  // In a checked data set each of them is a problem; otherwise only if they are all that there is.
  if (onProblem !== undefined || built.images.every(({ objects }) => objects.length === 0)) {
    for (const { geometry, origin } of flat) report('degenerate', origin, `a ${geometry} has ${NO_AREA}`);
  }
  const notes = flatNotes(flat);
  if (unnamed > 0) {
    const which = `${counted(unnamed, 'feature', 'features')} without a class (properties: ${[...otherProperties].join(', ')})`;
    notes.push(`${which}: taken as ${spaceNetClass} (classProperty, or convert --class-property, names the property)`);
  }
  return { ...built, imagesRoot: root, notes };
}

const NO_AREA = 'no area, and hence no box (pointSize, or convert --point-size, gives points a size)';

/** A note for each type of geometry that was left out. */
function flatNotes(flat: readonly { readonly geometry: string }[]): string[] {
  const counts = new Map<string, number>();
  for (const { geometry } of flat) counts.set(geometry, (counts.get(geometry) ?? 0) + 1);
  return [...counts].map(([type, count]) => `${counted(count, 'feature', 'features')} of type ${type}: ${NO_AREA}`);
}

/** The outlines of the objects of a feature: one of its polygons, or a square around each point. */
function outlinesOf({ polygons, points }: PixelFeature, pointSize: number | undefined): (readonly Polygon[])[] {
  if (polygons.length > 0) return [polygons];
  if (pointSize === undefined) return [];
  const half = pointSize / 2;
  return points.map(([x, y]) => outlineOf({ label: 0, box: [x - half, y - half, x + half, y + half] }));
}

async function geojsonFiles(path: string): Promise<{ base: string; labels: string[] }> {
  if ((await stat(path)).isFile()) return { base: dirname(path), labels: [basename(path)] };
  const labels = (await listFiles(path)).filter((file) => /\.geojson$/i.test(file) && !/roads/i.test(file));
  if (labels.length === 0) throw new LabelError('syntax', { file: path }, 'no .geojson file in this folder');
  return { base: path, labels };
}

/** Finds the label file of an image: the one with the same name, otherwise the one of the place that it shows. */
function labelFinder(labels: readonly string[], files: readonly string[]): (file: string) => string | undefined {
  const bare = (file: string): string => file.replace(/\.[^./]*$/, '');
  const byName = new Map(labels.map((file) => [bare(file), file]));
  const images = new Set(files.map(bare));
  // A label file with the name of an image belongs to no other one.
  const byKey = new Map(labels.filter((file) => !images.has(bare(file))).map((file) => [placeKey(file), file]));
  return (file) => {
    const key = labelKeyOf(placeKey(file), byKey);
    return byName.get(bare(file)) ?? (key === undefined ? undefined : byKey.get(key));
  };
}

/** Adds an object to the table, or reports what is invalid. */
function addObject(
  polygons: readonly Polygon[],
  properties: PixelFeature['properties'],
  image: string,
  origin: Origin,
  { table, report, options }: { table: TableBuilder; report: Report; options: FeatureOptions },
): void {
  const box = outlineBox(polygons);
  if (box === null) {
    report('degenerate', origin, 'the polygon has no area');
    return;
  }
  const score = properties['score'] ?? properties['confidence'] ?? undefined;
  if (score !== undefined && !(typeof score === 'number' && Number.isFinite(score))) {
    report('number', origin, `score is ${shown(score)}, expected a number`);
    return;
  }
  if (!checkBox(box, origin, report)) return;
  const { classProperty } = options;
  const className = classOf(properties, classProperty) ?? (classProperty === undefined ? spaceNetClass : null);
  if (className === null) {
    const found = Object.keys(properties).join(', ') || 'none';
    report('class', origin, `property ${classProperty} is no text or number (properties: ${found})`);
    return;
  }
  const outlines = polygons.map((rings) => rings.map(openRing));
  table.addObject(image, className, { box, polygons: outlines, ...(score === undefined ? {} : { score }) }, origin);
}

/** The class of a feature by one property, by default the first of `CLASS_PROPERTIES`; null if it has none. */
function classOf(properties: PixelFeature['properties'], given: string | undefined): string | null {
  const byName = new Map(Object.entries(properties).map(([name, value]) => [plainName(name), value]));
  const values = given === undefined ? CLASS_PROPERTIES.map((name) => byName.get(name)) : [properties[given]];
  for (const value of values) {
    if (typeof value === 'number' || (typeof value === 'string' && value !== '')) return String(value);
  }
  return null;
}

/** Whether a feature has properties, and none of them is a class or tells of a building, as those of SpaceNet and OpenStreetMap do. */
function lacksClass({ properties }: PixelFeature): boolean {
  const names = Object.keys(properties).map(plainName);
  return (
    names.length > 0 && classOf(properties, undefined) === null && !names.some((name) => name.startsWith('building'))
  );
}

/**
 * The text of a FeatureCollection of an image's objects in map coordinates, with `label` and `score` as properties. Rejects
 * with an `InputError` unless the image is a GeoTIFF file with a georeference.
 */
export async function writeGeojson(image: LabelledImage, classes: readonly string[], root: string): Promise<string> {
  const path = join(root, image.file);
  const { affine, epsg, geographic } = await openTiff(path).catch((error: unknown) => {
    const reason = `GeoJSON needs images with a georeference (GeoTIFF): ${reasonOf(error)}`;
    throw new InputError('writeLabels', reason, { cause: error });
  });
  if (affine === null) {
    throw new InputError('writeLabels', `${path} has no georeference, which GeoJSON needs: write another format`);
  }
  const features = image.objects.map(({ label, score, ...object }) => ({
    type: 'Feature',
    properties: { label: classes[label], ...(score === undefined ? {} : { score }) },
    geometry: geometryOf(outlineOf({ label, ...object }), affine),
  }));
  const name = crsName(epsg, geographic);
  const crs = name === null ? {} : { crs: { type: 'name', properties: { name } } };
  return `${JSON.stringify({ type: 'FeatureCollection', ...crs, features })}\n`;
}

function geometryOf(polygons: readonly Polygon[], [a, b, c, d, e, f]: Affine): object {
  const onMap = (ring: Ring): number[][] => {
    const open = openRing(ring);
    return [...open, ...open.slice(0, 1)].map(([x, y]) => [a * x + b * y + c, d * x + e * y + f]);
  };
  const parts = polygons.map((polygon) => polygon.map(onMap));
  return parts.length === 1 ? { type: 'Polygon', coordinates: parts[0] } : { type: 'MultiPolygon', coordinates: parts };
}

/** GeoJSON's own system is WGS84; others are named in the `crs` member that GDAL and SpaceNet use. */
function crsName(epsg: number | null, geographic: boolean | null): string | null {
  if (geographic === true && (epsg === null || epsg === 4326)) return 'urn:ogc:def:crs:OGC:1.3:CRS84';
  return epsg === null ? null : `urn:ogc:def:crs:EPSG::${epsg}`;
}

/** The images in a given folder, otherwise of the SpaceNet layout or simply in the folder `around` the labels. */
async function imagesAround(images: string | undefined, around: string): Promise<{ root: string; files: string[] }> {
  const root = images ?? around;
  const files = await listFiles(root);
  if (images === undefined && looksLikeSpaceNet(files)) {
    const layout = await findSpaceNet(root).catch(() => null);
    if (layout !== null) return { root: layout.root, files: [...layout.images.values()] };
  }
  return { root, files: files.filter((file) => imageEnding.test(file)) };
}
