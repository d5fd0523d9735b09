import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';

/** What the WebAssembly codecs decode to and encode from. */
export interface RgbaPixels {
  readonly width: number;
  readonly height: number;
  /** Red, green, blue and alpha of each pixel, row by row. */
  readonly data: Uint8Array | Uint8ClampedArray;
}

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

let running = 0;

/** Runs `work` with a global `ImageData`, which the decoders create their result with and only browsers have. */
export async function withImageData<T>(work: () => Promise<T>): Promise<T> {
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
