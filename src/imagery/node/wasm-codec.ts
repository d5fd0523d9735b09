import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import type { RgbaPixels } from '../rgba-pixels.ts';

/** Loads something once; after a failure it is loaded again. */
export function once<T>(load: () => Promise<T>): () => Promise<T> {
  let loaded: Promise<T> | undefined;
  return () =>
    (loaded ??= load().catch((error: unknown) => {
      loaded = undefined;
      throw error;
    }));
}

/** Compiles code of a package, which would fetch it from a URL; in Node it is read from the disk. */
export async function compileWasm(name: string): Promise<object> {
  const { WebAssembly } = globalThis as unknown as { WebAssembly: { compile(code: Uint8Array): Promise<object> } };
  return WebAssembly.compile(await readFile(createRequire(import.meta.url).resolve(name)));
}

/** The memory of WebAssembly never shrinks: after images with more pixels it is taken anew. */
const KEPT_PIXELS = 1 << 24;

/**
 * A decoder in WebAssembly, of one image after the other. After an error, which may have left its memory full or damaged,
 * and after large images, it is started anew.
 *
 * @param start starts the decoder, also the first time
 */
export async function serialDecoder(
  start: () => Promise<unknown>,
  decode: (bytes: Uint8Array) => Promise<RgbaPixels>,
): Promise<(bytes: Uint8Array) => Promise<RgbaPixels>> {
  const decodeOne = async (bytes: Uint8Array): Promise<RgbaPixels> => {
    let isClean = false;
    try {
      const pixels = await decode(bytes);
      isClean = pixels.width * pixels.height <= KEPT_PIXELS;
      return pixels;
    } finally {
      if (!isClean) await start();
    }
  };
  await withImageData(start);
  let last: Promise<unknown> = Promise.resolve();
  return (bytes) => {
    const next = last.then(() => withImageData(() => decodeOne(bytes)));
    last = next.then(
      () => {},
      () => {},
    );
    return next;
  };
}

let running = 0;

/** Runs `work` with a global `ImageData`, which the decoders create their result with and only browsers have. */
async function withImageData<T>(work: () => Promise<T>): Promise<T> {
  const scope = globalThis as { ImageData?: unknown };
  if (running === 0 && scope.ImageData !== undefined) return work();
  running++;
  scope.ImageData = ImageDataShim;
  try {
    return await work();
  } finally {
    if (--running === 0) delete scope.ImageData;
  }
}

class ImageDataShim implements RgbaPixels {
  readonly data: Uint8ClampedArray;
  readonly width: number;
  readonly height: number;

  constructor(data: Uint8ClampedArray, width: number, height: number) {
    this.data = data;
    this.width = width;
    this.height = height;
  }
}
