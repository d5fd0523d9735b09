// The first training step of the small RetinaNet in a page, without and with `warmup`. The times are reported, not asserted.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { FirstStep } from '../../bench/first-step-program.ts';
import { bundle, hasChromium, runInChromium } from './chromium.ts';

const NAME = 'a warm-up in a page compiles the kernels of the first step, which computes the same';
if (hasChromium()) {
  test(NAME, async () => {
    const script = await bundle(new URL('./warmup-page.ts', import.meta.url));
    const start = async (query: string): Promise<FirstStep> => {
      const outcome = await runInChromium<FirstStep & { readonly error?: string }>(script, query);
      if (outcome.error !== undefined) throw new Error(outcome.error);
      return outcome;
    };
    const [cold, warm] = [await start(''), await start('?warm')];
    for (const [name, { warmup, first, second, kernels, gap }] of Object.entries({ cold, warm })) {
      const [w, f, s, g] = [warmup, first, second, gap].map(Math.round);
      console.log(`# ${name}: ${kernels} kernels in ${w} ms, then steps of ${f} and ${s} ms; longest frame ${g} ms`);
    }
    assert.is(cold.kernels, 0);
    assert.ok(warm.kernels > 40, `${warm.kernels} kernels`);
    assert.is(warm.loss, cold.loss);
  });
} else test.skip(NAME);

test.run();
