import { fc } from '../support/property.ts';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { augment, type AugmentOptions } from '../../src/data/augment.ts';
import { crop, flipX, flipY, rescale, rotate90, translate } from '../../src/data/augment/geometric.ts';
import { copyPaste, mixup, mosaic } from '../../src/data/augment/mix.ts';
import type { Box } from '../../src/imagery/geometry.ts';
import { packedBytes, rgbImage } from '../../src/imagery/image.ts';
import { Random } from '../../src/common/random.ts';
import type { Sample } from '../../src/data/types.ts';
import { boxList, rejects } from './support.ts';

// Every box is painted in the colour of its label on black ground; wherever an image goes, the painted pixels must be
// where the boxes say. Labels are unique, so that a label that strays from its box is found as well.

const colourOf = (label: number): [number, number, number] => [20 + label, 235 - label, (label * 59 + 80) % 256];

/** A sample with one painted box for each label; a strided view into larger arrays, as flips and crops are. */
function paint(height: number, width: number, boxes: readonly Box[], labels: readonly number[]): Sample {
  const image = rgbImage(height + 3, width + 2)
    .lo(1, 2, 0)
    .hi(height, width, 3)
    .step(-1, 1, 1);
  boxes.forEach(([x1, y1, x2, y2], i) => {
    const colour = colourOf(labels[i]!);
    for (let y = y1; y < y2; y++) for (let x = x1; x < x2; x++) colour.forEach((value, c) => image.set(y, x, c, value));
  });
  return {
    id: `sample ${labels[0] ?? 'empty'}`,
    image,
    boxes: Float32Array.from(boxes.flat()),
    labels: Int32Array.from(labels),
  };
}

/** Bounds and number of the pixels that `is` holds for; null where there are none. */
function boundsOf(
  sample: Sample,
  is: (r: number, g: number, b: number) => boolean,
): { box: number[]; count: number } | null {
  const [height, width] = sample.image.shape as [number, number];
  const bytes = packedBytes(sample.image);
  let [x1, y1, x2, y2, count] = [Infinity, Infinity, -Infinity, -Infinity, 0];
  for (let i = 0; i < height * width; i++) {
    if (!is(bytes[i * 3]!, bytes[i * 3 + 1]!, bytes[i * 3 + 2]!)) continue;
    const [x, y] = [i % width, Math.floor(i / width)];
    [x1, y1, x2, y2] = [Math.min(x1, x), Math.min(y1, y), Math.max(x2, x + 1), Math.max(y2, y + 1)];
    count++;
  }
  return count === 0 ? null : { box: [x1, y1, x2, y2], count };
}

const painted = (sample: Sample, label: number): { box: number[]; count: number } | null => {
  const [red, green, blue] = colourOf(label);
  return boundsOf(sample, (r, g, b) => r === red && g === green && b === blue);
};

/** Asserts that boxes and painted pixels are the same, for all labels that may be there. */
function assertExact(sample: Sample, labels: readonly number[], what: string): void {
  const boxes = new Map(boxList(sample).map((box, i) => [sample.labels[i]!, box]));
  assert.is(boxes.size, sample.labels.length, `${what}: labels are unique`);
  for (const label of labels)
    assert.equal(boxes.get(label) ?? null, painted(sample, label)?.box ?? null, `${what}: box ${label}`);
  for (const label of boxes.keys()) assert.ok(labels.includes(label), `${what}: label ${label} is known`);
}

/** One box of whole pixels in each of four cells of an image, with at least a pixel of ground around it. */
const boxesIn = (height: number, width: number): fc.Arbitrary<Box[]> => {
  const [h, w] = [Math.floor(height / 2), Math.floor(width / 2)];
  const side = (size: number): fc.Arbitrary<[number, number]> =>
    fc.tuple(fc.integer({ min: 1, max: size - 3 }), fc.integer({ min: 0, max: 99 })).map(([length, at]) => {
      const start = 1 + (at % (size - 1 - length));
      return [start, start + length];
    });
  const cell = (x: number, y: number): fc.Arbitrary<Box> =>
    fc.tuple(side(w), side(h)).map(([[x1, x2], [y1, y2]]) => [x + x1, y + y1, x + x2, y + y2] as const);
  return fc.tuple(cell(0, 0), cell(w, 0), cell(0, h), cell(w, h)).chain((cells) => fc.subarray(cells));
};

