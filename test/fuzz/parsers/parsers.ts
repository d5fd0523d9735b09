// The readers of files, with a valid file for each.
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync, inflateSync } from 'node:zlib';
import { isRecord } from '../../../src/common/check.ts';
import { InputError } from '../../../src/common/errors.ts';
import { readSettingsFile } from '../../../src/common/settings-text.ts';
import { detectorMetadata, readDescription } from '../../../src/detector/detector.ts';
import { decodeJpeg } from '../../../src/imagery/node/jpeg.ts';
import { decodePngLevels, encodePng } from '../../../src/imagery/node/png.ts';
import { decodeTiff } from '../../../src/imagery/node/tiff.ts';
import { openVrt } from '../../../src/imagery/node/vrt.ts';
import { decodeWebpLevels, encodeWebp } from '../../../src/imagery/node/webp.ts';
import { parseCoco } from '../../../src/labels/coco.ts';
import { parseLabelJson } from '../../../src/labels/json.ts';
import { parseLabelCsv } from '../../../src/labels/csv.ts';
import { parseSpaceNetCsv } from '../../../src/labels/spacenet.ts';
import { parseCvat } from '../../../src/labels/tools/cvat.ts';
import { parseLabelStudio } from '../../../src/labels/tools/label-studio.ts';
import { parseVia } from '../../../src/labels/tools/via.ts';
import { parseVoc } from '../../../src/labels/voc.ts';
import { parseYolo, parseYoloData } from '../../../src/labels/yolo.ts';
import type { HostTensor } from '../../../src/nn/module.ts';
import { retinaNetSpec } from '../../../src/retinanet/spec.ts';
import { RunFolder } from '../../../src/train/node/run-folder.ts';
import { readLayer } from '../../../src/vector/node/read-layer.ts';
import { readAll } from '../../weights/read-all.ts';
import { encodeSafetensors } from '../../../src/weights/safetensors.ts';
import { markedSample } from '../../data/support.ts';
import { readFixture } from '../../golden/read.ts';
import { root } from '../../support/files.ts';

/** A reader of one kind of file. */
export interface Parser {
  /** Name of the file in errors; its ending is the name of the reader. */
  readonly file: string;
  readonly seeds: readonly Uint8Array[];
  /** Resolves to what the file contains, or rejects with an error that names it. */
  readonly read: (bytes: Buffer) => unknown;
  /** Repairs checksums, without which a mutation would not get far. */
  readonly repair?: (bytes: Buffer) => Buffer;
}

const text = (content: string | object): Uint8Array =>
  Buffer.from(typeof content === 'string' ? content : JSON.stringify(content));

const golden = (file: string): Record<string, string | { readonly file: string }> =>
  JSON.parse(readFileSync(join(root, 'test/golden', file), 'utf8')) as Record<string, string | { file: string }>;

const unpacked = (entry: string | { readonly file: string }): Uint8Array =>
  inflateSync(Buffer.from(typeof entry === 'string' ? entry : entry.file, 'base64'));

/** Files of GDAL whose names match. */
const goldenFiles = (file: string, names: RegExp): Uint8Array[] =>
  Object.entries(golden(file))
    .filter(([name]) => names.test(name))
    .map(([, entry]) => unpacked(entry));

/** zlib.crc32 needs Node 20.15. */
function crc32(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let k = 0; k < 8; k++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
  }
  return (crc ^ 0xffffffff) >>> 0;
}

/** Recomputes the checksums of the chunks of a PNG file. */
function withPngChecksums(bytes: Buffer): Buffer {
  const copy = Buffer.from(bytes);
  for (let at = 8; at + 12 <= copy.length;) {
    const end = at + 8 + copy.readUInt32BE(at);
    if (end + 4 > copy.length) break;
    copy.writeUInt32BE(crc32(copy.subarray(at + 4, end)), end);
    at = end + 4;
  }
  return copy;
}

const box = [1, 2, 8, 9];
const coco = {
  images: [{ id: 1, file_name: 'a.png', width: 20, height: 10 }],
  annotations: [
    { id: 1, image_id: 1, category_id: 3, bbox: box, segmentation: [[1, 2, 9, 2, 9, 11]], iscrowd: 0, score: 0.5 },
  ],
  categories: [{ id: 3, name: 'car' }],
};
const voc =
  '<?xml version="1.0"?>\n<annotation><filename>a.png</filename><size><width>20</width><height>10</height></size>' +
  '<object><name>car &amp; van</name><difficult>1</difficult><bndbox><xmin>1</xmin><ymin>2</ymin><xmax>9</xmax><ymax>8</ymax></bndbox></object></annotation>';
const csv = 'image_path,xmin,ymin,xmax,ymax,label\na.png,1,2,9,8,"car ""x"""\nb.png,1,2,9,8.5,van\n';
const spacenet =
  'ImageId,BuildingId,PolygonWKT_Pix,Confidence\na,1,"POLYGON ((1 2 0, 9 2 0, 9 8 0, 1 2 0))",1\nb,-1,POLYGON EMPTY,1\n';
