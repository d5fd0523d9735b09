// Trains with the built package in Chromium.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { assertLearned } from '../package/learned.ts';
import { bundle, hasChromium, runInChromium } from './chromium.ts';

const NAME = 'the built package trains in Chromium';
if (hasChromium()) {
  test(NAME, async () => {
    const script = await bundle(new URL('./page.ts', import.meta.url));
    console.log(`# bundle of the browser check: ${(script.length / 1024).toFixed(0)} KiB, not minified`);
    const outcome = await runInChromium<NonNullable<typeof globalThis.outcome>>(script);
    if ('error' in outcome) throw new Error(outcome.error);
    assertLearned(outcome.fit);
    assert.is(outcome.fit.kind, 'software');
    const { steps, losses, images, isSame } = outcome.task;
    console.log(
      `# a detector trained without files: loss ${losses[0]!.toFixed(3)} -> ${losses.at(-1)!.toFixed(3)} in ${steps} steps`,
    );
    assert.is(losses.length, steps);
    assert.ok(losses.at(-1)! < losses[0]!, `the loss went from ${losses[0]} to ${losses.at(-1)}`);
    assert.ok(images > 0);
    assert.ok(isSame, 'a detector from the bytes of another detects the same');
  });
} else test.skip(NAME);

test.run();
