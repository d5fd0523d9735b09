import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Random } from '../../src/common/random.ts';
import { rgbImage } from '../../src/imagery/image.ts';
import type { Raster, RasterPixels } from '../../src/imagery/raster.ts';
import { resampleRaster } from '../../src/imagery/resample.ts';
import type { PixelWindow } from '../../src/imagery/types.ts';
import { rejects } from '../support/errors.ts';

type Readable = Pick<Raster, 'width' | 'height' | 'read'>;

/** A raster of random levels; with `holes`, a part of the pixels has no data. */
function noise(width: number, height: number, holes = 0, windows: PixelWindow[] = []): Readable {
  const random = new Random('noise', width, height);
  const levels = Uint8Array.from({ length: width * height * 3 }, () => random.uniform(0, 256));
  const data = Uint8Array.from({ length: width * height }, () => Number(random.uniform(0, 1) >= holes));
  return {
    width,
    height,
    async read(window) {
      windows.push(window);
      const image = rgbImage(window.height, window.width);
      const valid = new Uint8Array(window.width * window.height);
      for (let y = 0; y < window.height; y++)
        for (let x = 0; x < window.width; x++) {
          const pixel = (window.y + y) * width + window.x + x;
          valid[y * window.width + x] = data[pixel]!;
          for (let c = 0; c < 3; c++) image.set(y, x, c, data[pixel] === 0 ? 0 : levels[3 * pixel + c]!);
        }
      return { image, valid: valid.includes(0) ? valid : null };
    },
  };
}

const whole = ({ width, height }: Readable): PixelWindow => ({ x: 0, y: 0, width, height });

/** Weight of pixel `i` of the original in pixel `at`, from the definition. */
function weightOf(i: number, at: number, length: number, scale: number): number {
  if (scale > 1) return Math.max(0, Math.min(i + 1, (at + 1) * scale) - Math.max(i, at * scale)) / scale;
  const centre = Math.min(length - 0.5, Math.max(0.5, (at + 0.5) * scale));
  return Math.max(0, 1 - Math.abs(i + 0.5 - centre));
}

/** All pixels of a resampled raster, as a sum over all pixels of the original. */
async function reference(
  raster: Readable,
  width: number,
  height: number,
): Promise<{ levels: number[]; data: number[] }> {
  const { image, valid } = await raster.read(whole(raster));
  const [levels, data]: [number[], number[]] = [[], []];
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const sums = [0, 0, 0];
      let total = 0;
      for (let j = 0; j < raster.height; j++)
        for (let i = 0; i < raster.width; i++) {
          if (valid?.[j * raster.width + i] === 0) continue;
          const weight =
            weightOf(j, y, raster.height, raster.height / height) * weightOf(i, x, raster.width, raster.width / width);
          total += weight;
          for (let c = 0; c < 3; c++) sums[c] = sums[c]! + weight * image.get(j, i, c);
        }
      data.push(total);
      levels.push(...sums.map((sum) => (total < 0.5 ? 0 : sum / total)));
    }
  return { levels, data };
}

/** Asserts that pixels are the rounded levels; a level in the middle of two may be rounded either way. */
function agrees({ image, valid }: RasterPixels, { levels, data }: { levels: number[]; data: number[] }): void {
  for (const [i, level] of levels.entries()) {
    const isUndecided = Math.abs(data[Math.floor(i / 3)]! - 0.5) < 1e-6;
    if (!isUndecided) assert.ok(Math.abs(image.data[i]! - level) < 0.5 + 1e-9, `${i}: ${image.data[i]}, ${level}`);
  }
  for (const [i, weight] of data.entries())
    if (Math.abs(weight - 0.5) > 1e-6) assert.is(valid === null ? 1 : valid[i], Number(weight > 0.5), `pixel ${i}`);
}

test('reduced by area means and enlarged by bilinear interpolation, with and without data, as the float64 reference', async () => {
  for (const holes of [0, 0.3, 0.7]) {
    for (const [factor, width, height] of [
      [2, 9, 7],
      [1.7, 11, 8],
      [3.3, 6, 4],
      [40, 1, 1],
      [0.5, 38, 26],
      [0.37, 51, 35],
      [1, 19, 13],
    ] as const) {
      const raster = noise(factor === 2 ? 18 : 19, factor === 2 ? 14 : 13, holes);
      const resampled = resampleRaster(raster, factor);
      assert.equal([resampled.width, resampled.height], [width, height], `${factor}`);
      assert.equal(resampled.scale, [raster.width / width, raster.height / height]);
      agrees(await resampled.read(whole(resampled)), await reference(raster, width, height));
    }
  }
});

test('windows have the pixels of the whole, and read only what they need', async () => {
  for (const factor of [2.3, 0.4]) {
    const windows: PixelWindow[] = [];
    const resampled = resampleRaster(noise(90, 70, 0.2, windows), factor);
    const all = await resampled.read(whole(resampled));
    for (const window of [
      { x: 0, y: 0, width: 5, height: 9 },
      { x: 7, y: 3, width: 13, height: 11 },
      { x: resampled.width - 1, y: resampled.height - 6, width: 1, height: 6 },
    ]) {
      const { image, valid } = await resampled.read(window);
      for (let y = 0; y < window.height; y++)
        for (let x = 0; x < window.width; x++) {
          const [row, column] = [window.y + y, window.x + x];
          const name = `${factor}: ${column}, ${row}`;
          for (let c = 0; c < 3; c++) assert.is(image.get(y, x, c), all.image.get(row, column, c), name);
          assert.is(valid?.[y * window.width + x] ?? 1, all.valid![row * resampled.width + column], name);
        }
      const { width, height } = windows.at(-1)!;
      assert.ok(width <= window.width * factor + 2 && height <= window.height * factor + 2, 'no more than needed');
    }
    await rejects(
      resampled.read({ x: 0, y: 0, width: resampled.width + 1, height: 1 }),
      /window of .* within the image/,
    );
  }
});

test('a large area is read in strips, which leave no seams', async () => {
  const windows: PixelWindow[] = [];
  const flat: Readable = {
    width: 40_000,
    height: 61,
    async read({ width, height, ...at }) {
      windows.push({ width, height, ...at });
      const image = rgbImage(height, width);
      for (let i = 0; i < image.data.length; i++) image.data[i] = (at.y + Math.floor(i / width / 3)) * 4;
      return { image, valid: null };
    },
  };
  const resampled = resampleRaster(flat, 20);
  const { image, valid } = await resampled.read(whole(resampled));
  assert.ok(windows.length > 1 && windows.every(({ width, height }) => width * height <= 1 << 20));
  assert.is(valid, null);
  const scale = 61 / 3;
  const expected = [0, 1, 2].map((row) => {
    let sum = 0;
    for (let y = 0; y < 61; y++) sum += weightOf(y, row, 61, scale) * y * 4;
    return Math.round(sum);
  });
  assert.equal(
    [0, 1, 2].map((row) => image.get(row, 1234, 1)),
    expected,
  );
});

test('a factor that is no positive number is refused', () => {
  for (const factor of [0, -1, NaN, Infinity])
    assert.throws(() => resampleRaster(noise(3, 3), factor), /resampleRaster: factor is .*, expected a number > 0/);
});

test.run();
