import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { deflateSync } from 'node:zlib';
import { writeArrayBuffer } from 'geotiff';
import { Random } from '../../src/common/random.ts';
import { rgbImage } from '../../src/imagery/image.ts';
import type { Sample } from '../../src/data/types.ts';
import type { Box } from '../../src/imagery/geometry.ts';

export { rejects } from '../support/errors.ts';
export { inFolder } from '../support/files.ts';

export async function write(folder: string, path: string, content: string | Uint8Array): Promise<string> {
  const file = join(folder, path);
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, content);
  return file;
}

export interface Raster {
  readonly width: number;
  readonly height: number;
  readonly bands: number;
  readonly levels: Uint8Array | Uint16Array;
}

/** A raster whose level is a function of band, row and column. */
export function raster(
  width: number,
  height: number,
  bands: number,
  bits: 8 | 16,
  level: (band: number, row: number, column: number) => number,
): Raster {
  const levels = bits === 8 ? new Uint8Array(width * height * bands) : new Uint16Array(width * height * bands);
  for (let i = 0; i < levels.length; i++) {
    const pixel = Math.floor(i / bands);
    levels[i] = level(i % bands, Math.floor(pixel / width), pixel % width);
  }
  return { width, height, bands, levels };
}

/** GeoTIFF bytes as geotiff's own writer makes them: big-endian, one strip, uncompressed. */
export function geoTiff(
  { width, height, bands, levels }: Raster,
  place: { epsg: number; x: number; y: number; pixel: number },
): Uint8Array {
  const geographic = place.epsg < 5000 && place.epsg > 4000;
  return new Uint8Array(
    writeArrayBuffer(levels, {
      width,
      height,
      BitsPerSample: Array.from({ length: bands }, () => levels.BYTES_PER_ELEMENT * 8),
      SamplesPerPixel: [bands],
      ModelPixelScale: [place.pixel, place.pixel, 0],
      ModelTiepoint: [0, 0, 0, place.x, place.y, 0],
      GTModelTypeGeoKey: geographic ? 2 : 1,
      GTRasterTypeGeoKey: 1,
      ...(geographic ? { GeographicTypeGeoKey: place.epsg } : { ProjectedCSTypeGeoKey: place.epsg }),
    }) as ArrayBuffer,
  );
}

type Tag = readonly [tag: number, type: 3 | 4 | 12, values: readonly number[]];

/** Little-endian TIFF bytes with the blocks given; `tags` are added to, or stand in for, the usual ones. */
export function plainTiff(
  r: Raster,
  blocks: readonly Uint8Array[],
  tags: readonly Tag[] = [],
  tiled = false,
): Uint8Array {
  const bits = r.levels.BYTES_PER_ELEMENT * 8;
  const all = new Map<number, Tag>();
  const sizes = blocks.map((block) => block.length);
  const add = (tag: Tag): unknown => all.set(tag[0], tag);
  add([256, 4, [r.width]]);
  add([257, 4, [r.height]]);
  add([258, 3, Array.from({ length: r.bands }, () => bits)]);
  add([259, 3, [1]]);
  add([262, 3, [r.bands === 3 ? 2 : 1]]);
  add([277, 3, [r.bands]]);
  if (!tiled) add([278, 4, [Math.ceil(r.height / blocks.length)]]);
  add([284, 3, [1]]);
  add([tiled ? 324 : 273, 4, sizes.map(() => 0)]);
  add([tiled ? 325 : 279, 4, sizes]);
  tags.forEach(add);
  const list = [...all.values()].sort(([a], [b]) => a - b);

  const byteSize = { 3: 2, 4: 4, 12: 8 } as const;
  const directoryEnd = 8 + 2 + list.length * 12 + 4;
  const extra = list.reduce((sum, [, type, values]) => sum + Math.max(0, byteSize[type] * values.length), directoryEnd);
  const out = Buffer.alloc(extra + sizes.reduce((a, b) => a + b, 0));
  out.write('II*\0', 0, 'latin1');
  out.writeUInt32LE(8, 4);
  out.writeUInt16LE(list.length, 8);
  let free = directoryEnd;
  let blockAt = extra;
  const offsets = blocks.map((block) => {
    out.set(block, blockAt);
    return (blockAt += block.length) - block.length;
  });
  list.forEach(([tag, type, values], i) => {
    const at = 10 + i * 12;
    const numbers = tag === 273 || tag === 324 ? offsets : values;
    out.writeUInt16LE(tag, at);
    out.writeUInt16LE(type, at + 2);
    out.writeUInt32LE(numbers.length, at + 4);
    const length = byteSize[type] * numbers.length;
    let to = at + 8;
    if (length > 4) {
      out.writeUInt32LE(free, at + 8);
      to = free;
      free += length;
    }
    for (const [j, value] of numbers.entries()) {
      if (type === 3) out.writeUInt16LE(value, to + j * 2);
      else if (type === 4) out.writeUInt32LE(value, to + j * 4);
      else out.writeDoubleLE(value, to + j * 8);
    }
  });
  return out;
}

