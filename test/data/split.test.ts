import { fc } from '../support/property.ts';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { overlapKeys, placeOnMap, splitBlocks, type Place } from '../../src/data/split-blocks.ts';
import { groupKeys, splitGroups } from '../../src/data/split-groups.ts';
import type { Split } from '../../src/data/split.ts';

const seeds = fc.integer({ min: 0, max: 1000 });
const shares = fc.double({ min: 0.05, max: 0.95, noNaN: true });

/** Asserts that every sample is in one of the lists, in order. */
function assertAll(count: number, ...lists: readonly (readonly number[])[]): void {
  for (const list of lists)
    assert.equal(
      list,
      [...list].sort((a, b) => a - b),
    );
  assert.equal(
    lists.flat().sort((a, b) => a - b),
    Array.from({ length: count }, (_, i) => i),
  );
}

test('groups stay together, neither side is empty, the share is as close as the groups allow', () => {
  const sizes = fc.array(fc.integer({ min: 1, max: 12 }), { minLength: 2, maxLength: 30 });
  fc.assert(
    fc.property(sizes, seeds, shares, (groups, seed, heldOut) => {
      const keys = groups.flatMap((size, i) => new Array<string>(size).fill(`scene ${i}`));
      const split = splitGroups(keys, { seed, heldOut });
      assertAll(keys.length, split.train, split.heldOut);
      assert.ok(split.train.length > 0 && split.heldOut.length > 0);
      const held = new Set(split.heldOut.map((i) => keys[i]));
      assert.not.ok(split.train.some((i) => held.has(keys[i])));
      // No single group more or less on the other side would come closer than the largest group is wide.
      const error = Math.abs(split.heldOut.length - heldOut * keys.length);
      assert.ok(error <= Math.max(...groups), `${error} with groups up to ${Math.max(...groups)}`);
    }),
  );
  const many = Array.from({ length: 5000 }, (_, i) => `scene ${i % 500}`);
  assert.ok(Math.abs(splitGroups(many, { heldOut: 0.2 }).heldOut.length - 1000) <= 5);
});

test('the order of samples does not decide, another seed does', () => {
  const keys = Array.from({ length: 60 }, (_, i) => `scene ${i % 12}`);
  const sideOf = (split: Split, list: readonly string[]): string =>
    [...new Set(split.heldOut.map((i) => list[i]!))].sort((a, b) => (a < b ? -1 : 1)).join();
  const backwards = [...keys].reverse();
  assert.is(sideOf(splitGroups(keys), keys), sideOf(splitGroups(backwards), backwards));
  const seen = new Set(Array.from({ length: 20 }, (_, seed) => sideOf(splitGroups(keys, { seed }), keys)));
  assert.ok(seen.size > 10);
});

test('keys come from ids', () => {
  const ids = ['AOI_2_Vegas_img12', 'AOI_3_Paris_img7'];
  assert.equal(groupKeys(ids, /^(.*)_img\d+$/g), ['AOI_2_Vegas', 'AOI_3_Paris']);
  assert.equal(groupKeys(['a/b.png@0,512', 'a/b.png@512,0'], /^(.*)@/), ['a/b.png', 'a/b.png']);
  assert.equal(groupKeys(ids, /AOI_\d/y), ['AOI_2', 'AOI_3']);
  assert.throws(() => groupKeys(['x'], /^AOI/), /\/\^AOI\/ matches nothing in the id x/);
  assert.throws(() => splitGroups(['a', 'a']), /all 2 samples have the key "a"/);
  assert.throws(() => splitGroups(['a', 'b'], { heldOut: 1 }), /heldOut is 1, expected a number between 0 and 1/);
});

const distanceOf = (a: Place, b: Place): number =>
  Math.max(
    Math.max(a.x, b.x) - Math.min(a.x + a.width, b.x + b.width),
    Math.max(a.y, b.y) - Math.min(a.y + a.height, b.y + b.height),
  );

/** Tiles of one or two images, with an overlap or with gaps. */
const tilings = fc
  .record({
    images: fc.integer({ min: 1, max: 2 }),
    across: fc.integer({ min: 4, max: 9 }),
    size: fc.integer({ min: 5, max: 12 }),
    step: fc.integer({ min: 4, max: 14 }),
  })
  .map(({ images, across, size, step }) =>
    Array.from({ length: images * across * across }, (_, i): Place => {
      const tile = i % (across * across);
      return {
        frame: `image ${Math.floor(i / (across * across))}`,
        x: (tile % across) * step,
        y: Math.floor(tile / across) * step,
        width: size,
        height: size,
      };
    }),
  );

