/** Random programs, their values and gradients, against the float64 reference. `npm run fuzz` runs more of them. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { testDevice } from '../support/device.ts';
import { coverage, fuzz, notes } from './fuzz.ts';
import { table } from './table.ts';

const PROGRAMS = 2000;
const SEED = 1;

test(`${PROGRAMS} random programs agree with the reference, leave nothing behind and cause no error on the GPU`, async () => {
  const device = await testDevice();
  const report = await fuzz(device, table, { programs: PROGRAMS, seed: SEED });
  for (const note of notes(report)) console.log(`# ${note}`);
  console.log(`# ${table.size} operations, the rarest: ${coverage(report).slice(0, 5).join(', ')}`);
  assert.equal(report.failures, []);
  const { directions, kinks, singular, vague, values, loose } = report.tally;
  const skipped = kinks + singular + vague;
  assert.ok(skipped < 0.06 * directions, `${skipped} of ${directions} directions have no derivative to compare`);
  assert.ok(loose < 0.01 * values, `${loose} of ${values} elements are compared loosely`);
  const rare = [...report.covered].filter(([, count]) => count < 10).map(([op, count]) => `${op} ${count}`);
  assert.equal(rare, [], 'hardly any program has these operations');
});

test.run();
