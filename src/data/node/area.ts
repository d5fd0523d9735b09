import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { counted, reasonOf } from '../../common/check.ts';
import { InputError } from '../../common/errors.ts';
import { boundsOf, type Polygon } from '../../imagery/geometry.ts';
import { Region } from '../../imagery/region.ts';
import { LayerPlacer, placesOf, type PlacedImage } from '../../labels/layer-placer.ts';
import { placeOf } from '../../labels/node/place-layer.ts';
import type { LabelledObject } from '../../labels/types.ts';
import type { VectorLayer } from '../../vector/layer.ts';
import { readLayer } from '../../vector/node/read-layer.ts';

/** Vector files, in any coordinate system, whose polygons say where images count. */
export interface AreaFiles {
  /** Only what lies inside one of its polygons counts. Default: everything. */
  readonly area?: string;
  /** What lies inside one of its polygons does not count. Default: nothing. */
  readonly exclude?: string;
}

/** Where images of a data set count. */
export interface AreaOptions extends AreaFiles {
  /**
   * Pixels outside of the area: black, as without data (default), so that nothing is learnt from objects without labels; or as
   * they are, for detections near its border.
   */
  readonly outside?: 'black' | 'keep';
}

/** The regions that readers of images apply, by path. */
export const maskedRegions = (
  root: string,
  regions: ReadonlyMap<string, Region> | undefined,
  { outside = 'black' }: AreaOptions,
): { regions?: ReadonlyMap<string, Region> } =>
  regions === undefined || outside === 'keep'
    ? {}
    : { regions: new Map(Array.from(regions, ([file, region]) => [join(root, file), region])) };

/** An image of a table of labels. */
interface AreaImage {
  readonly file: string;
  readonly objects: readonly LabelledObject[];
}

/** What lies in an area. */
export interface InArea<T> {
  /** The images that have a part in it, with the objects whose box has its centre there. */
  readonly images: readonly T[];
  /** Their parts that count, by file. */
  readonly regions: ReadonlyMap<string, Region>;
  /** The number of objects that were left out. */
  readonly objectsOutside: number;
  /** What was left out, and how coordinates were converted, one sentence each. */
  readonly notes: readonly string[];
}

interface Opened {
  readonly path: string;
  readonly layer: VectorLayer;
  readonly placer: LayerPlacer;
}

/** Maximum number of images that an error or a note lists. */
const LISTED = 5;

/** An area of interest: what is inside of `area` and outside of `exclude`. */
export class AreaOfInterest {
  /** Identifies the polygons: a hash of their corners and coordinate systems, whatever the format and the path. */
  readonly hash: string;
  readonly #within: Opened | null;
  readonly #without: Opened | null;
  /** Of images that are still open: workers that share one ask for each piece of it. */
  readonly #regions = new WeakMap<PlacedImage, Promise<Region | null>>();

  private constructor(within: Opened | null, without: Opened | null) {
    this.#within = within;
    this.#without = without;
    const contents = [within, without].map((one) => [one?.layer.crs, one?.layer.features.map((f) => f.polygons)]);
    this.hash = createHash('sha256').update(JSON.stringify(contents)).digest('hex').slice(0, 12);
  }

  /** Null without any file. Rejects with an `InputError` for a file that cannot be read or has no polygons. */
  static async open({ area, exclude }: AreaFiles): Promise<AreaOfInterest | null> {
    if (area === undefined && exclude === undefined) return null;
    const open = async (path: string | undefined): Promise<Opened | null> =>
      path === undefined ? null : openPolygons(path);
    return new AreaOfInterest(await open(area), await open(exclude));
  }

  /** The files, for messages. */
  get name(): string {
    const parts = [this.#within && `inside ${this.#within.path}`, this.#without && `outside ${this.#without.path}`];
    return parts.filter((part) => part !== null).join(' and ');
  }

  /**
   * The part of an image that counts; null if no pixel does. Rejects with an `InputError` for an image without a georeference
   * and for coordinate systems that cannot be converted. Edges of polygons are straight in the pixels of the image.
   */
  regionOf(image: PlacedImage): Promise<Region | null> {
    const region = this.#regions.get(image) ?? this.#newRegion(image);
    this.#regions.set(image, region);
    return region;
  }

  async #newRegion(image: PlacedImage): Promise<Region | null> {
    if (image.affine === null) {
      throw new InputError('area', `there is no georeference, so that nothing is known to lie ${this.name}`, {
        file: image.path,
      });
    }
    const within = this.#within === null ? null : await polygonsOn(image, this.#within);
    const without = this.#without === null ? [] : await polygonsOn(image, this.#without);
    const region = new Region(image, within, without);
    return region.touches({ x: 0, y: 0, width: image.width, height: image.height }) ? region : null;
  }

