import { boundsOf, type Box, type Point } from '../imagery/geometry.ts';
import { boundsOnMap, cornersOnMap, invertAffine } from '../imagery/georeference.ts';
import type { Georeference } from '../imagery/raster.ts';
import { crsOfEpsg, WGS84, type Crs } from '../vector/crs.ts';
import type { Feature, VectorLayer } from '../vector/layer.ts';
import { transformation, type Transformation } from '../vector/transformation.ts';

/** An image with a place on the map. */
export interface PlacedImage extends Georeference {
  readonly path: string;
  readonly width: number;
  readonly height: number;
}

/** The features of a layer in the coordinates of images. */
interface ConvertedLayer {
  readonly features: readonly Feature[];
  /** `x1, y1, x2, y2` of each feature; not finite for one without a place. */
  readonly bounds: Float64Array;
  /** Back to the coordinates of the layer. */
  readonly back: Transformation['apply'];
}

/** Places the features of a layer on images, whose coordinate systems may differ from that of the layer. */
export class LayerPlacer {
  /** The bounds of all features in the coordinates of the layer. */
  readonly extent: Box;
  readonly #layer: VectorLayer;
  readonly #fitsDegrees: boolean;
  readonly #converted = new Map<string, Promise<ConvertedLayer>>();
  readonly #notes = new Set<string>();

  constructor(layer: VectorLayer) {
    this.#layer = layer;
    this.extent = boundsOf(layer.features.flatMap(placesOf));
    this.#fitsDegrees = fitDegrees(this.extent);
  }

  /** All features, in pixels of an image. Rejects with an Error if the coordinate systems cannot be converted. */
  async inPixels(image: PlacedImage): Promise<Feature[]> {
    const { features } = await this.#convert(image);
    return features.map(toPixels(image));
  }

  /** The features whose bounds overlap those of an image, in its pixels. */
  async onImage(image: PlacedImage): Promise<Feature[]> {
    const { features, bounds } = await this.#convert(image);
    const [x1, y1, x2, y2] = boundsOnMap(image.affine!, image.width, image.height);
    const found: Feature[] = [];
    for (let i = 0; i < features.length; i++) {
      const at = 4 * i;
      if (bounds[at]! < x2 && bounds[at + 2]! > x1 && bounds[at + 1]! < y2 && bounds[at + 3]! > y1)
        found.push(features[i]!);
    }
    return found.map(toPixels(image));
  }

  /** Whether an image lies within the bounds of all features. */
  async covers(image: PlacedImage): Promise<boolean> {
    const { back } = await this.#convert(image);
    const [x1, y1, x2, y2] = this.extent;
    return cornersOnMap(image.affine!, image.width, image.height).every((corner) => {
      const [x, y] = back(...corner) ?? [NaN, NaN];
      return x >= x1 && x <= x2 && y >= y1 && y <= y2;
    });
  }

  /** What was assumed and how accurate it is, one sentence each. */
  notes(): string[] {
    return [...this.#notes];
  }

  #convert(image: PlacedImage): Promise<ConvertedLayer> {
    if (image.affine === null) {
      throw new Error(`${image.path} has no georeference, so labels in map coordinates cannot be placed on it`);
    }
    const [from, to] = this.#systems(image);
    const key = `${from?.name} ${to?.name}`;
    let converted = this.#converted.get(key);
    if (converted === undefined) this.#converted.set(key, (converted = this.#convertTo(from, to)));
    return converted;
  }

  async #convertTo(from: Crs | null, to: Crs | null): Promise<ConvertedLayer> {
    const same: Transformation = { apply: (x, y) => [x, y], accuracy: 0 };
    const isKnown = from !== null && to !== null;
    const [there, back] = isKnown ? [await transformation(from, to), await transformation(to, from)] : [same, same];
    if (isKnown) for (const note of shiftNotes(from, to, there)) this.#notes.add(note);
    const place = ([x, y]: Point): Point => there.apply(x, y) ?? [NaN, NaN];
    const features = this.#layer.features.map((feature) => movedBy(feature, place));
    const bounds = new Float64Array(4 * features.length);
    features.forEach((feature, i) => bounds.set(boundsOf(placesOf(feature)), 4 * i));
    return { features, bounds, back: back.apply };
  }

  /** The coordinate systems of the layer and of an image; null where that of the image is not known, or both are the same. */
  #systems(image: PlacedImage): [Crs | null, Crs | null] {
    const { name, crs } = this.#layer;
    const to = image.epsg !== null ? crsOfEpsg(image.epsg) : image.geographic === true ? WGS84 : null;
    // The labels of SpaceNet 4 and 6 are in the metres of the image; not all of them name their coordinate system.
    const from = crs ?? (image.geographic === true || this.#fitsDegrees ? WGS84 : to);
    if (from?.epsg === WGS84.epsg && !this.#fitsDegrees) {
      const what = crs === null ? 'does not name its coordinate system' : `is in ${crs.name}`;
      throw new Error(
        `${name} ${what}, but its coordinates exceed 180 or 90 degrees, and ${image.path} is in ${to?.name ?? 'an unknown system'}: ` +
          'state the system of the layer with ogr2ogr -a_srs',
      );
    }
    if (to !== null || image.geographic === null || crs === null) return to === null ? [null, null] : [from, to];
    throw new Error(
      `${name} is in ${crs.name}, ${image.path} is in a projection without a code: reproject it with gdalwarp -t_srs EPSG:3857`,
    );
  }
}

/** A sentence on the accuracy of a conversion; none if it does not shift the datum. */
export function shiftNotes(from: Crs, to: Crs, { accuracy }: Transformation): string[] {
  if (accuracy === 0) return [];
  const text = accuracy === null ? 'unknown accuracy' : `an accuracy of ${accuracy} m`;
  return [`coordinates in ${from.name} were converted to ${to.name} by a shift of the datum with ${text}`];
}

/** Whether bounds may be those of longitudes and latitudes. */
export const fitDegrees = ([x1, y1, x2, y2]: Box): boolean => x1 >= -180 && x2 <= 180 && y1 >= -90 && y2 <= 90;

export const placesOf = ({ polygons, points }: Feature): Point[] => [...polygons.flat(2), ...points];

/** A feature with other coordinates. */
export function movedBy(feature: Feature, place: (point: Point) => Point): Feature {
  return {
    ...feature,
    polygons: feature.polygons.map((rings) => rings.map((ring) => ring.map(place))),
    points: feature.points.map(place),
  };
}

function toPixels(image: PlacedImage): (feature: Feature) => Feature {
  const inverse = invertAffine(image.affine!);
  return (feature) => movedBy(feature, ([x, y]) => inverse(x, y));
}
