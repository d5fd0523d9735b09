import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Random } from '../../src/common/random.ts';
import { axisPosition, linearAxis, logAxis, niceStep, tickLabel } from '../../src/report/charts/ticks.ts';

const free = { low: false, high: false };

test('steps are 1, 2 or 5 times a power of ten', () => {
  assert.is(niceStep(1, 5), 0.2);
  assert.is(niceStep(0.3, 3), 0.1);
  assert.is(niceStep(1200, 8), 200);
  assert.is(niceStep(7, 7), 1);
  assert.is(niceStep(71, 7), 20);
});

test('labels have the decimals that their step needs', () => {
  assert.equal(
    [0, 0.5, 1].map((tick) => tickLabel(tick, 0.5)),
    ['0', '0.5', '1.0'],
  );
  assert.is(tickLabel(-1200, 200), '-1,200');
  assert.is(tickLabel(0.001, 0.001), '0.001');
  assert.is(tickLabel(2e-5, 1e-5), '2e-5');
  assert.is(tickLabel(1.5e-5, 5e-6), '1.5e-5');
  assert.is(tickLabel(1.5e7, 5e6), '1.5e7');
});

test('free axes end on ticks around the data', () => {
  const axis = linearAxis(0.13, 0.87, 5, free);
  assert.equal(axis.ticks, [0, 0.2, 0.4, 0.6, 0.8, 1]);
  assert.equal([axis.low, axis.high], [0, 1]);
  const random = new Random('ticks');
  for (let i = 0; i < 500; i++) {
    const low = random.normal() * 10 ** (random.int(12) - 6);
    const high = low + random.uniform(1e-3, 1) * 10 ** (random.int(12) - 6);
    const { low: from, high: to, ticks, labels } = linearAxis(low, high, 6, free);
    const slack = 1e-6 * (high - low);
    assert.ok(from <= low + slack && to >= high - slack, `${low} to ${high} lies in ${from} to ${to}`);
    assert.ok(ticks.length >= 2 && ticks.length <= 9, `${ticks.length} ticks for ${low} to ${high}`);
    assert.is(new Set(labels).size, labels.length, `labels differ: ${labels.join(' ')}`);
  }
});

test('fixed ends stay, with ticks between them', () => {
  const axis = linearAxis(1, 1199, 8, { low: true, high: true });
  assert.equal([axis.low, axis.high], [1, 1199]);
  assert.equal(axis.ticks, [200, 400, 600, 800, 1000]);
});

test('an axis around a single value has an extent', () => {
  for (const value of [0, 3, -4]) {
    const axis = linearAxis(value, value, 5, free);
    assert.ok(axis.low < value && value < axis.high);
  }
  assert.equal(linearAxis(0, 0, 4, { low: true, high: false }).low, 0);
});

test('logarithmic axes end on ticks around the data', () => {
  const axis = logAxis(0.12, 2.3, free);
  assert.equal(axis.ticks, [0.1, 0.2, 0.5, 1, 2, 5]);
  assert.equal(axis.labels, ['0.1', '0.2', '0.5', '1', '2', '5']);
  assert.equal(logAxis(0.12, 2.3e4, free).ticks, [0.1, 1, 10, 100, 1000, 10_000, 100_000]);
  assert.equal(logAxis(1, 1, free).ticks, [1, 2]);
  const random = new Random('log ticks');
  for (let i = 0; i < 300; i++) {
    const low = 10 ** random.uniform(-30, 30);
    const high = low * 10 ** random.uniform(0, 20);
    const { low: from, high: to, ticks } = logAxis(low, high, free);
    assert.ok(from <= low * 1.000001 && to >= high * 0.999999, `${low} to ${high} lies in ${from} to ${to}`);
    assert.ok(ticks.length >= 2 && ticks.length <= 13, `${ticks.length} ticks for ${low} to ${high}`);
  }
  assert.ok(logAxis(0.12, 0.14, { low: true, high: true }).ticks.length >= 2);
});

test('positions run from 0 to 1', () => {
  const linear = linearAxis(0, 10, 5, free);
  assert.equal(
    [0, 5, 10].map((value) => axisPosition(linear, value)),
    [0, 0.5, 1],
  );
  const log = logAxis(1, 100, free);
  assert.ok(Math.abs(axisPosition(log, 10) - 0.5) < 1e-12);
});

test.run();
