import { fc } from '../support/property.ts';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { recolour } from '../../src/data/augment/colour.ts';
import { blur, boxKernel, gaussianKernel, noise } from '../../src/data/augment/filter.ts';
import { packedBytes, rgbImage } from '../../src/imagery/image.ts';
import { Random } from '../../src/common/random.ts';
import type { Sample } from '../../src/data/types.ts';
import { markedSample } from './support.ts';

const pixels = (...values: number[]): Sample => ({
  ...markedSample(1, 1, []),
  image: rgbImage(1, values.length / 3, Uint8Array.from(values)),
});
const valuesOf = (sample: Sample): number[] => [...packedBytes(sample.image)];
const luma = ([r, g, b]: number[]): number => 0.299 * r! + 0.587 * g! + 0.114 * b!;
const byte = fc.integer({ min: 0, max: 255 });

test('hue keeps luma and greys, goes from red to yellow, and comes around', () => {
  fc.assert(
    fc.property(fc.tuple(byte, byte, byte), byte, fc.double({ min: -1, max: 1, noNaN: true }), (colour, grey, hue) => {
      assert.equal(valuesOf(recolour(pixels(grey, grey, grey), { hue, saturation: 1.7 })), [grey, grey, grey]);
      // Weak colours, so that nothing is clamped at 0 or 255.
      const weak = colour.map((value) => 110 + Math.round(value / 16));
      const turned = valuesOf(recolour(pixels(...weak), { hue }));
      assert.ok(Math.abs(luma(turned) - luma(weak)) <= 0.51, `${turned.join()}`);
      const back = valuesOf(recolour(pixels(...turned), { hue: -hue }));
      back.forEach((value, c) => assert.ok(Math.abs(value - weak[c]!) <= 2, `${back.join()} ${weak.join()}`));
      assert.equal(valuesOf(recolour(pixels(...weak), { hue: 1 })), weak);
    }),
  );
  const [r, g, b] = valuesOf(recolour(pixels(180, 60, 60), { hue: 1 / 12 })) as [number, number, number];
  assert.ok(r > b && g > b, `${r}, ${g}, ${b}`);
});

test('saturation scales the distance from luma, gains the channels', () => {
  fc.assert(
    fc.property(fc.tuple(byte, byte, byte), fc.double({ min: 0, max: 3, noNaN: true }), (colour, factor) => {
      const expected = colour.map((value) => luma(colour) + factor * (value - luma(colour)));
      valuesOf(recolour(pixels(...colour), { saturation: factor })).forEach((value, c) => {
        assert.ok(Math.abs(value - Math.min(255, Math.max(0, expected[c]!))) <= 0.5 + 1e-6);
      });
    }),
  );
  const [r, g, b] = valuesOf(recolour(pixels(10, 200, 90), { saturation: 0 }));
  assert.ok(r === g && g === b);
  assert.equal(valuesOf(recolour(pixels(100, 100, 100), { gain: [0.5, 1.2, 3] })), [50, 120, 255]);
  const same = pixels(1, 2, 3);
  assert.is(recolour(same, {}), same);
  assert.throws(() => recolour(same, { saturation: -1 }), /saturation is -1/);
  assert.throws(() => recolour(same, { hue: NaN }), /hue is NaN/);
});

/** The sum over all neighbours as it is defined, in float64, the edge repeated. */
function blurred(sample: Sample, kernel: readonly number[]): number[] {
  const [height, width] = sample.image.shape as [number, number];
  const radius = (kernel.length - 1) / 2;
  const inside = (at: number, size: number): number => Math.min(Math.max(at, 0), size - 1);
  return Array.from({ length: height * width * 3 }, (_, i) => {
    const [y, x, c] = [Math.floor(i / (width * 3)), Math.floor(i / 3) % width, i % 3];
    let sum = 0;
    kernel.forEach((v, dy) =>
      kernel.forEach((w, dx) => {
        sum += v * w * sample.image.get(inside(y + dy - radius, height), inside(x + dx - radius, width), c);
      }),
    );
    return sum;
  });
}

test('blur is the weighted mean of the neighbours', () => {
  const sample = markedSample(9, 13, [[2, 3, 5, 6]]);
  for (const kernel of [boxKernel(3), boxKernel(5), gaussianKernel(0.7), gaussianKernel(3)]) {
    assert.ok(Math.abs(kernel.reduce((a, b) => a + b) - 1) < 1e-12);
    const out = blur(sample, kernel);
    const expected = blurred(sample, kernel);
    valuesOf(out).forEach((value, i) => assert.ok(Math.abs(value - expected[i]!) <= 0.5 + 1e-3));
    assert.equal([out.boxes, out.labels], [sample.boxes, sample.labels]);
    const turned = { ...sample, image: sample.image.transpose(1, 0, 2) };
    assert.equal(valuesOf({ ...out, image: out.image.transpose(1, 0, 2) }), valuesOf(blur(turned, kernel)));
  }
  // A kernel that is wider than the image.
  const [tiny, wide] = [markedSample(2, 3, []), gaussianKernel(2)];
  const expected = blurred(tiny, wide);
  valuesOf(blur(tiny, wide)).forEach((value, i) => assert.ok(Math.abs(value - expected[i]!) <= 0.5 + 1e-3));
  const weights = gaussianKernel(1.5);
  assert.is(weights.length, 11);
  // exp(-1 / (2 * 1.5^2)) from the middle to its neighbour.
  assert.ok(Math.abs(weights[6]! / weights[5]! - 0.800737403) < 1e-8);
  assert.is(blur(sample, gaussianKernel(0)), sample);
  assert.throws(() => blur(sample, [0.5, 0.5]), /odd number of finite weights/);
  assert.throws(() => boxKernel(4), /side is 4/);
  assert.throws(() => gaussianKernel(21), /sigma is 21/);
});

test('noise has the deviation asked for and is normal', () => {
  const grey = { ...markedSample(1, 1, []), image: rgbImage(100, 100, new Uint8Array(30_000).fill(128)) };
  const out = valuesOf(noise(grey, 12, new Random(3))).map((value) => value - 128);
  const mean = out.reduce((a, b) => a + b, 0) / out.length;
  const deviation = Math.sqrt(out.reduce((sum, value) => sum + (value - mean) ** 2, 0) / out.length);
  // Standard errors: 12 / sqrt(30000) = 0.07 and 12 / sqrt(60000) = 0.05.
  assert.ok(Math.abs(mean) < 0.3, `${mean}`);
  assert.ok(Math.abs(deviation - 12) < 0.25, `${deviation}`);
  const within = (limit: number): number => out.filter((value) => Math.abs(value) < limit).length / out.length;
  assert.ok(Math.abs(within(12.5) - 0.7024) < 0.015 && Math.abs(within(24.5) - 0.9588) < 0.01, 'shares of one and two');
  // Neighbouring channels and pixels have nothing to do with each other.
  for (const lag of [1, 2, 3, 300]) {
    const product = out.slice(lag).reduce((sum, value, i) => sum + value * out[i]!, 0) / (out.length - lag);
    assert.ok(Math.abs(product / 144) < 0.03, `lag ${lag}: ${product / 144}`);
  }
  assert.is(noise(grey, 0, new Random(3)), grey);
  assert.throws(() => noise(grey, -1, new Random(3)), /deviation is -1/);
});

test.run();