const scenes = (first = 0): fc.Arbitrary<Sample> =>
  fc.tuple(fc.integer({ min: 12, max: 30 }), fc.integer({ min: 12, max: 30 })).chain(([height, width]) =>
    boxesIn(height, width).map((boxes) =>
      paint(
        height,
        width,
        boxes,
        boxes.map((_, i) => first + i),
      ),
    ),
  );

const squares = (side: number, first: number): fc.Arbitrary<Sample> =>
  boxesIn(side, side).map((boxes) =>
    paint(
      side,
      side,
      boxes,
      boxes.map((_, i) => first + i),
    ),
  );

const LABELS = [0, 1, 2, 3];
const everything = { minSide: 0, minVisible: 0 };

test('the painted pixels of a sample are its boxes', () => {
  fc.assert(fc.property(scenes(), (sample) => assertExact(sample, LABELS, 'untouched')));
});

test('flips, turns, crops and translations take boxes exactly where they take pixels', () => {
  const unit = fc.double({ min: 0, max: 1, noNaN: true });
  fc.assert(
    fc.property(scenes(), fc.integer({ min: -5, max: 5 }), fc.tuple(unit, unit, unit, unit), (sample, quarters, at) => {
      const [height, width] = sample.image.shape as [number, number];
      const part = { width: 1 + Math.floor(at[0] * (width - 1)), height: 1 + Math.floor(at[1] * (height - 1)) };
      const place = { x: Math.round(at[2] * (width - part.width)), y: Math.round(at[3] * (height - part.height)) };
      const [dx, dy] = [Math.round((at[0] - 0.5) * 2 * width), Math.round((at[3] - 0.5) * 2 * height)];
      const variants = {
        flips: flipX(flipY(sample)),
        rotate90: rotate90(flipX(sample), quarters),
        crop: crop(sample, { ...place, ...part }, everything),
        translate: translate(sample, dx, dy, { fill: [0, 0, 0], visibility: everything }),
        all: translate(crop(rotate90(flipY(sample), 2), { ...place, ...part }, everything), dx, dy, {
          visibility: everything,
        }),
      };
      for (const [name, variant] of Object.entries(variants)) assertExact(variant, LABELS, name);
      assert.equal(variants.translate.image.shape, [height, width, 3]);
      assert.equal(variants.crop.image.shape, [part.height, part.width, 3]);
    }),
  );
});

test('a box stays exactly if as much of its area as the rule asks for stays in the image', () => {
  const shares = fc.double({ min: 0, max: 1, noNaN: true });
  fc.assert(
    fc.property(
      scenes(),
      fc.integer({ min: -20, max: 20 }),
      fc.integer({ min: -20, max: 20 }),
      shares,
      (sample, dx, dy, minVisible) => {
        const moved = translate(sample, dx, dy, { visibility: { minSide: 1, minVisible } });
        const expected = boxList(sample).flatMap(([x1, y1, x2, y2], i) => {
          const count = painted(moved, i)?.count ?? 0;
          const area = (x2! - x1!) * (y2! - y1!);
          return count > 0 && count / area >= minVisible ? [i] : [];
        });
        assert.equal([...moved.labels], expected);
      },
    ),
  );
});

/** Three boxes, each at full strength in a channel of its own: also after blending half of it is found at the edge. */
function primaries(height: number, width: number, boxes: readonly Box[]): Sample {
  const sample = paint(height, width, [], []);
  boxes.forEach(([x1, y1, x2, y2], c) => {
    for (let y = y1; y < y2; y++) for (let x = x1; x < x2; x++) sample.image.set(y, x, c, 255);
  });
  return { ...sample, boxes: Float32Array.from(boxes.flat()), labels: Int32Array.from(boxes, (_, c) => c) };
}

