// What the page of warmup.built.test.ts runs: `?warm` with a warm-up.
import { init } from 'retinagrad';
import { firstStep } from '../../bench/first-step-program.ts';

const isWarm = (globalThis as unknown as { location: { search: string } }).location.search === '?warm';
init()
  .then(() => firstStep(isWarm))
  .then(
    (outcome) => Object.assign(globalThis, { outcome }),
    (error: unknown) => Object.assign(globalThis, { outcome: { error: String(error) } }),
  );