  /**
   * What lies in the area, of images in a folder. Images without a georeference and those that cannot be read are left out
   * and listed. Rejects with an `InputError` if nothing is left.
   */
  async select<T extends AreaImage>(root: string, given: readonly T[]): Promise<InArea<T>> {
    const images: T[] = [];
    const regions = new Map<string, Region>();
    const unplaced: string[] = [];
    let [outside, objectsOutside] = [0, 0];
    for (const image of given) {
      const region = await this.#regionOfFile(join(root, image.file)).catch((error: unknown) => {
        if (!(error instanceof InputError)) throw error;
        unplaced.push(`${image.file} (${error.reason})`);
        return undefined;
      });
      if (region === undefined) continue;
      const objects = image.objects.filter(({ box }) => region?.containsCentre(box) === true);
      objectsOutside += image.objects.length - objects.length;
      if (region === null) {
        outside++;
        continue;
      }
      images.push({ ...image, objects });
      regions.set(image.file, region);
    }
    this.checkAny(images.length, { outside, unplaced });
    return { images, regions, objectsOutside, notes: this.notes({ outside, unplaced, objectsOutside }) };
  }

  async #regionOfFile(path: string): Promise<Region | null> {
    const { affine = null, ...place } = (await placeOf(path)) ?? { path, width: 0, height: 0 };
    return this.regionOf({ epsg: null, geographic: null, ...place, affine });
  }

  /** Throws an `InputError` unless an image has a part in the area. */
  checkAny(images: number, { outside, unplaced }: { outside: number; unplaced: readonly string[] }): void {
    if (images > 0) return;
    const reasons = [
      ...(outside === 0 ? [] : [`${counted(outside, 'image lies', 'images lie')} elsewhere`]),
      ...(unplaced.length === 0
        ? []
        : [`${counted(unplaced.length, 'image has', 'images have')} no known place: ${listed(unplaced)}`]),
    ];
    throw new InputError('area', `no image has a part ${this.name}: ${reasons.join('; ')}`);
  }

  /** What was left out, and how coordinates were converted, one sentence each. */
  notes({
    outside,
    unplaced = [],
    objectsOutside = 0,
  }: {
    readonly outside: number;
    readonly unplaced?: readonly string[];
    readonly objectsOutside?: number;
  }): string[] {
    const out = `not ${this.name}: left out`;
    const placers = [this.#within, this.#without].flatMap((one) => (one === null ? [] : [one]));
    return [
      ...(outside > 0 ? [`${counted(outside, 'image', 'images')} ${out}`] : []),
      ...(objectsOutside > 0 ? [`${counted(objectsOutside, 'object', 'objects')} whose centre is ${out}`] : []),
      ...(unplaced.length > 0
        ? [`${counted(unplaced.length, 'image', 'images')} without a known place: left out: ${listed(unplaced)}`]
        : []),
      ...placers.flatMap(({ path, layer, placer }) => {
        const flat = layer.features.filter(({ polygons }) => polygons.length === 0).length;
        const ignored = flat === 0 ? [] : [`${counted(flat, 'feature', 'features')} without polygons: ignored`];
        return [...ignored, ...placer.notes()].map((note) => `${path}: ${note}`);
      }),
    ];
  }
}

const listed = (names: readonly string[]): string =>
  `${names.slice(0, LISTED).join(', ')}${names.length > LISTED ? ', ...' : ''}`;

async function openPolygons(path: string): Promise<Opened> {
  const layer = await readLayer(path);
  if (layer.features.every(({ polygons }) => polygons.length === 0)) {
    const types = [...new Set(layer.features.map(({ geometry }) => geometry))].join(', ') || 'no features';
    throw new InputError('area', `found ${types}, expected polygons`, { file: path });
  }
  return { path, layer, placer: new LayerPlacer(layer) };
}

/** The polygons of a layer around an image, in its pixels. */
async function polygonsOn(image: PlacedImage, { path, placer }: Opened): Promise<Polygon[]> {
  const { width, height } = image;
  try {
    const features = await placer.inPixels(image);
    const lost = features.find((feature) => placesOf(feature).some(([x, y]) => !Number.isFinite(x + y)));
    if (lost !== undefined) throw new Error(`a corner of feature ${lost.index} is outside the domain of its system`);
    // With a margin, because the centre of an object that an image shows a part of may lie beside it.
    const isNear = (polygon: Polygon): boolean => {
      const [x1, y1, x2, y2] = boundsOf(polygon.flat());
      return x1 < 2 * width && x2 > -width && y1 < 2 * height && y2 > -height;
    };
    return features.flatMap(({ polygons }) => polygons.filter(isNear));
  } catch (error) {
    throw new InputError('area', `${path} cannot be placed on the image: ${reasonOf(error)}`, {
      file: image.path,
      cause: error,
    });
  }
}
