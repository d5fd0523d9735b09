import { readFile, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { reasonOf } from '../../common/check.ts';
import { InputError } from '../../common/errors.ts';
import type { Polygon, Ring } from '../../imagery/geometry.ts';
import type { Affine } from '../../imagery/georeference.ts';
import { listFiles } from '../../imagery/node/files.ts';
import { imageEnding } from '../../imagery/node/image-size.ts';
import { openTiff } from '../../imagery/node/tiff.ts';
import { parseJson } from '../json.ts';
import { LabelError, reporter, reportError, shown, type OnProblem, type Report } from '../problems.ts';
import { parseSpaceNetCsv, spaceNetClass } from '../spacenet.ts';
import { checkBox, openRing, outlineBox, outlineOf, TableBuilder } from '../table-builder.ts';
import type { LabelledImage, LabelTable } from '../types.ts';
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

/**
 * Reads GeoJSON files, one for each georeferenced image: with the same name, or named as in SpaceNet. The class is a
 * feature's `label`, `class` or `category`, otherwise building; `score` or `confidence` make it a detection.
 */
export async function readGeojson(path: string, options: GeoOptions): Promise<LabelTable & { imagesRoot: string }> {
  const report = reporter(options.onProblem);
  const { base, labels } = await geojsonFiles(path);
  const { root, files } = await imagesAround(options.images, base);
  const labelOf = labelFinder(labels, files);
  const table = new TableBuilder(options.classes, report);
  const used = new Set<string>();
  for (const file of files) {
    const label = labelOf(file);
    if (label === undefined) continue;
    used.add(label);
    const origin = { file: join(base, label) };
    try {
      const tiff = await openTiff(join(root, file));
      table.addImage(file, tiff.width, tiff.height);
      const json = parseJson(await readFile(origin.file, 'utf8'), origin.file);
      for (const feature of geojsonFeatures(json, tiff)) addFeature(feature, file, origin.file, { table, report });
    } catch (error) {
      reportError(error, origin, options.onProblem);
    }
  }
  for (const label of labels) {
    if (!used.has(label)) report('image', { file: join(base, label) }, `there is no image for it in ${root}`);
  }
  return { ...table.build(), imagesRoot: root };
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

/** Adds a feature to the table, or reports what is invalid. */
function addFeature(
  { index, properties, polygons }: PixelFeature,
  image: string,
  labels: string,
  { table, report }: { table: TableBuilder; report: Report },
): void {
  const origin = { file: labels, entry: `feature ${index}` };
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
  const names = [properties['label'], properties['class'], properties['category']];
  const className = names.find((name): name is string => typeof name === 'string' && name !== '') ?? spaceNetClass;
  const outlines = polygons.map((rings) => rings.map(openRing));
  table.addObject(image, className, { box, polygons: outlines, ...(score === undefined ? {} : { score }) }, origin);
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
