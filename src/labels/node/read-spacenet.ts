import { readFile, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { Polygon } from '../../imagery/geometry.ts';
import { parseJson } from '../json.ts';
import { reporter, shown, type OnProblem } from '../problems.ts';
import { parseSpaceNetCsv, spaceNetClass } from '../spacenet.ts';
import { checkBox, openRing, outlineBox, outlineOf, tableBuilder } from '../table-builder.ts';
import type { LabelledImage, LabelTable } from '../types.ts';
import { listFiles } from '../../imagery/node/files.ts';
import { imageEnding } from '../../imagery/node/image-size.ts';
import { geojsonFeatures } from './spacenet-labels.ts';
import { findSpaceNet, labelKeyOf, looksLikeSpaceNet, placeKey } from './spacenet-layout.ts';
import { openTiff } from '../../imagery/node/tiff.ts';
import { reasonOf } from '../../common/check.ts';

interface GeoOptions {
  readonly images?: string | undefined;
  readonly classes?: readonly string[] | undefined;
  readonly like?: LabelTable | undefined;
  readonly onProblem?: OnProblem | undefined;
}

/** Reads SpaceNet's summary CSV. An ImageId that no known image has stands for the image itself. */
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
 * Reads GeoJSON files, one for each georeferenced image: of the same name, or named as SpaceNet does. The class is a
 * feature's `label`, `class` or `category`, else building; `score` or `confidence` make it a detection.
 */
export async function readGeojson(path: string, options: GeoOptions): Promise<LabelTable & { imagesRoot: string }> {
  const report = reporter(options.onProblem);
  const single = (await stat(path)).isFile();
  const base = single ? dirname(path) : path;
  const labels = single
    ? [basename(path)]
    : (await listFiles(base)).filter((file) => /\.geojson$/i.test(file) && !/roads/i.test(file));
  if (labels.length === 0) throw new Error(`${path}: no .geojson file in this folder`);
  const { root, files } = await imagesAround(options.images, base);
  const bare = (file: string): string => file.replace(/\.[^./]*$/, '');
  const exact = new Map(labels.map((file) => [bare(file), file]));
  // A file of the very name of an image is of no other one; the rest go by the place that they name.
  const images = new Set(files.map(bare));
  const byKey = new Map(labels.filter((file) => !images.has(bare(file))).map((file) => [placeKey(file), file]));
  const table = tableBuilder(options.classes, report);
  const used = new Set<string>();
  for (const file of files) {
    const key = labelKeyOf(placeKey(file), byKey);
    const label = exact.get(bare(file)) ?? (key === undefined ? undefined : byKey.get(key));
    if (label === undefined) continue;
    used.add(label);
    const name = join(base, label);
    try {
      const tiff = await openTiff(join(root, file));
      table.image(file, tiff.width, tiff.height);
      for (const feature of geojsonFeatures(parseJson(await readFile(name, 'utf8'), name), tiff)) {
        const { label: own, class: kind, category, score, confidence } = feature.properties;
        const source = `${name}: feature ${feature.index}`;
        const box = outlineBox(feature.polygons);
        const sure = score ?? confidence;
        if (box === null) report('degenerate', source, 'the polygon has no area');
        else if (sure !== undefined && sure !== null && !(typeof sure === 'number' && Number.isFinite(sure))) {
          report('number', source, `score is ${shown(sure)}, expected a number`);
        } else if (checkBox(box, source, report)) {
          table.object(
            file,
            ([own, kind, category].find((v) => typeof v === 'string' && v !== '') as string) ?? spaceNetClass,
            {
              box,
              polygons: feature.polygons.map((rings) => rings.map(openRing)),
              ...(typeof sure === 'number' ? { score: sure } : {}),
              source,
            },
          );
        }
      }
    } catch (error) {
      const reason = reasonOf(error);
      // What was reported is passed on as it is.
      if (options.onProblem === undefined && reason.startsWith(name)) throw error;
      report('syntax', name, reason.replace(`${name}: `, ''));
    }
  }
  for (const label of labels) {
    if (!used.has(label)) report('image', join(base, label), `there is no image for it in ${root}`);
  }
  return { ...table.build(), imagesRoot: root };
}

/**
 * Text of a FeatureCollection of an image's objects in the coordinates of the image, with `label` and `score` as
 * properties. Rejects when the image has no georeference.
 */
export async function writeGeojson(image: LabelledImage, classes: readonly string[], root: string): Promise<string> {
  const path = join(root, image.file);
  const { affine, epsg, geographic } = await openTiff(path).catch((error: unknown) => {
    throw new Error(`writeLabels: GeoJSON needs images with a georeference (GeoTIFF): ${reasonOf(error)}`, {
      cause: error,
    });
  });
  if (affine === null) {
    throw new Error(`writeLabels: ${path} has no georeference, which GeoJSON needs: write another format`);
  }
  const [a, b, c, d, e, f] = affine;
  const place = (polygon: Polygon): number[][][] =>
    polygon.map((ring) => {
      const open = openRing(ring);
      return [...open, ...open.slice(0, 1)].map(([x, y]) => [a * x + b * y + c, d * x + e * y + f]);
    });
  const features = image.objects.map((object) => {
    const parts = outlineOf(object).map(place);
    const [first] = parts;
    return {
      type: 'Feature',
      properties: {
        label: classes[object.label],
        ...(object.score === undefined ? {} : { score: object.score }),
      },
      geometry:
        parts.length === 1 ? { type: 'Polygon', coordinates: first } : { type: 'MultiPolygon', coordinates: parts },
    };
  });
  // GeoJSON's own system is WGS84; others are named in the member that GDAL and SpaceNet use.
  const named =
    geographic === true && (epsg === null || epsg === 4326)
      ? 'urn:ogc:def:crs:OGC:1.3:CRS84'
      : epsg === null
        ? null
        : `urn:ogc:def:crs:EPSG::${epsg}`;
  const crs = named === null ? {} : { crs: { type: 'name', properties: { name: named } } };
  return `${JSON.stringify({ type: 'FeatureCollection', ...crs, features })}\n`;
}

/** The images in the folder given, or of SpaceNet's tree around labels, or around labels in any layout. */
async function imagesAround(images: string | undefined, around: string): Promise<{ root: string; files: string[] }> {
  const root = images ?? around;
  const files = await listFiles(root);
  if (images === undefined && looksLikeSpaceNet(files)) {
    const layout = await findSpaceNet(root).catch(() => null);
    if (layout !== null) return { root: layout.root, files: [...layout.images.values()] };
  }
  return { root, files: files.filter((file) => imageEnding.test(file)) };
}