function assertClose(sample: Sample, what: string): void {
  const [height, width] = sample.image.shape as [number, number];
  boxList(sample).forEach((box, i) => {
    const channel = sample.labels[i]!;
    const [x1, y1, x2, y2] = box as [number, number, number, number];
    assert.ok(x1 >= 0 && y1 >= 0 && x2 <= width && y2 <= height && x2 > x1 && y2 > y1, `${what}: [${box.join(', ')}]`);
    const found = boundsOf(sample, (...pixel) => pixel[channel] !== undefined && (pixel[channel] as number) >= 128);
    // Boxes thinner than a pixel or two can fall between the centres of pixels.
    if (found === null) return assert.ok(x2 - x1 < 2 || y2 - y1 < 2, `${what}: nothing of [${box.join(', ')}]`);
    found.box.forEach((edge, k) =>
      assert.ok(Math.abs(edge - box[k]!) <= 1, `${what}: [${box.join(', ')}], painted [${found.box.join(', ')}]`),
    );
  });
}

test('scaling takes boxes where it takes pixels, within a pixel', () => {
  const unit = fc.double({ min: 0, max: 1, noNaN: true });
  fc.assert(
    fc.property(boxesIn(30, 26), fc.double({ min: 0.4, max: 3, noNaN: true }), unit, unit, (boxes, factor, x, y) => {
      const sample = primaries(30, 26, boxes.slice(0, 3));
      assertClose(rescale(sample, factor, { x, y, fill: [0, 0, 0] }), `factor ${factor}`);
    }),
    { numRuns: 200 },
  );
});

const still: AugmentOptions = {
  flipX: false,
  flipY: false,
  turn: false,
  scale: null,
  brightness: null,
  contrast: null,
  hue: null,
  saturation: null,
  gain: null,
};
const { flipX: _x, flipY: _y, turn: _t, ...flat } = still;
const never = (): never => {
  throw new Error('nothing is to be drawn');
};

test('augment: flips, turns, translation and crop are exact, with scale within a pixel; sizes are as documented', async () => {
  const seeds = fc.integer({ min: 0, max: 1e6 });
  await fc.assert(
    fc.asyncProperty(scenes(), seeds, fc.integer({ min: 1, max: 34 }), async (sample, seed, size) => {
      const [height, width] = sample.image.shape as [number, number];
      const before = packedBytes(sample.image).slice();
      // The fill of a translation must not look like a box: ground is what is no box.
      const moved = await augment(sample, { ...flat, translate: 0.4, visibility: everything }, new Random(seed));
      assertExact(moved, LABELS, 'translate');
      assert.equal(moved.image.shape, [height, width, 3]);
      const cut = await augment(sample, { ...flat, crop: { size }, visibility: everything }, new Random(seed), never);
      assertExact(cut, LABELS, 'crop');
      assert.equal(cut.image.shape, [Math.min(size, height), Math.min(size, width), 3]);
      assert.equal(packedBytes(sample.image), before, 'the sample itself stays');
    }),
  );
  await fc.assert(
    fc.asyncProperty(boxesIn(30, 26), seeds, fc.integer({ min: 8, max: 34 }), async (boxes, seed, size) => {
      const sample = primaries(30, 26, boxes.slice(0, 3));
      for (const extra of [{ translate: 0.3 }, { crop: { size } }, {}]) {
        const out = await augment(sample, { ...flat, scale: [0.5, 2], ...extra }, new Random(seed));
        assertClose(out, JSON.stringify(extra));
      }
    }),
  );
});

