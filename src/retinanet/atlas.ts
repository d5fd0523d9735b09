import { gatherDistinct } from '../autograd/ops/gather.ts';
import { assemble, reshape, slice } from '../autograd/ops/shape.ts';
import { tensor } from '../tensor/create.ts';
import type { Device } from '../tensor/device.ts';
import { keep } from '../tensor/scope.ts';
import type { Tensor } from '../tensor/tensor.ts';
import type { Size } from './anchors.ts';

// The levels of a pyramid as one image, so that a convolution with the same filter on every level is one convolution.
// (Texture atlases of computer graphics do the same.) The levels are arranged in a spiral, each half the size of the one
// before, with a column or row of zeros between neighbours:
//
//     0 0 0 0 0 0 0 0 . 1 1 1 1      As many zeros surround each level as the padding of a 3x3 filter needs, so that
//     0 0 0 0 0 0 0 0 . 1 1 1 1      no output depends on two levels, and every level gets what it would get alone.
//     0 0 0 0 0 0 0 0 . 1 1 1 1      A bias makes the gaps nonzero: they are cleared after each convolution.
//     0 0 0 0 0 0 0 0 . 1 1 1 1
//     0 0 0 0 0 0 0 0 . . . . .
//     0 0 0 0 0 0 0 0 . 2 2 . 3
//     0 0 0 0 0 0 0 0 . 2 2 . .

/** Where a level lies in the atlas, in pixels. */
interface Place {
  readonly top: number;
  readonly left: number;
  readonly size: Size;
}

/** Places for levels of the given sizes, each to the right of or below the one before. */
export function placesOf(sizes: readonly Size[]): Place[] {
  const places: Place[] = [];
  for (const [i, size] of sizes.entries()) {
    const before = places[i - 1];
    if (before === undefined) places.push({ top: 0, left: 0, size });
    else if (i % 2 === 1) places.push({ top: before.top, left: before.left + before.size[1] + 1, size });
    else places.push({ top: before.top + before.size[0] + 1, left: before.left, size });
  }
  return places;
}

export class Atlas {
  readonly height: number;
  readonly width: number;
  readonly #places: readonly Place[];
  /** The pixels of the levels, finest first, rows, columns: int32 [cells], row * width + column. */
  readonly #cells: Tensor;
  /** The other pixels, int32 [M]. */
  readonly gaps: Tensor;

  /** @param sizes of the levels, finest first */
  constructor(device: Device, sizes: readonly Size[]) {
    const places = placesOf(sizes);
    this.#places = places;
    this.height = Math.max(...places.map(({ top, size }) => top + size[0]));
    this.width = Math.max(...places.map(({ left, size }) => left + size[1]));
    const cells = places.flatMap(({ top, left, size: [h, w] }) =>
      Array.from({ length: h * w }, (_, i) => (top + Math.floor(i / w)) * this.width + left + (i % w)),
    );
    const used = new Set(cells);
    const gaps = [...Array(this.height * this.width).keys()].filter((pixel) => !used.has(pixel));
    this.#cells = keep(tensor(Int32Array.from(cells), { device }));
    this.gaps = keep(tensor(Int32Array.from(gaps), { device }));
  }

  /** The image [N, height, width, C] of levels [N, H, W, C]. */
  assemble(levels: readonly Tensor[]): Tensor {
    const [n, , , c] = levels[0]!.shape as [number, number, number, number];
    const starts = this.#places.map(({ top, left }) => [0, top, left, 0]);
    return assemble('assemble levels', levels, starts, [n, this.height, this.width, c]);
  }

  /** The levels of an image. */
  levels(image: Tensor): Tensor[] {
    return this.#places.map(({ top, left, size }) => slice(image, [0, top, left, 0], [-1, ...size, -1]));
  }

  /** The pixels of the levels [N, cells, C], finest level first, rows, columns. */
  cells(image: Tensor): Tensor {
    const [n, h, w, c] = image.shape as [number, number, number, number];
    return gatherDistinct('cells of levels', reshape(image, [n, h * w, c]), this.#cells, 1);
  }

  dispose(): void {
    this.#cells.dispose();
    this.gaps.dispose();
  }
}
