import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { inflateFilter } from '../../src/weights/inflate.ts';

const [SIDE, FILTERS] = [2, 3];
/** Small integers: their sums are exact. */
const rgb = {
  shape: [SIDE, SIDE, 3, FILTERS],
  data: Float32Array.from({ length: SIDE * SIDE * 3 * FILTERS }, (_, i) => ((i * 7919) % 23) * 60 - 600),
};

/** The response of each filter at each place to an image whose bands are all 1: the sums over the bands. */
function greyResponse({ shape, data }: { readonly shape: readonly number[]; readonly data: Float32Array }): number[] {
  const channels = shape[2]!;
  const sums = new Array<number>(SIDE * SIDE * FILTERS).fill(0);
  data.forEach((value, i) => (sums[Math.floor(i / (channels * FILTERS)) * FILTERS + (i % FILTERS)]! += value));
  return sums;
}

test('a grey image repeated over any number of bands has the response of grey RGB', () => {
  for (let channels = 1; channels <= 16; channels++) {
    const own = inflateFilter(rgb, channels);
    assert.equal(own.shape, [SIDE, SIDE, channels, FILTERS]);
    assert.equal(greyResponse(own), greyResponse(rgb), `${channels} bands`);
  }
});

test('filters are repeated over the bands, and three stay as they are', () => {
  assert.equal(inflateFilter(rgb, 3), rgb);
  const { data } = inflateFilter(rgb, 4);
  const at = (band: number): number[] => [...data.subarray(band * FILTERS, (band + 1) * FILTERS)];
  const own = (colour: number, uses: number): number[] =>
    [...rgb.data.subarray(colour * FILTERS, (colour + 1) * FILTERS)].map((value) => value / uses);
  assert.equal([at(0), at(1), at(2), at(3)], [own(0, 2), own(1, 1), own(2, 1), own(0, 2)]);
});

test.run();