test('a crop holds one of the objects as often as it is asked to', async () => {
  const box: Box = [40, 45, 44, 48];
  const sample = paint(64, 64, [box], [0]);
  const held = async (objects: number): Promise<number> => {
    let count = 0;
    for (let seed = 0; seed < 200; seed++) {
      const out = await augment(sample, { ...flat, scale: [0.9, 1.1], crop: { size: 16, objects } }, new Random(seed));
      count += out.labels.length > 0 ? 1 : 0;
    }
    return count / 200;
  };
  assert.is(await held(1), 1);
  // By chance alone a window of 16 in 64 pixels shows some of it in (16 + 4)(16 + 3) / 48^2 = 0.16 of the cases.
  const [none, half] = [await held(0), await held(0.5)];
  assert.ok(none > 0.05 && none < 0.3, `${none}`);
  assert.ok(half > 0.45 && half < 0.75, `${half}`);
});

test('a crop does not cut the object that it is to hold, also between whole pixels', async () => {
  const sample = {
    ...paint(64, 64, [], []),
    boxes: Float32Array.of(40.25, 45.25, 44.5, 48.75),
    labels: Int32Array.of(0),
  };
  const places = new Set<number>();
  for (let seed = 0; seed < 60; seed++) {
    const out = await augment(sample, { ...still, crop: { size: 6, objects: 1 } }, new Random(seed));
    const [x1, y1, x2, y2] = boxList(out)[0] as [number, number, number, number];
    assert.equal([x2 - x1, y2 - y1], [4.25, 3.5]);
    places.add(x1);
  }
  assert.equal(
    [...places].sort((a, b) => a - b),
    [0.25, 1.25],
  );
});

test('mosaic: four parts side by side, boxes and pixels exactly', async () => {
  const four = fc.tuple(squares(24, 0), squares(24, 4), squares(30, 8), squares(12, 12));
  const all = Array.from({ length: 16 }, (_, i) => i);
  let mixed = 0;
  await fc.assert(
    fc.asyncProperty(four, fc.integer({ min: 0, max: 1e6 }), async ([first, ...others], seed) => {
      const rest = [...others];
      const draw = (): Promise<Sample> => Promise.resolve(rest.shift()!);
      const out = await augment(first, { ...flat, mosaic: 1, visibility: everything }, new Random(seed), draw);
      assert.equal(out.image.shape, [24, 24, 3]);
      assert.is(out.id, first.id);
      assert.is(rest.length, 0);
      assertExact(out, all, 'mosaic');
      if (new Set([...out.labels].map((label) => label >> 2)).size >= 3) mixed++;
    }),
  );
  assert.ok(mixed > 20, `objects of three samples or more in ${mixed} of 100`);
  const [a, b] = [paint(8, 10, [], []), paint(8, 6, [], [])];
  assert.equal(mosaic([a, b, a, b]).image.shape, [16, 16, 3]);
  assert.throws(() => mosaic([a, b, b, a]), /10 x 8, 6 x 8, 6 x 8, 10 x 8 pixels, expected equal/);
});

