// Files made to take all memory or hours, at most some MB long: a reader and a class of attack for each.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { deflateSync } from 'node:zlib';
import { crc32 } from '../../../src/common/crc32.ts';
import { readSettingsFile } from '../../../src/common/settings-text.ts';
import { encodeJpeg } from '../../../src/imagery/node/jpeg.ts';
import { openImage } from '../../../src/imagery/node/open-image.ts';
import { rgbImage } from '../../../src/imagery/image.ts';
import { readLabels } from '../../../src/labels/node/read-labels.ts';
import { readLayer } from '../../../src/vector/node/read-layer.ts';
import { readAll } from '../../weights/read-all.ts';
import { zipOf } from '../../weights/zips.ts';

export interface Attack {
  /** Name of the file; its ending says which reader it is for. */
  readonly file: string;
  readonly make: () => Uint8Array | string | Promise<Uint8Array>;
  /** Part of the message of the error. */
  readonly expected: RegExp;
}

const big = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
};
const little = (value: number): Buffer => Buffer.from(big(value)).reverse();

function pngChunk(type: string, body: Uint8Array): Buffer {
  const named = Buffer.concat([Buffer.from(type, 'latin1'), body]);
  return Buffer.concat([big(body.length), named, big(crc32(named))]);
}

const png = (side: number, data: Uint8Array, ...others: readonly Buffer[]): Buffer =>
  Buffer.concat([
    Buffer.from('89504e470d0a1a0a', 'hex'),
    pngChunk('IHDR', Buffer.concat([big(side), big(side), Buffer.of(8, 6, 0, 0, 0)])),
    ...others,
    pngChunk('IDAT', data),
    pngChunk('IEND', Buffer.alloc(0)),
  ]);

/** A JPEG file with another size in its header, `padding` bytes of comments, and `noise` bytes that are no pixels. */
async function jpeg(side: number, padding: number, noise = 0): Promise<Uint8Array> {
  const bytes = Buffer.from(await encodeJpeg(rgbImage(16, 16, new Uint8Array(16 * 16 * 3)), 90));
  const frame = bytes.indexOf(Buffer.of(0xff, 0xc0));
  bytes.writeUInt16BE(side, frame + 5);
  bytes.writeUInt16BE(side, frame + 7);
  const comment = Buffer.concat([Buffer.of(0xff, 0xfe, 0xff, 0xff), Buffer.alloc(0xffff - 2)]);
  const comments = Array.from({ length: Math.ceil(padding / comment.length) }, () => comment);
  const pixels = Uint8Array.from({ length: noise }, (_, i) => (i * 7919 + (i >> 3)) % 251);
  return Buffer.concat([bytes.subarray(0, 2), ...comments, bytes.subarray(2, -2), pixels, bytes.subarray(-2)]);
}

function webp(side: number, padding: number): Buffer {
  const header = Buffer.concat([Buffer.of(0x2f), little((side - 1) | ((side - 1) << 14)), Buffer.alloc(3)]);
  const chunks = Buffer.concat([
    Buffer.from('WEBPVP8L'),
    little(header.length),
    header,
    Buffer.from('XXXX'),
    little(padding),
    Buffer.alloc(padding),
  ]);
  return Buffer.concat([Buffer.from('RIFF'), little(chunks.length), chunks]);
}

function safetensors(header: string): Buffer {
  const length = Buffer.alloc(8);
  length.writeUIntLE(header.length, 0, 6);
  return Buffer.concat([length, Buffer.from(header)]);
}

const repeated = (text: string, bytes: number): string => text.repeat(Math.ceil(bytes / text.length));
const laughs = [
  'a: &a [lol]',
  ...Array.from('bcdefghijkl', (name, i) => `${name}: &${name} [${`*${'abcdefghijk'[i]},`.repeat(8)}*a]`),
].join('\n');

