import { stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { withoutExtension } from '../../common/file-names.ts';
import { listFiles } from '../../imagery/node/files.ts';
import { openTiff } from '../../imagery/node/tiff.ts';
import { classOf, FeatureObjects } from '../feature-objects.ts';
import { LayerPlacer } from '../layer-placer.ts';
import { LabelError, reportError, type OnProblem } from '../problems.ts';
import { parseSpaceNetCsv } from '../spacenet.ts';
import type { LabelTable } from '../types.ts';
import { imagesAround } from './images-around.ts';
import { readLabelLayer } from './place-layer.ts';
import { readByPlace, type ByPlaceOptions } from './read-by-place.ts';
import { placeKey } from '../spacenet-names.ts';
import { isPlaceLabel, labelKeyOf } from './spacenet-layout.ts';

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
 * Reads GeoJSON files, one for each georeferenced image: with the same name, or named as in SpaceNet. A single file without
 * an image of its name is placed by its coordinates.
 */
export async function readGeojson(
  path: string,
  options: ByPlaceOptions,
): Promise<LabelTable & { imagesRoot: string; notes: string[] }> {
  const { base, labels } = await geojsonFiles(path);
  const [only] = labels;
  const single = labels.length === 1 && only !== undefined ? join(base, only) : null;
  if (single !== null && options.images !== undefined && (await stat(options.images)).isFile()) {
    return readByPlace(single, options);
  }
  const { root, files } = await imagesAround(options.images, base);
  const labelOf = labelFinder(labels, files);
  const named = files.filter((file) => labelOf(file) !== undefined);
  if (single !== null && named.length === 0) return readByPlace(single, options);
  const objects = new FeatureObjects(options);
  const used = new Set<string>();
  const placeNotes = new Set<string>();
  for (const file of named) {
    const label = labelOf(file)!;
    used.add(label);
    const origin = { file: join(base, label) };
    try {
      const tiff = await openTiff(join(root, file));
      objects.table.addImage(file, tiff.width, tiff.height);
      const placer = new LayerPlacer(await readLabelLayer(origin.file));
      for (const feature of await placer.inPixels(tiff)) {
        const place = { ...origin, entry: `feature ${feature.index}` };
        for (const outline of objects.outlinesOf(feature, place)) objects.add(outline, feature, file, place);
      }
      for (const note of placer.notes()) placeNotes.add(note);
    } catch (error) {
      reportError(error, origin, options.onProblem);
    }
  }
  for (const label of labels) {
    if (used.has(label)) continue;
    const remedy = used.size > 0 ? '' : ' (a single file is placed by its coordinates: give it instead of the folder)';
    objects.report('image', { file: join(base, label) }, `there is no image for it in ${root}${remedy}`);
  }
  const { notes, ...table } = objects.build();
  return { ...table, imagesRoot: root, notes: [...notes, ...placeNotes] };
}

async function geojsonFiles(path: string): Promise<{ base: string; labels: string[] }> {
  if ((await stat(path)).isFile()) return { base: dirname(path), labels: [basename(path)] };
  const labels = (await listFiles(path)).filter(isPlaceLabel);
  if (labels.length === 0) throw new LabelError('syntax', { file: path }, 'no .geojson file in this folder');
  return { base: path, labels };
}

/** Finds the label file of an image: the one with the same name, otherwise the one of the place that it shows. */
function labelFinder(labels: readonly string[], files: readonly string[]): (file: string) => string | undefined {
  const byName = new Map(labels.map((file) => [withoutExtension(file), file]));
  const images = new Set(files.map(withoutExtension));
  // A label file with the name of an image belongs to no other one.
  const byKey = new Map(
    labels.filter((file) => !images.has(withoutExtension(file))).map((file) => [placeKey(file), file]),
  );
  return (file) => {
    const key = labelKeyOf(placeKey(file), byKey);
    return byName.get(withoutExtension(file)) ?? (key === undefined ? undefined : byKey.get(key));
  };
}

/** Whether features of the first label files have a property with their class, which SpaceNet's own do not. */
export async function nameClasses(root: string, labels: readonly string[]): Promise<boolean> {
  for (const label of labels.slice(0, 20)) {
    const { features } = await readLabelLayer(join(root, label));
    if (features.some(({ properties }) => classOf(properties, undefined) !== null)) return true;
  }
  return false;
}