test('copy-paste: pasted boxes are painted exactly, others keep what they must', () => {
  const setting = fc.record({ most: fc.integer({ min: 1, max: 4 }), feather: fc.integer({ min: 0, max: 3 }) });
  let pasted = 0;
  fc.assert(
    fc.property(
      squares(40, 0),
      squares(30, 4),
      fc.integer({ min: 0, max: 1e6 }),
      setting,
      (sample, source, seed, options) => {
        const before = [sample, source].map(({ image }) => packedBytes(image).slice());
        const out = copyPaste(sample, source, new Random(seed), { ...options, maxCovered: 0, visibility: everything });
        // Fading never reaches a box here, so that everything stays exact.
        assertExact(out, [0, 1, 2, 3, 4, 5, 6, 7], `feather ${options.feather}`);
        assert.equal([...out.labels].slice(0, sample.labels.length), [...sample.labels], 'nothing was covered');
        assert.ok(out.labels.length - sample.labels.length <= options.most);
        pasted += out.labels.length - sample.labels.length;
        assert.equal(
          [sample, source].map(({ image }) => packedBytes(image)),
          before,
          'the samples themselves stay',
        );
        if (out.labels.length === sample.labels.length) assert.is(out, sample);
      },
    ),
  );
  assert.ok(pasted > 50, `${pasted}`);
  fc.assert(
    fc.property(
      squares(30, 0),
      squares(30, 4),
      fc.integer({ min: 0, max: 1e6 }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      (sample, source, seed, maxCovered) => {
        const out = copyPaste(sample, source, new Random(seed), { most: 4, feather: 0, maxCovered });
        boxList(out).forEach(([x1, y1, x2, y2], i) => {
          const area = (x2! - x1!) * (y2! - y1!);
          const seen = painted(out, out.labels[i]!)?.count ?? 0;
          assert.ok(1 - seen / area <= maxCovered + 1e-9, `${seen} of ${area} seen, maxCovered ${maxCovered}`);
        });
      },
    ),
  );
});

test('copy-paste: several objects together cover no more of another than one may', () => {
  // Each covers a sixteenth.
  const sample = paint(30, 30, [[5, 5, 25, 25]], [0]);
  const source = paint(
    30,
    30,
    [
      [1, 1, 6, 6],
      [8, 1, 13, 6],
      [1, 8, 6, 13],
      [8, 8, 13, 13],
    ],
    [4, 5, 6, 7],
  );
  let most = 0;
  for (let seed = 0; seed < 300; seed++) {
    const out = copyPaste(sample, source, new Random(seed), { most: 4, feather: 0, maxCovered: 0.1 });
    const covered = 400 - (painted(out, 0)?.count ?? 0);
    assert.ok(covered <= 40, `${covered} pixels`);
    most = Math.max(most, covered);
  }
  assert.ok(most >= 25, `${most}`);
});

test('copy-paste does not write into bytes of a Buffer, whose `slice` copies nothing; it draws until there is an object', async () => {
  const [sample, source] = [paint(30, 30, [], []), paint(30, 30, [[4, 4, 12, 12]], [4])];
  const bytes = Buffer.from(packedBytes(sample.image));
  const buffered = { ...sample, image: rgbImage(30, 30, bytes) };
  let draws = 0;
  const draw = (): Promise<Sample> => Promise.resolve(++draws % 3 === 0 ? source : sample);
  const out = await augment(buffered, { ...still, copyPaste: 1 }, new Random(2), draw);
  assert.equal([...out.labels], [4]);
  assert.is(draws, 3);
  assert.ok(bytes.every((byte) => byte === 0));
  const none = await augment(buffered, { ...still, copyPaste: 1 }, new Random(2), () => Promise.resolve(sample));
  assert.is(none, buffered);
});

test('copy-paste takes neighbours within the box along, and leaves out objects that the edge cuts', () => {
  // The second box reaches into the first; the third touches the edge.
  const source = paint(
    20,
    20,
    [
      [4, 4, 12, 12],
      [10, 6, 16, 9],
      [14, 14, 20, 18],
    ],
    [4, 5, 6],
  );
  const empty = paint(40, 40, [], []);
  const labels = new Set<string>();
  for (let seed = 0; seed < 60; seed++) {
    const out = copyPaste(empty, source, new Random(seed), { most: 1, visibility: { minSide: 1, minVisible: 0.3 } });
    labels.add([...out.labels].join());
    if ([...out.labels].join() === '4,5') {
      const [[x, y], neighbour] = boxList(out) as [[number, number, number, number], number[]];
      assert.equal(neighbour, [x + 6, y + 2, x + 8, y + 5]);
    }
  }
  // Of the second a third lies in the first, of the first less than a tenth in the second.
  assert.equal([...labels].sort(), ['4,5', '5']);
});

test('mixup blends pixels and keeps the boxes of both', async () => {
  await fc.assert(
    fc.asyncProperty(
      squares(20, 0),
      squares(20, 4),
      fc.double({ min: 0, max: 1, noNaN: true }),
      async (a, b, share) => {
        const out = mixup(a, b, share);
        assert.equal([...out.labels], [...a.labels, ...b.labels]);
        assert.equal(boxList(out), [...boxList(a), ...boxList(b)]);
        const [x, y, z] = [a, b, out].map(({ image }) => packedBytes(image)) as [Uint8Array, Uint8Array, Uint8Array];
        for (let i = 0; i < z.length; i++) {
          const exact = share * x[i]! + (1 - share) * y[i]!;
          assert.ok(Math.abs(z[i]! - exact) <= 0.5 + 1e-9);
        }
        const blended = await augment(a, { ...still, mixup: 1 }, new Random(5), () => Promise.resolve(b));
        assert.is(blended.labels.length, a.labels.length + b.labels.length);
      },
    ),
  );
  assert.throws(() => mixup(paint(4, 4, [], []), paint(4, 5, [], []), 0.5), /4 x 4 and 5 x 4 pixels/);
});

test('settings that change nothing give the sample itself; the same seed gives the same, also of a view', async () => {
  const [sample, other] = [paint(24, 24, [[2, 3, 9, 8]], [0]), paint(24, 24, [[5, 5, 20, 20]], [1])];
  const draw = (): Promise<Sample> => Promise.resolve(other);
  const packed = { ...sample, image: rgbImage(24, 24, Uint8Array.from(packedBytes(sample.image))) };
  assert.is(await augment(sample, still, new Random(1)), sample);
  assert.is(
    await augment(sample, { ...still, scale: [1, 1], hue: [0, 0], saturation: [1, 1], gain: [1, 1] }, new Random(1)),
    sample,
  );
  const all = { mosaic: 0.5, copyPaste: 0.5, mixup: 0.5, blur: 0.5, noise: 0.5, grey: 0.2, translate: 0.1 };
  for (let seed = 0; seed < 30; seed++) {
    const [once, again] = [
      await augment(sample, all, new Random(seed), draw),
      await augment(packed, all, new Random(seed), draw),
    ];
    assert.equal(packedBytes(once.image), packedBytes(again.image));
    assert.equal([once.boxes, once.labels], [again.boxes, again.labels]);
  }
});

test('switching one change off leaves the others as they were', async () => {
  const sample = paint(24, 24, [[2, 3, 9, 8]], [0]);
  for (let seed = 0; seed < 20; seed++) {
    const both = await augment(sample, { ...flat, noise: 1, translate: 0.2 }, new Random(seed));
    const without = await augment(sample, { ...flat, translate: 0.2 }, new Random(seed));
    assert.equal(both.boxes, without.boxes);
  }
});

test('options that make no sense', async () => {
  const sample = paint(8, 8, [], []);
  const wrong: [AugmentOptions, RegExp][] = [
    [{ mosaic: 0.1 }, /mosaic is 0.1 without `draw`/],
    [{ mixup: 2 }, /mixup is 2, expected a number from 0 to 1/],
    [{ copyPaste: { probability: 1, most: 0 } }, /most is 0/],
    [{ copyPaste: { probability: 1, feather: 0.5 } }, /feather is 0.5/],
    [
      { blur: { probability: 1, sigma: [-1, 2] } },
      /blur.sigma is \[-1, 2\], expected \[low, high\] with low <= high, each a number from 0 to 20/,
    ],
    [{ noise: { probability: NaN } }, /noise.probability is NaN/],
    [{ hue: [-1, 0] }, /hue is \[-1, 0\]/],
    [{ crop: { size: 0 } }, /crop.size is 0/],
    [{ crop: { size: 4 }, translate: 0.1 }, /crop and translate are both on/],
    [{ flip: true } as never, /no option flip, only flipX/],
    [{ turn: 'no' } as never, /turn is no, expected true or false/],
    [{ gain: 2 } as never, /gain is 2, expected \[low, high\]/],
  ];
  for (const [options, pattern] of wrong) await rejects(augment(sample, options, new Random(0)), pattern);
  assert.throws(() => translate(sample, 0.5, 0), /dx is 0.5/);
  assert.throws(() => crop(sample, { x: 5, y: 0, width: 4, height: 4 }), /4 x 4 pixels from \(5, 0\)/);
});

test.run();
