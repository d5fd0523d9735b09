import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { openSpaceNet } from '../../src/data/node/open-spacenet.ts';
import {
  boxList,
  corners,
  featureCollection,
  geoTiff,
  inFolder,
  levelBytes,
  plainTiff,
  raster,
  rejects,
  write,
} from './support.ts';
import { chip, near, onMap, place, vegas } from './vegas.ts';

test(
  'labels in other coordinates than the images are an error',
  inFolder(async (folder) => {
    const path = await vegas(folder);
    const label = (n: number): string => `AOI_2_Vegas_Train/geojson/buildings/buildings_AOI_2_Vegas_img${n}.geojson`;
    const swapped = (n: number): number[][][][] =>
      onMap(place(n), [[5, 5, 9, 9]]).map((rings) => rings.map((ring) => ring.map(([x, y]) => [y!, x!])));
    // Latitude before longitude: still degrees, but elsewhere. The empty chip does not hide it.
    for (const n of [1, 3])
      await write(
        folder,
        label(n),
        featureCollection(swapped(n).map((rings) => rings.map((ring) => ring.map(([x, y]) => [x!, y! / 2])))),
      );
    await rejects(
      openSpaceNet(path),
      /all labels below .* lie outside their images: in AOI_2_Vegas_img1 \(40 x 30 pixels\) a corner lies at pixel .*degrees against metres/,
    );
    for (const n of [1, 3])
      await write(folder, label(n), featureCollection([[corners([664000, 4e6, 664010, 4000010])]]));
    await rejects(
      openSpaceNet(path),
      /its coordinates exceed 180 or 90 degrees, and .*RGB-PanSharpen_AOI_2_Vegas_img1.tif is in EPSG:4326/,
    );
    await write(folder, label(1), featureCollection(onMap(place(1), [[1, 1, 5, 5]]), 'ETRS89 something'));
    await rejects(openSpaceNet(path), /coordinate system "ETRS89 something" is unknown/);
  }),
);

test(
  'damaged labels and images are errors that name the file',
  inFolder(async (folder) => {
    const path = await vegas(folder);
    const label = 'AOI_2_Vegas_Train/geojson/buildings/buildings_AOI_2_Vegas_img3.geojson';
    const open = async (content: string): Promise<unknown> => {
      await write(folder, label, content);
      return (await openSpaceNet(path)).get(2);
    };
    const geometry = (value: unknown): string =>
      JSON.stringify({ type: 'FeatureCollection', features: [{ type: 'Feature', geometry: value }] });
    await rejects(open('{"type": '), /buildings_AOI_2_Vegas_img3.geojson: .*JSON/);
    await rejects(open('[]'), /img3.geojson: not a GeoJSON FeatureCollection/);
    await rejects(
      open(
        geometry({
          type: 'LineString',
          coordinates: [
            [1, 2],
            [3, 4],
          ],
        }),
      ),
      /feature 0: geometry is a LineString, expected Polygon/,
    );
    await rejects(
      open(geometry({ type: 'Polygon', coordinates: [[[1, 'x']]] })),
      /feature 0: coordinates of the Polygon are not numbers/,
    );
    await rejects(open(geometry({ type: 'Polygon', coordinates: 5 })), /coordinates of the Polygon are damaged/);
    for (const empty of [
      null,
      { type: 'Polygon', coordinates: [] },
      { type: 'MultiPolygon', coordinates: [] },
      { type: 'Point', coordinates: [1, 2] },
    ]) {
      assert.equal(boxList((await open(geometry(empty))) as never), []);
    }
    const many = {
      type: 'MultiPolygon',
      coordinates: onMap(place(3), [
        [1, 1, 4, 4],
        [10, 10, 20, 20],
      ]),
    };
    near(boxList((await open(geometry(many))) as never), [
      [1, 1, 4, 4],
      [10, 10, 20, 20],
    ]);

    const image = 'AOI_2_Vegas_Train/RGB-PanSharpen/RGB-PanSharpen_AOI_2_Vegas_img2.tif';
    const stretch = { low: [0, 0, 0], high: [9, 9, 9] } as const;
    const dataset = await openSpaceNet(path, { stretch });
    await write(folder, image, geoTiff(chip(2), place(2)).subarray(0, 3000));
    await rejects(dataset.get(1), /RGB-PanSharpen_AOI_2_Vegas_img2.tif: truncated/);
    await write(
      folder,
      image,
      geoTiff(
        raster(40, 30, 4, 16, () => 1),
        place(2),
      ),
    );
    await rejects(
      dataset.get(1),
      /img2.tif: 4 bands with 16-bit levels, expected 3 bands with 16-bit levels as in .*img1.tif/,
    );

    const csv = 'AOI_2_Vegas_Train/summaryData/AOI_2_Vegas_Train_Building_Solutions.csv';
    await write(folder, csv, 'ImageId,BuildingId,PolygonWKT_Pix\nAOI_2_Vegas_img1,1,"POLYGON ((0 0, 1"\n');
    await rejects(openSpaceNet(path, { labels: 'csv', stretch }), /Solutions.csv:2: parseWkt: expected/);
    await write(folder, csv, 'ImageId,Building\nx,1\n');
    await rejects(
      openSpaceNet(path, { labels: 'csv', stretch }),
      /Solutions.csv:1: the header is "ImageId,Building", expected .*missing: BuildingId, PolygonWKT_Pix/,
    );
  }),
);

test(
  'folders without images, labels, or with too many',
  inFolder(async (folder) => {
    await rejects(openSpaceNet(`${folder}/none`), /none does not exist/);
    await rejects(openSpaceNet(await write(folder, 'file', 'x')), /is a file, expected a folder/);
    await rejects(
      openSpaceNet(folder),
      /no .tif files below .* Expected a tree such as\n.*RGB-PanSharpen_AOI_2_Vegas_img1.tif/,
    );
    await write(folder, 'Test/RGB-PanSharpen/RGB-PanSharpen_AOI_2_Vegas_img1.tif', geoTiff(chip(1), place(1)));
    await rejects(openSpaceNet(folder), /no labels below .*missingLabels: 'empty' reads images alone/);
    const alone = await openSpaceNet(folder, { missingLabels: 'empty' });
    assert.equal([alone.report.labels, boxList(await alone.get(0))], ['none', []]);
    await write(folder, 'Test/geojson/buildings/buildings_AOI_2_Vegas_img9.geojson', featureCollection([]));
    await rejects(openSpaceNet(folder), /1 of 1 images below .* have no geojson labels: AOI_2_Vegas_img1/);
    await write(folder, 'Copy/RGB-PanSharpen/RGB-PanSharpen_AOI_2_Vegas_img1.tif', 'x');
    await rejects(openSpaceNet(folder), /two images of AOI_2_Vegas_img1: Copy\/.* and Test\//);
    await write(folder, 'odd/a/x.tif', 'x');
    await write(folder, 'odd/b/x.tif', 'x');
    await rejects(openSpaceNet(`${folder}/odd`), /are in a, b, none of which is known; choose one with `images`/);
  }),
);

test(
  'an image without georeference cannot take labels in map coordinates',
  inFolder(async (folder) => {
    const r = chip(1, 8);
    await write(folder, 'RGB-PanSharpen/RGB-PanSharpen_a.tif', plainTiff(r, [levelBytes(r.levels)]));
    await write(folder, 'geojson/buildings/buildings_a.geojson', featureCollection(onMap(place(1), [[1, 1, 5, 5]])));
    await rejects(openSpaceNet(folder), /buildings_a.geojson: .*RGB-PanSharpen_a.tif has no georeference/);
  }),
);

test.run();
