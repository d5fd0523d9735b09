import * as assert from 'uvu/assert';
import type { Box } from '../../src/imagery/geometry.ts';
import { corners, featureCollection, geoTiff, raster, write } from './support.ts';

export const pixel = 2.7e-6;
export const place = (n: number) => ({ epsg: 4326, x: -115.3 + n * 0.01, y: 36.2, pixel });
export type Place = ReturnType<typeof place>;

/** Rings in map coordinates of boxes in pixels. */
export function onMap(at: Place, boxes: readonly Box[]): number[][][][] {
  return boxes.map((box) => [corners(box).map(([x, y]) => [at.x + x * at.pixel, at.y - y * at.pixel, 0])]);
}

export const chip = (n: number, bits: 8 | 16 = 16) =>
  raster(40, 30, 3, bits, (b, r, c) => (bits === 8 ? 1 : 40) * (1 + b + n + r) + c);
export const wkt = (box: Box): string =>
  `"POLYGON ((${corners(box)
    .map(([x, y]) => `${x} ${y} 0`)
    .join(',')}))"`;
export const near = (actual: number[][], expected: readonly (readonly number[])[]): void => {
  assert.is(actual.length, expected.length);
  actual.flat().forEach((v, i) => assert.ok(Math.abs(v - expected.flat()[i]!) < 1e-2, `${actual} and ${expected}`));
};

const truth: Box[][] = [
  [
    [5, 6, 15, 20],
    [30, 20, 60, 50],
  ],
  [],
  [[1, 1, 9, 9]],
];

/** SpaceNet 2's tree with images 1 to 4 (the last without a label file) and both kinds of labels. */
export async function vegas(folder: string, bits: 8 | 16 = 16): Promise<string> {
  const base = 'AOI_2_Vegas_Train';
  for (let n = 1; n <= 4; n++) {
    const name = `AOI_2_Vegas_img${n}`;
    await write(folder, `${base}/RGB-PanSharpen/RGB-PanSharpen_${name}.tif`, geoTiff(chip(n, bits), place(n)));
    await write(
      folder,
      `${base}/PAN/PAN_${name}.tif`,
      geoTiff(
        raster(40, 30, 1, 16, (_, r) => 100 + r),
        place(n),
      ),
    );
    await write(
      folder,
      `${base}/MUL-PanSharpen/MUL-PanSharpen_${name}.tif`,
      geoTiff(
        raster(40, 30, 8, 16, (b, r) => 100 * b + r + 1),
        place(n),
      ),
    );
    if (n < 4)
      await write(
        folder,
        `${base}/geojson/buildings/buildings_${name}.geojson`,
        featureCollection(onMap(place(n), truth[n - 1]!), 'urn:ogc:def:crs:OGC:1.3:CRS84'),
      );
  }
  const rows = truth.flatMap((boxes, i) =>
    boxes.length === 0
      ? [`AOI_2_Vegas_img${i + 1},-1,POLYGON EMPTY,POLYGON EMPTY`]
      : boxes.map((box, j) => `AOI_2_Vegas_img${i + 1},${j},${wkt(box)},POLYGON EMPTY`),
  );
  await write(
    folder,
    `${base}/summaryData/AOI_2_Vegas_Train_Building_Solutions.csv`,
    ['\ufeffImageId,BuildingId,PolygonWKT_Pix,PolygonWKT_Geo', ...rows, ''].join('\r\n'),
  );
  return `${folder}/${base}`;
}
