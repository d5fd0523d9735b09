import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { rgbImage } from '../../src/imagery/image.ts';
import { findImages } from '../../src/imagery/node/find-images.ts';
import { openImage } from '../../src/imagery/node/open-image.ts';
import { encodePng } from '../../src/imagery/node/png.ts';
import { openRaster } from '../../src/imagery/node/read-image.ts';
import { createServer } from 'node:http';
import { geoTiff, inFolder, plainTiff, raster, rejects, write, levelBytes } from '../data/support.ts';

const UTM = 'PROJCS["WGS 84 / UTM zone 33N",GEOGCS["WGS 84",AUTHORITY["EPSG","4326"]],AUTHORITY["EPSG","32633"]]';
const ESRI = 'PROJCS["WGS_1984_UTM_Zone_33S",GEOGCS["GCS_WGS_1984",DATUM["D_WGS_1984"]]]';

test(
  'world files give images without a georeference their place, and .prj files its system',
  inFolder(async (folder) => {
    const picture = await encodePng(rgbImage(4, 6));
    const bare = plainTiff(
      raster(2, 2, 3, 8, () => 1),
      [new Uint8Array(12).fill(1)],
    );
    const world = '0.5\n0\n0\n-0.5\n500000.25\n4649999.75\n';
    for (const [image, bytes, file, prj, epsg] of [
      ['a.png', picture, 'a.pgw', UTM, 32633],
      ['b.png', picture, 'b.pngw', ESRI, 32733],
      ['c.png', picture, 'c.wld', 'GEOGCS["GCS_WGS_1984",DATUM["D_WGS_1984"]]', 4326],
      ['d.tif', bare, 'd.tfw', null, null],
      ['e.png', picture, 'e.PGW', 'PROJCS["WGS_1984_Web_Mercator_Auxiliary_Sphere"]', 3857],
    ] as const) {
      const path = await write(folder, image, bytes);
      await write(folder, file, world);
      if (prj !== null) await write(folder, `${image[0]}.prj`, prj);
      const opened = await openImage(path);
      // The world file gives the centre of the first pixel, the transform its corner.
      assert.equal(opened.affine, [0.5, 0, 500_000, 0, -0.5, 4_650_000], image);
      assert.equal([opened.epsg, opened.geographic], [epsg, prj === null ? null : epsg === 4326], image);
    }
    // Its own georeference comes first.
    const own = await write(
      folder,
      'f.tif',
      geoTiff(
        raster(2, 2, 3, 8, () => 1),
        { epsg: 32611, x: 7, y: 9, pixel: 2 },
      ),
    );
    await write(folder, 'f.tfw', world);
    assert.equal((await openImage(own)).affine, [2, 0, 7, 0, -2, 9]);
    await write(folder, 'g.png', picture);
    await write(folder, 'g.pgw', '0.5\n0\n0\n');
    await rejects(openImage(`${folder}/g.png`), /g.pgw: "0.5 .*is not a world file, expected six numbers/s);
  }),
);

const vrt = (parts: string, size = '7" rasterYSize="5'): string =>
  `<VRTDataset rasterXSize="${size}"><SRS>${UTM.replaceAll('"', '&quot;')}</SRS><GeoTransform>100, 2, 0, 50, 0, -2</GeoTransform>` +
  [1, 2, 3]
    .map(
      (band) => `<VRTRasterBand dataType="Byte" band="${band}">${parts.replaceAll('BAND', `${band}`)}</VRTRasterBand>`,
    )
    .join('') +
  '</VRTDataset>';
const part = (file: string, x: number, size = '4" ySize="5'): string =>
  `<SimpleSource><SourceFilename relativeToVRT="1">${file}</SourceFilename><SourceBand>BAND</SourceBand>` +
  `<SrcRect xOff="0" yOff="0" xSize="4" ySize="5"/><DstRect xOff="${x}" yOff="0" xSize="${size}"/></SimpleSource>`;

test(
  'a mosaic of GDAL is one image; what no file covers has no data',
  inFolder(async (folder) => {
    for (const [name, base] of [
      ['left', 10],
      ['right', 110],
    ] as const) {
      const r = raster(4, 5, 3, 8, (band, row, column) => base + 20 * band + row * 4 + column);
      await write(folder, `tiles/${name}.tif`, plainTiff(r, [levelBytes(r.levels)]));
    }
    const path = await write(folder, 'tiles.vrt', vrt(part('tiles/left.tif', 0) + part('tiles/right.tif', 3)));
    const mosaic = await openImage(path);
    assert.equal([mosaic.width, mosaic.height, mosaic.bands, mosaic.epsg], [7, 5, 3, 32633]);
    assert.equal(mosaic.affine, [2, 0, 100, 0, -2, 50]);
    const { levels, valid } = await mosaic.read([3, 1, 2], { x: 2, y: 1, width: 3, height: 2 });
    // Columns 2 (left), 3 and 4 (right, which lies over the left one) of rows 1 and 2.
    const expected = [1, 2].flatMap((row) =>
      [10 + row * 4 + 2, 110 + row * 4, 110 + row * 4 + 1].flatMap((level) => [level + 40, level, level + 20]),
    );
    assert.equal([[...levels], valid], [expected, null]);
    const gap = await write(folder, 'gap.vrt', vrt(part('tiles/left.tif', 0)));
    const pixels = await (await openRaster(gap)).read({ x: 3, y: 0, width: 2, height: 1 });
    assert.equal([...pixels.valid!], [1, 0]);
    assert.equal([...pixels.image.data], [13, 33, 53, 0, 0, 0]);
    // Of a folder, the files of the mosaic are found, not the mosaic as well.
    assert.equal(await findImages([path]), [path]);
    assert.is((await findImages([folder])).length, 2);
    for (const [text, reason] of [
      [vrt(part('tiles/left.tif', 0, '8" ySize="10')), /tiles\/left.tif has another resolution/],
      [
        vrt(part('tiles/left.tif', 0).replace('</SimpleSource>', '<ScaleRatio>2</ScaleRatio></SimpleSource>')),
        /ScaleRatio is not/,
      ],
      [
        vrt(part('tiles/left.tif', 0)).replace('<SourceBand>2<', '<SourceBand>mask,2<'),
        /SimpleSource of band mask,2 is not/,
      ],
      ['<VRTDataset rasterXSize="7"', /bad.vrt: /],
      [vrt(''), /bands 1, 2, 3 were requested, but the mosaic has 0/],
    ] as const) {
      const bad = await write(folder, 'bad.vrt', text);
      await rejects(
        openRaster(bad).then((opened) => opened.read({ x: 0, y: 0, width: 1, height: 1 })),
        reason,
      );
    }
    const lost = await write(folder, 'lost.vrt', vrt(part('gone.tif', 0)));
    await rejects((await openRaster(lost)).read({ x: 0, y: 0, width: 1, height: 1 }), /gone.tif: cannot be read/);
  }),
);

test('a GeoTIFF on a web server is read in parts; what the server answers is said', async () => {
  const r = raster(64, 64, 3, 8, (band, row, column) => (band * 70 + row + column) % 256);
  const strips = Array.from({ length: 64 }, (_, row) => levelBytes(r.levels.subarray(row * 192, (row + 1) * 192)));
  const file = plainTiff(r, strips, [[278, 4, [1]]]);
  let [sent, failures] = [0, 2];
  const server = createServer((request, response) => {
    if (request.url === '/none.tif') return response.writeHead(404).end();
    if (request.url?.startsWith('/whole.tif') === true) return response.writeHead(200).end(file);
    if (failures-- > 0) return response.writeHead(503).end();
    const [, from, to] = /bytes=(\d+)-(\d+)/.exec(request.headers.range ?? '')!.map(Number);
    const bytes = file.subarray(from!, to! + 1);
    sent += bytes.length;
    return response.writeHead(206, { 'content-range': `bytes ${from}-${to}/${file.length}` }).end(bytes);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    const { port } = server.address() as { port: number };
    const url = `http://127.0.0.1:${port}`;
    assert.equal(await findImages([`${url}/a.tif`]), [`${url}/a.tif`]);
    const image = await openImage(`${url}/a.tif`);
    const before = sent;
    const { levels } = await image.read([1, 2, 3], { x: 8, y: 10, width: 5, height: 4 });
    assert.equal(levels, raster(5, 4, 3, 8, (band, row, column) => band * 70 + row + 10 + column + 8).levels);
    assert.is(sent - before, 4 * 192, 'four rows');
    assert.is((await openImage(`${url}/a.tif?v=1&sig=hidden`)).path, `${url}/a.tif?v=1&sig=***`);
    await rejects(openImage(`${url}/whole.tif?sig=hidden`), /whole.tif\?sig=\*\*\*: cannot/);
    await rejects(openImage(`${url.replace('//', '//me:hidden@')}/a.tif`), /^(?!.*hidden).*credentials/);
    await rejects(openImage(`${url}/none.tif`), /none.tif: cannot be read: the server answers 404 Not Found$/);
    await rejects(
      openImage(`${url}/whole.tif`),
      /does not send parts of a file \(no HTTP range requests\): download it first/,
    );
  } finally {
    server.close();
  }
});

test.run();
