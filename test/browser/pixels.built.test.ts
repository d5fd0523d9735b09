// Pixels from and to what only a browser holds, without a copy through the host.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { bundle, hasChromium, runInChromium } from './chromium.ts';

/** What pixels-page.mjs sets, by the kind of source: the shape and the values that were found. */
interface Outcome {
  readonly error?: string;
  readonly expected: readonly number[];
  readonly sources: Readonly<Record<string, { readonly shape: readonly number[]; readonly values: readonly number[] }>>;
  /** What was drawn on a texture. */
  readonly drawn: readonly number[];
  readonly refused: string;
}

const NAME = 'images of the browser become tensors, and tensors are drawn';
if (hasChromium()) {
  test(NAME, async () => {
    const { error, expected, sources, drawn, refused } = await runInChromium<Outcome>(
      await bundle(new URL('./pixels-page.mjs', import.meta.url)),
    );
    if (error !== undefined) throw new Error(error);
    const kinds = ['ImageData', 'ImageBitmap', 'canvas', 'OffscreenCanvas', 'image', 'VideoFrame', 'video'];
    assert.equal(Object.keys(sources), kinds);
    for (const [kind, { shape, values }] of Object.entries(sources)) {
      assert.equal(shape, [4, 6, 3], kind);
      // A video is compressed; everything else is exact.
      const tolerance = kind === 'video' ? 24 : 0;
      values.forEach((value, i) => {
        assert.ok(
          Math.abs(value - expected[i]!) <= tolerance,
          `${kind}, value ${i}: ${value}, expected ${expected[i]}`,
        );
      });
    }
    assert.equal(drawn, expected);
    assert.match(refused, /^toPixels: the canvas already has a context of another kind/);
  });
} else test.skip(NAME);

test.run();
