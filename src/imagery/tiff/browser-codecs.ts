import type { RgbaPixels } from '../rgba-pixels.ts';
import type { TiffCodecs } from './codecs.ts';

/** What browsers offer, whose types a program without the DOM does not have. */
interface Browser {
  readonly createImageBitmap?: (file: Blob, options: object) => Promise<Bitmap>;
  readonly OffscreenCanvas: new (width: number, height: number) => { getContext(type: '2d'): Context };
  readonly DecompressionStream: new (format: 'deflate') => never;
}
interface Bitmap {
  readonly width: number;
  readonly height: number;
  close(): void;
}
interface Context {
  drawImage(bitmap: Bitmap, x: number, y: number): void;
  getImageData(x: number, y: number, width: number, height: number): RgbaPixels;
}

const browser = globalThis as unknown as Browser;

/** The streams and the image decoders of the browser. Its JPEG decoder may round levels in another way than that of Node. */
export const browserCodecs: TiffCodecs = {
  inflate,
  decodeJpeg: (file) => decodeImage(file, 'image/jpeg'),
  decodeWebp: (file) => decodeImage(file, 'image/webp'),
};

async function inflate(packed: Uint8Array<ArrayBuffer>, maxBytes: number): Promise<Uint8Array<ArrayBuffer>> {
  const out = new Uint8Array(maxBytes);
  let filled = 0;
  const reader = new Blob([packed]).stream().pipeThrough(new browser.DecompressionStream('deflate')).getReader();
  try {
    for (;;) {
      const { done, value } = (await reader.read()) as { readonly done: boolean; readonly value?: Uint8Array };
      if (done) return out.subarray(0, filled);
      if (filled + value!.length > maxBytes) throw new RangeError(`more than ${maxBytes} bytes of pixels`);
      out.set(value!, filled);
      filled += value!.length;
    }
  } catch (error) {
    // Some writers pad blocks, which streams take for damage, and zlib does not.
    if (filled === maxBytes && !(error instanceof RangeError)) return out;
    throw error;
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}

async function decodeImage(file: Uint8Array<ArrayBuffer>, type: string): Promise<RgbaPixels> {
  if (browser.createImageBitmap === undefined) throw new Error(`no decoder of ${type}: only browsers have one here`);
  const options = { colorSpaceConversion: 'none', premultiplyAlpha: 'none' };
  const bitmap = await browser.createImageBitmap(new Blob([file], { type }), options);
  const { width, height } = bitmap;
  const context = new browser.OffscreenCanvas(width, height).getContext('2d');
  context.drawImage(bitmap, 0, 0);
  bitmap.close();
  return context.getImageData(0, 0, width, height);
}
