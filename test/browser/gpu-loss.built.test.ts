// A training in a page whose GPU process is killed in the middle goes on, and ends as one that was not disturbed.
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { bundle, hasChromium, runInChromium } from './chromium.ts';
import type { LossOutcome } from './gpu-loss-page.ts';

/** Kills the GPU process of a browser: the one among its descendants, so that no other browser is disturbed. */
function killGpuProcess(browser: number): void {
  const processes = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      try {
        const stat = readFileSync(`/proc/${name}/stat`, 'utf8');
        const parent = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
        return [{ pid: Number(name), parent, command: readFileSync(`/proc/${name}/cmdline`, 'utf8') }];
      } catch {
        return []; // It has ended meanwhile.
      }
    });
  const own = new Set([browser]);
  // A Set also visits what is added meanwhile.
  for (const pid of own) for (const child of processes) if (child.parent === pid) own.add(child.pid);
  const gpu = processes.filter(({ pid, command }) => own.has(pid) && command.includes('--type=gpu-process'));
  assert.is(gpu.length, 1, 'GPU processes of the browser');
  process.kill(gpu[0]!.pid, 'SIGKILL');
}

const NAME = 'a training in a page goes on after the GPU process was killed, and ends with the same bits';
if (hasChromium() && process.platform === 'linux') {
  test(NAME, async () => {
    const script = await bundle(new URL('./gpu-loss-page.ts', import.meta.url));
    const outcome = await runInChromium<LossOutcome | { readonly error: string }>(script, '', {
      signal: 'isToBeKilled',
      act: killGpuProcess,
      isExpected: (complaint) => /A valid external Instance reference no longer exists/.test(complaint),
    });
    if ('error' in outcome) throw new Error(outcome.error);
    const { whole, disturbed, warnings, isNew } = outcome;
    assert.is(warnings.length, 1, warnings.join('\n'));
    console.log(`# ${warnings[0]}`);
    assert.match(
      warnings[0]!,
      /^The GPU was lost at step \d+ \(unknown: .+\)\. The training goes on from step \d+, its last/,
    );
    assert.ok(isNew, 'it has a new device');
    assert.equal(disturbed, whole);
  });
} else test.skip(NAME);

test.run();