test('blocks: nothing that is trained on shows or comes close to what is held out', () => {
  let made = 0;
  fc.assert(
    fc.property(
      tilings,
      seeds,
      fc.integer({ min: 8, max: 40 }),
      fc.integer({ min: 0, max: 6 }),
      (places, seed, block, margin) => {
        let split;
        try {
          split = splitBlocks(places, { block, margin, seed, heldOut: 0.3 });
        } catch (error) {
          return assert.match((error as Error).message, /samples in \d+ blocks of \d+ is (left for training|held out)/);
        }
        made++;
        assertAll(places.length, split.train, split.heldOut, split.leftOut);
        for (const i of split.train) {
          for (const j of split.heldOut) {
            const [a, b] = [places[i]!, places[j]!];
            if (a.frame === b.frame)
              assert.ok(distanceOf(a, b) >= margin, `${JSON.stringify([a, b])} margin ${margin}`);
          }
        }
      },
    ),
    { numRuns: 300 },
  );
  assert.ok(made > 100, `${made} of 300 could be split`);
});

test('blocks: the share is about the one asked for, and only tiles at borders are lost', () => {
  const places = Array.from({ length: 40 * 40 }, (_, i): Place => ({
    frame: 'a',
    x: (i % 40) * 100,
    y: Math.floor(i / 40) * 100,
    width: 100,
    height: 100,
  }));
  const aligned = splitBlocks(places, { block: 500, heldOut: 0.2 });
  assert.is(aligned.leftOut.length, 0);
  // Whole blocks of 25 tiles, so that at most half a block is missing or too many.
  assert.ok(Math.abs(aligned.heldOut.length - 320) <= 12.5);
  const apart = splitBlocks(places, { block: 500, heldOut: 0.2, margin: 1 });
  assert.ok(apart.leftOut.length > 0 && apart.heldOut.length > 100);
  const crossing = splitBlocks(places, { block: 550, heldOut: 0.2 });
  assert.ok(crossing.heldOut.length > 0.1 * 1600 && crossing.leftOut.length < 0.4 * 1600);
  assert.equal(splitBlocks(places, { block: 550 }), splitBlocks(places, { block: 550 }));
  assert.throws(() => splitBlocks(places, { block: 5000 }), /none of 1600 samples in 1 blocks of 5000 is held out/);
  assert.throws(() => splitBlocks(places, { block: 0 }), /block is 0/);
  assert.throws(() => splitBlocks([{ ...places[0]!, width: 0 }], { block: 9 }), /place 0 is 0 x 100/);
});

test('blocks: a margin that reaches beyond the image costs nothing', () => {
  const places = [0, 10, 20, 30].map((x): Place => ({ frame: 'a', x: x + 2, y: 0, width: 6, height: 10 }));
  for (let seed = 0; seed < 20; seed++) {
    const split = splitBlocks(places, { block: 10, margin: 2, seed, heldOut: 0.5 });
    assert.equal([split.train.length, split.heldOut.length, split.leftOut], [2, 2, []]);
  }
});

test('an image lies on the map where its corners lie', () => {
  const number = fc.double({ min: -9, max: 9, noNaN: true });
  fc.assert(
    fc.property(fc.tuple(number, number, number, number, number, number), (affine) => {
      const [a, b, c, d, e, f] = affine;
      const place = placeOnMap({ width: 7, height: 5, affine, epsg: 32611 })!;
      const corners = [0, 7].flatMap((x) => [0, 5].map((y) => [a * x + b * y + c, d * x + e * y + f] as const));
      const [xs, ys] = [corners.map(([x]) => x), corners.map(([, y]) => y)];
      const expected = [Math.min(...xs), Math.min(...ys), Math.max(...xs), Math.max(...ys)];
      [place.x, place.y, place.x + place.width, place.y + place.height].forEach((value, i) =>
        assert.ok(Math.abs(value - expected[i]!) < 1e-9),
      );
      assert.is(place.frame, 'EPSG:32611');
    }),
  );
  assert.is(placeOnMap({ width: 7, height: 5, affine: null, epsg: 4326 }), null);
  assert.is(placeOnMap({ width: 7, height: 5, affine: [1, 0, 0, 0, -1, 0], epsg: null }), null);
});

test('images that show the same ground share a key, also by way of others', () => {
  const rectangles = fc.array(
    fc.record({
      frame: fc.constantFrom('EPSG:32611', 'EPSG:32612'),
      x: fc.integer({ min: 0, max: 60 }),
      y: fc.integer({ min: 0, max: 60 }),
      width: fc.integer({ min: 1, max: 15 }),
      height: fc.integer({ min: 1, max: 15 }),
    }),
    { maxLength: 20 },
  );
  fc.assert(
    fc.property(rectangles, fc.integer({ min: 0, max: 5 }), (places, distance) => {
      const keys = overlapKeys(places, distance);
      // The same by flooding from each place over its neighbours.
      const near = (i: number, j: number): boolean => {
        const [a, b] = [places[i] as Place, places[j] as Place];
        return a.frame === b.frame && (distance > 0 ? distanceOf(a, b) <= distance : distanceOf(a, b) < 0);
      };
      places.forEach((_, start) => {
        const reached = new Set([start]);
        for (const i of reached) places.forEach((_place, j) => near(i, j) && reached.add(j));
        places.forEach((_place, j) => assert.is(keys[j] === keys[start], reached.has(j), `${start} and ${j}`));
      });
    }),
    { numRuns: 300 },
  );
  assert.throws(() => overlapKeys([], -1), /distance is -1/);
});

test.run();