export const attacks: readonly Attack[] = [
  {
    file: 'size-in-padding.png',
    make: () => png(9999, deflateSync(Buffer.alloc(100)), pngChunk('teXt', Buffer.alloc(500_000))),
    expected: /exceed maxExpansion = 256/,
  },
  { file: 'no-pixels.png', make: () => png(9999, Buffer.alloc(500_000)), expected: /damaged: pixel data \(/ },
  {
    file: 'half.png',
    make: () => png(9999, Buffer.concat([deflateSync(Buffer.alloc(2e8)), Buffer.alloc(400_000)])),
    expected: /damaged: 200000000 bytes of pixel data/,
  },
  { file: 'more-than-half.png', make: () => png(4000, deflateSync(Buffer.alloc(3e8))), expected: /is longer than/ },
  { file: 'size.jpg', make: () => jpeg(9999, 0), expected: /exceed maxExpansion = 256/ },
  { file: 'size-in-padding.jpg', make: () => jpeg(9999, 500_000), expected: /exceed maxExpansion = 256/ },
  { file: 'noise.jpg', make: () => jpeg(9999, 0, 450_000), expected: /damaged: the pixels cannot be decoded/ },
  { file: 'size-in-padding.webp', make: () => webp(9999, 500_000), expected: /exceed maxExpansion = 256/ },
  {
    file: 'elements.xml',
    make: () => `<annotation>${'<object/>'.repeat(1e6)}</annotation>`,
    expected: /exceed maxXmlTags/,
  },
  { file: 'elements.kml', make: () => `<kml>${'<Placemark/>'.repeat(1e6)}</kml>`, expected: /exceed maxXmlTags/ },
  {
    file: 'entities.kml',
    make: () =>
      `<!DOCTYPE k [<!ENTITY a "${'a'.repeat(1e5)}"><!ENTITY x SYSTEM "file:///etc/passwd">]><kml>${'&a;'.repeat(1e5)}&x;</kml>`,
    expected: /entities\.kml: /,
  },
  { file: 'deep.json', make: () => '{"images":['.repeat(5e5), expected: /more than 200 arrays and objects/ },
  {
    file: 'deep.geojson',
    make: () => `{"type":"FeatureCollection","features":[${'['.repeat(1e6)}`,
    expected: /more than 200/,
  },
  { file: 'string.json', make: () => `{"images":[{"file_name":"${repeated('a\\\\', 3e7)}`, expected: /truncated/ },
  {
    file: 'quote.csv',
    make: () => `image_path,xmin,ymin,xmax,ymax,label\n"${repeated('a,"",\n', 1e7)}`,
    expected: /quote\.csv/,
  },
  { file: 'aliases.yaml', make: () => laughs, expected: /alias/ },
  { file: 'deep.yaml', make: () => `data: ${'["]",'.repeat(1800)}`, expected: /nested too deeply/ },
  {
    file: 'keys.yaml',
    make: () => Array.from({ length: 1e5 }, (_, i) => `k${i}: 1`).join('\n'),
    expected: /maxYamlEntries/,
  },
  {
    file: 'header.safetensors',
    make: () => safetensors(`{"a":"${repeated('\\"', 4e7)}"}`),
    expected: /not a valid safetensors file/,
  },
  { file: 'deep.safetensors', make: () => safetensors(repeated('{"a":', 1.1e7)), expected: /its header is not JSON/ },
  {
    file: 'claims.safetensors',
    make: () => safetensors('{"a":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,0]}}'),
    expected: /does not take 0 bytes/,
  },
  {
    file: 'operations.pth',
    make: () =>
      zipOf({
        'a/data.pkl': Buffer.concat([Buffer.of(0x80, 2), Buffer.alloc(2_500_000, ']'), Buffer.from('.')]),
        'a/version': Buffer.from('3'),
      }),
    expected: /operations|containers/,
  },
  {
    file: 'outside.pth',
    make: () => zipOf({ '../../a/data.pkl': Buffer.of(0x80, 2, 0x7d, 0x2e) }),
    expected: /it has 0 entries NAME\/data.pkl/,
  },
];

/** Reads the file of an attack, in a folder of its own; returns the error, and the milliseconds that it took. */
export async function attacked({ file, make }: Attack): Promise<{ error: unknown; milliseconds: number }> {
  const folder = mkdtempSync(join(tmpdir(), 'retinagrad-attack-'));
  try {
    const path = join(folder, file);
    const bytes = await make();
    writeFileSync(path, bytes);
    const start = performance.now();
    let error: unknown = null;
    try {
      await readerOf(file)(path, bytes);
    } catch (thrown) {
      error = thrown;
    }
    return { error, milliseconds: performance.now() - start };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function readerOf(file: string): (path: string, bytes: Uint8Array | string) => unknown {
  if (/\.(png|jpg|webp|tif)$/.test(file)) return (path) => openImage(path);
  if (/\.(geojson|kml)$/.test(file)) return (path) => readLayer(path);
  if (/\.(safetensors|pth)$/.test(file)) return (path, bytes) => readAll(bytes as Uint8Array, path);
  if (file.endsWith('.yaml')) return (path, bytes) => readSettingsFile(bytes as string, path);
  return (path) => readLabels(path);
}