const yaml = 'path: .\ntrain: &x [images/a, "b"]\nval: *x\nnc: 2\nnames:\n  0: car\n  1: van # comment\n';
const settings = 'data:\n  path: tiles\ntrain: {epochs: 3, learningRate: 1e-3}\n';
const cvat =
  '<annotations><version>1.1</version><image id="0" name="a.png" width="20" height="10"><box label="car" xtl="1" ytl="2" xbr="9" ybr="8"><attribute name="difficult">true</attribute></box>' +
  '<polygon label="car" points="1,2;9,2;9,8"/></image></annotations>';
const studio = [
  {
    data: { image: '/data/a.png' },
    annotations: [
      {
        result: [
          {
            type: 'rectanglelabels',
            original_width: 20,
            original_height: 10,
            value: { x: 1, y: 2, width: 30, height: 40, rotation: 0, rectanglelabels: ['car'] },
          },
        ],
      },
    ],
  },
];
const via = {
  a1: {
    filename: 'a.png',
    size: 1,
    regions: [
      { shape_attributes: { name: 'rect', x: 1, y: 2, width: 3, height: 4 }, region_attributes: { class: 'car' } },
    ],
  },
};
const vrt =
  '<VRTDataset rasterXSize="7" rasterYSize="5"><GeoTransform>100, 2, 0, 50, 0, -2</GeoTransform><VRTRasterBand dataType="Byte" band="1">' +
  '<SimpleSource><SourceFilename relativeToVRT="1">a.tif</SourceFilename><SourceBand>1</SourceBand><SrcRect xOff="0" yOff="0" xSize="7" ySize="5"/>' +
  '<DstRect xOff="0" yOff="0" xSize="7" ySize="5"/></SimpleSource></VRTRasterBand></VRTDataset>';

/** A reader of text that throws at the first problem. */
const ofText = (file: string, seed: string | object, parse: (content: string) => unknown): Parser => ({
  file,
  seeds: [text(seed)],
  read: (bytes) => parse(bytes.toString('utf8')),
});

/** A reader that needs a file, and others beside it. */
function ofFile(folder: string, file: string, seed: Uint8Array, read: (path: string) => Promise<unknown>): Parser {
  const path = join(folder, file);
  return {
    file,
    seeds: [seed],
    read: (bytes) => {
      writeFileSync(path, bytes);
      return read(path);
    },
  };
}

const ofWeights = (file: string, seeds: readonly Uint8Array[]): Parser => ({
  file,
  seeds,
  read: (bytes) => readAll(bytes, file),
});