/** The bytes of levels in little-endian order. */
export function levelBytes(levels: Uint8Array | Uint16Array): Uint8Array {
  if (levels.BYTES_PER_ELEMENT === 1) return levels as Uint8Array;
  const out = Buffer.alloc(levels.length * 2);
  levels.forEach((level, i) => out.writeUInt16LE(level, i * 2));
  return out;
}

/** Deflated strips of `rows` rows. */
export function deflatedStrips(r: Raster, rows: number): Uint8Array[] {
  const strips: Uint8Array[] = [];
  const rowLength = r.width * r.bands;
  for (let y = 0; y < r.height; y += rows) {
    strips.push(deflateSync(levelBytes(r.levels.subarray(y * rowLength, Math.min(y + rows, r.height) * rowLength))));
  }
  return strips;
}

/** A FeatureCollection of closed polygons, each a list of rings. */
export function featureCollection(polygons: readonly (readonly (readonly number[])[])[][], crs?: string): string {
  return JSON.stringify({
    type: 'FeatureCollection',
    ...(crs === undefined ? {} : { crs: { type: 'name', properties: { name: crs } } }),
    features: polygons.map((coordinates) => ({
      type: 'Feature',
      properties: {},
      geometry: { type: 'Polygon', coordinates },
    })),
  });
}

/** Corners of a box as a closed ring. */
export function corners([x1, y1, x2, y2]: Box): [number, number][] {
  return [
    [x1, y1],
    [x2, y1],
    [x2, y2],
    [x1, y2],
    [x1, y1],
  ];
}

/** A noisy image with one box on whole pixels for each label; inside box i red is 200 + i, elsewhere below 200. */
export function markedSample(height: number, width: number, boxes: readonly Box[], seed = 1): Sample {
  const random = new Random(seed);
  const image = rgbImage(
    height,
    width,
    Uint8Array.from({ length: height * width * 3 }, () => random.int(200)),
  );
  boxes.forEach(([x1, y1, x2, y2], i) => {
    for (let y = y1; y < y2; y++) for (let x = x1; x < x2; x++) image.set(y, x, 0, 200 + i);
  });
  return { id: 'marked', image, boxes: Float32Array.from(boxes.flat()), labels: Int32Array.from(boxes, (_, i) => i) };
}

/** The boxes around the marks that `markedSample` left, found again in the pixels. */
export function findMarks(sample: Sample, count: number): number[][] {
  const [height, width] = sample.image.shape as [number, number];
  return Array.from({ length: count }, (_, i) => {
    let box = [Infinity, Infinity, -Infinity, -Infinity] as [number, number, number, number];
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        if (sample.image.get(y, x, 0) !== 200 + i) continue;
        box = [Math.min(box[0], x), Math.min(box[1], y), Math.max(box[2], x + 1), Math.max(box[3], y + 1)];
      }
    }
    return box;
  });
}

/** The boxes of a sample as lists. */
export function boxList(sample: { boxes: Float32Array; labels: Int32Array }): number[][] {
  return Array.from(sample.labels, (_, i) => [...sample.boxes.subarray(i * 4, i * 4 + 4)]);
}

/** JPEG bytes with an EXIF orientation put in front. */
export function withExif(plain: Buffer, orientation: number): Buffer {
  const exif = Buffer.alloc(36);
  exif.writeUInt16BE(0xffe1, 0);
  exif.writeUInt16BE(34, 2);
  exif.write('Exif\0\0MM', 4, 'latin1');
  exif.writeUInt16BE(42, 12);
  exif.writeUInt32BE(8, 14);
  exif.writeUInt16BE(1, 18);
  exif.writeUInt16BE(0x0112, 20);
  exif.writeUInt16BE(3, 22);
  exif.writeUInt32BE(1, 24);
  exif.writeUInt16BE(orientation, 28);
  return Buffer.concat([plain.subarray(0, 2), exif, plain.subarray(2)]);
}
