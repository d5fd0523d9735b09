import type { Levels } from '../levels.ts';
import { checkWindow, type ColourRole, type RawImage } from '../raw-image.ts';
import type { Georeference } from '../raster.ts';

/** The pixels of a decoded file. */
export interface Decoded {
  readonly width: number;
  readonly height: number;
  /** Red, green and blue of each pixel, row by row. */
  readonly levels: Uint8Array | Uint16Array;
  /** For each pixel 0 if it is transparent; null if none is. */
  readonly valid: Uint8Array | null;
}

/** Divides red, green, blue and alpha of each pixel into levels and what is transparent. */
export function withoutAlpha(width: number, height: number, rgba: Uint8Array | Uint16Array): Decoded {
  const pixels = width * height;
  const levels = rgba.BYTES_PER_ELEMENT === 1 ? new Uint8Array(3 * pixels) : new Uint16Array(3 * pixels);
  let valid: Uint8Array | null = null;
  for (let pixel = 0; pixel < pixels; pixel++) {
    for (let band = 0; band < 3; band++) levels[3 * pixel + band] = rgba[4 * pixel + band]!;
    if (rgba[4 * pixel + 3] !== 0) continue;
    valid ??= new Uint8Array(pixels).fill(1);
    valid[pixel] = 0;
  }
  return { width, height, levels, valid };
}

/** What the bands of images show whose format is decoded as a whole. */
export const memoryRoles: readonly ColourRole[] = ['red', 'green', 'blue'];

/** An image whose pixels are in memory, because its format can only be decoded as a whole. */
export function memoryImage(path: string, decoded: Decoded, place: Georeference): RawImage {
  const { width, height, levels, valid } = decoded;
  return {
    path,
    width,
    height,
    bands: 3,
    bits: levels.BYTES_PER_ELEMENT === 1 ? 8 : 16,
    kind: 'unsigned',
    isFullRange: true,
    roles: memoryRoles,
    ...place,
    async read(bands, window = { x: 0, y: 0, width, height }) {
      if (bands.some((band) => !Number.isInteger(band) || band < 1 || band > 3)) {
        throw new Error(`${path}: bands ${bands.join(', ')} were requested, but the file has 3`);
      }
      checkWindow(decoded, window);
      const isWhole = window.width === width && window.height === height;
      if (isWhole && bands.length === 3 && bands.every((band, i) => band === i + 1)) return { levels, valid };
      const length = window.width * window.height * bands.length;
      const out: Levels = new (levels.constructor as Uint16ArrayConstructor)(length);
      const mask = valid === null ? null : new Uint8Array(window.width * window.height);
      for (let y = 0, to = 0; y < window.height; y++) {
        const start = (window.y + y) * width + window.x;
        mask?.set(valid!.subarray(start, start + window.width), y * window.width);
        for (let from = 3 * start; from < 3 * (start + window.width); from += 3) {
          for (const band of bands) out[to++] = levels[from + band - 1]!;
        }
      }
      return { levels: out, valid: mask?.includes(0) === true ? mask : null };
    },
  };
}