/** A safetensors file of one tensor with metadata, without a checksum: mutations of a file with one would not get far. */
function withoutChecksum(
  tensors: ReadonlyMap<string, HostTensor>,
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array {
  const [[name, { shape, data }]] = [...tensors] as [[string, HostTensor]];
  const tensor = { dtype: 'F32', shape, data_offsets: [0, data.byteLength] };
  const header = Buffer.from(JSON.stringify({ __metadata__: { ...metadata }, [name]: tensor }));
  const length = Buffer.alloc(8);
  length.writeUIntLE(header.length, 0, 6);
  return Buffer.concat([length, header, Buffer.from(data.buffer)]);
}

/** Files of PyTorch whose names match. */
const pytorchFiles = (names: RegExp): Uint8Array[] => {
  const { files } = readFixture<{ files: Record<string, { zlib: string }> }>('pytorch-files');
  return Object.entries(files)
    .filter(([name]) => names.test(name))
    .map(([, { zlib }]) => inflateSync(Buffer.from(zlib, 'base64')));
};

/** The description of a detector, which is the metadata of its weights. */
const detectorParser = (): Parser => ({
  file: 'best.safetensors',
  seeds: [
    text(
      detectorMetadata({
        classes: ['car', 'van'],
        spec: retinaNetSpec('paper'),
        scoreThreshold: 0.5,
        decoding: {},
        tile: null,
      }),
    ),
  ],
  read(bytes) {
    const metadata = parseLabelJson(bytes.toString('utf8'), 'best.safetensors');
    // Other metadata are refused by the reader of the file.
    if (isRecord(metadata) && Object.values(metadata).every((value) => typeof value === 'string'))
      return readDescription(metadata as Record<string, string>, 'best.safetensors');
    throw new InputError('readDescription', 'its metadata is not text', { file: 'best.safetensors' });
  },
});

const metrics = '{"kind":"step","step":1,"loss":0.5}\n{"kind":"evaluation","step":1,"AP":0.1}\n';

/** All readers. Files are written to a folder that `close` removes. */
export async function openParsers(): Promise<{ readonly parsers: readonly Parser[]; readonly close: () => void }> {
  // In memory, where there is such a file system.
  const folder = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'retinagrad-fuzz-'));
  const { image } = markedSample(12, 17, [[2, 2, 9, 9]]);
  const limits = { maxPixels: 1e6, maxBlockBytes: 2 ** 22 };
  const layer = (name: string): Uint8Array => {
    const bytes = readFileSync(join(root, 'test/vector/fixtures/formats', name));
    return name.endsWith('.gz') ? gunzipSync(bytes) : bytes;
  };
  // The table of a shapefile stays as it is; the shapes change.
  writeFileSync(join(folder, 'layer.dbf'), layer('layer.dbf'));
  writeFileSync(join(folder, 'table.shp'), layer('layer.shp'));
  const dbf = ofFile(folder, 'table.dbf', layer('layer.dbf'), () => readLayer(join(folder, 'table.shp')));
  const opened = (file: string): Promise<unknown> =>
    openVrt(file, () => Promise.reject(new Error('no file'))).then(({ width, height }) => [width, height]);
  const tensors = new Map([['a.weight', { shape: [2, 3], data: Float32Array.from([0, 1, 2, 3, 4, 5]) }]]);
  const run = new RunFolder(folder);
  const reached = { steps: 1, lastEvaluatedStep: 1 };
  const parsers: Parser[] = [
    {
      file: 'x.png',
      seeds: [await encodePng(image)],
      read: (bytes) => decodePngLevels(bytes, 'x.png', limits),
      repair: withPngChecksums,
    },
    {
      file: 'x.jpg',
      seeds: goldenFiles('jpeg.json', /baseline|progressive|grey/),
      read: (bytes) => decodeJpeg(bytes, 'x.jpg', limits),
    },
    {
      file: 'x.webp',
      seeds: [await encodeWebp(image, 80)],
      read: (bytes) => decodeWebpLevels(bytes, 'x.webp', limits),
    },
    {
      file: 'x.tif',
      seeds: [...goldenFiles('geotiff.json', /./), ...goldenFiles('jpeg.json', /tif$/)],
      read: async (bytes) => {
        const raw = await decodeTiff(bytes, 'x.tif', limits);
        const size = { width: Math.min(raw.width, 512), height: Math.min(raw.height, 512) };
        return raw.read([1, 1, 1], { x: 0, y: 0, ...size });
      },
    },
    ofFile(folder, 'x.vrt', text(vrt), opened),
    ofText('coco.json', coco, (content) => parseCoco(content, { name: 'coco.json' })),
    ofText('voc/x.xml', voc, (content) => parseVoc([{ path: 'x.xml', text: content }], { name: 'voc' })),
    ofText('x.csv', csv, (content) => parseLabelCsv(content, { name: 'x.csv' })),
    ofText('spacenet.csv', spacenet, (content) =>
      parseSpaceNetCsv(content, { name: 'spacenet.csv', fileOf: (id) => `${id}.tif` }),
    ),
    ofText('yolo.txt', '0 0.5 0.5 0.2 0.2\n1 0.1 0.1 0.2 0.1 0.2 0.2\n', (content) =>
      parseYolo(content, { name: 'yolo.txt', classes: 2, width: 20, height: 10 }),
    ),
    ofText('data.yaml', yaml, (content) => parseYoloData(content, 'data.yaml')),
    ofText('config.yaml', settings, (content) => readSettingsFile(content, 'config.yaml')),
    ofText('cvat.xml', cvat, (content) => parseCvat(content, { name: 'cvat.xml' })),
    ofText('studio.json', studio, (content) => parseLabelStudio(content, { name: 'studio.json' })),
    ofText('via.json', via, (content) => parseVia(content, { name: 'via.json' })),
    ofFile(folder, 'x.geojson', layer('layer.geojson'), readLayer),
    ofFile(folder, 'x.kml', layer('layer.kml'), readLayer),
    ofFile(folder, 'layer.shp', layer('layer.shp'), readLayer),
    { ...dbf, file: 'table.shp' },
    ofWeights('x.safetensors', [encodeSafetensors(tensors, { a: 'b' }), withoutChecksum(tensors)]),
    ofWeights('x.pth', pytorchFiles(/types$|protocol|views$|training|parallel|lightning/)),
    ofWeights('x.pt', pytorchFiles(/legacy/)),
    detectorParser(),
    ofFile(folder, 'metrics.jsonl', text(metrics), async () => run.restoreRecords(reached, () => {})),
    ofFile(folder, 'environment.json', text({ date: '2026', node: 'v20', adapter: {} }), async () =>
      run.readEnvironment(),
    ),
    ofFile(folder, 'x.fgb', layer('layer.fgb'), readLayer),
    ofFile(folder, 'x.gpkg', layer('layers.gpkg.gz'), (path) => readLayer(path, { layer: 'places' })),
  ];
  return { parsers, close: () => rmSync(folder, { recursive: true, force: true }) };
}
