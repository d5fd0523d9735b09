import { fc } from '../support/property.ts';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { startingRate } from '../../src/train/starting-rate.ts';

const adam = { optimizer: 'adamw', width: 64, images: 4, isPretrained: false } as const;
const sgd = { ...adam, optimizer: 'sgd' } as const;

test('it reproduces the recipes that it interpolates', () => {
  assert.is(startingRate(adam), 5e-4);
  assert.is(startingRate({ ...adam, width: 16 }), 3e-3);
  assert.is(startingRate({ ...adam, images: 16 }), 1e-3);
  assert.is(startingRate({ ...adam, images: 16, isPretrained: true }), 1e-4);
  assert.is(startingRate({ ...sgd, images: 16 }), 0.01);
  assert.is(startingRate({ ...sgd, images: 16, isPretrained: true }), 0.002);
});

test('it grows with the images and falls with the width', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 64 }),
      fc.integer({ min: 8, max: 128 }),
      fc.boolean(),
      (images, width, isPretrained) => {
        const input = { ...adam, images, width, isPretrained };
        assert.ok(startingRate({ ...input, images: 2 * images }) > startingRate(input));
        assert.ok(startingRate({ ...input, width: 2 * width }) <= startingRate(input));
        const doubled = startingRate({ ...sgd, images: 2 * images }) / startingRate({ ...sgd, images });
        assert.ok(Math.abs(doubled - 2) < 0.11, 'two digits of twice the rate');
      },
    ),
  );
});

test('a width or number of images that is not > 0 is rejected', () => {
  assert.throws(() => startingRate({ ...adam, images: 0 }), /images is 0, expected a number > 0/);
  assert.throws(() => startingRate({ ...adam, width: NaN }), /width is NaN, expected a number > 0/);
});

test.run();
