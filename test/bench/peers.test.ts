import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { CASES } from '../../bench/peers/cases.ts';
import { compareWhole } from '../../bench/peers/compare-whole.ts';
import { channelsFirst, channelsLast, filtersFirst, filtersLast } from '../../bench/peers/layout.ts';
import type { PeerMeasured, PeersResult } from '../../bench/peers/report.ts';
import { PROBED, retinaNetState } from '../../bench/peers/retinanet.ts';
import { peersTable, shortPeersTable } from '../../bench/peers/tables.ts';
import { valuesOf, writeValues } from '../../bench/peers/values.ts';
import { inFolder } from '../support/files.ts';

const source = (file: string): string => readFileSync(new URL(`../../bench/peers/${file}`, import.meta.url), 'utf8');

test('every worker says something to every case', () => {
  const operations = new Set(CASES.map(({ operation }) => operation));
  for (const worker of ['retinagrad', 'tfjs', 'jax', 'onnxruntime']) {
    const kernels = ['tfjs', 'jax'].includes(worker) ? source(`${worker}-kernels.mjs`) : '';
    const code = source(`worker-${worker}.mjs`) + kernels;
    for (const operation of operations) {
      assert.match(code, new RegExp(`^ {2,4}(?:async )?${operation}[(:]`, 'm'), `${worker}: ${operation}`);
    }
  }
  const python = source('torch_worker.py');
  for (const operation of operations) assert.match(python, new RegExp(`^    "${operation}": `, 'm'), operation);
  for (const name of PROBED) assert.ok(python.includes(`"${name}"`), name);
  assert.is(new Set(CASES.map(({ name }) => name)).size, CASES.length);
});

test('the network has the parameters of torchvision with two classes', () => {
  const state = retinaNetState();
  const parameters = [...state].filter(([name]) => !name.includes('running_'));
  const count = parameters.reduce((sum, [, shape]) => sum + shape.reduce((a, b) => a * b), 0);
  assert.is(parameters.length, 195);
  assert.is(count, 32_221_814);
  for (const name of PROBED) assert.ok(state.has(name), name);
});

test(
  'values are where the file says, and the same every time',
  inFolder(async (folder) => {
    const task = CASES.find(({ operation }) => operation === 'batchNorm')!;
    const values = valuesOf(task);
    const files = writeValues(join(folder, 'values.f32'), values);
    const { buffer, byteOffset } = readFileSync(join(folder, 'values.f32'));
    for (const [name, { offset, shape }] of Object.entries(files)) {
      const length = shape.reduce((a, b) => a * b);
      assert.equal(new Float32Array(buffer, byteOffset + offset, length), valuesOf(task).get(name)!.data, name);
    }
    const { data } = values.get('x')!;
    const [sum, squares] = data.reduce(([s, q], value) => [s! + value, q! + value * value], [0, 0]) as [number, number];
    assert.ok(Math.abs(sum / data.length) < 0.01 && Math.abs(squares / data.length - 1) < 0.01);
  }),
);

test('layouts are converted and converted back', () => {
  const image = { shape: [1, 2, 2, 3], data: Float32Array.from({ length: 12 }, (_, i) => i) };
  assert.equal(channelsFirst(image), {
    shape: [1, 3, 2, 2],
    data: Float32Array.of(0, 3, 6, 9, 1, 4, 7, 10, 2, 5, 8, 11),
  });
  assert.equal(channelsLast(channelsFirst(image)), image);
  const filter = { shape: [1, 2, 2, 3], data: image.data };
  assert.equal(filtersFirst(filter).shape, [3, 2, 1, 2]);
  assert.equal(filtersLast(filtersFirst(filter)), filter);
});

test('the whole network is compared with the most trusted library that has a result', () => {
  const of = (...values: number[]): Float32Array[] => [Float32Array.from(values)];
  const results = new Map([
    ['ours', of(1, 2)],
    ['torch', of(1, 2.001)],
    ['wrong', of(1, 2.1)],
    ['nothing', of(NaN, 2)],
    ['absent', undefined],
  ]);
  const verdicts = compareWhole(results, ['torch', 'ours']);
  assert.equal([...verdicts.keys()], ['ours', 'wrong', 'nothing']);
  assert.is(verdicts.get('ours'), null);
  assert.match(verdicts.get('wrong')!, /^off by 4.9 % of the largest value of torch/);
  assert.match(verdicts.get('nothing')!, /^off by NaN/);
  assert.is(compareWhole(new Map([['wrong', of(1)]]), ['torch', 'ours']).size, 0);
});

test('tables have rates, reasons and ratios', () => {
  const measured = (milliseconds: number, more: Partial<PeerMeasured> = {}): PeerMeasured => {
    const wall = { median: 2 * milliseconds, low: 0, high: 0, samples: 3 };
    return { timing: { wall, cpu: { ...wall, median: milliseconds } }, first: 1500, ...more };
  };
  const libraries = ['retinagrad', 'tfjs', 'jax', 'torch'].map((key) => ({
    key,
    title: key,
    runsOn: key === 'torch' ? 'processor' : 'adapter',
  }));
  const result: PeersResult = {
    schema: 1,
    kind: 'peers',
    date: '2026-01-01',
    commit: 'abc',
    adapter: { name: 'llvmpipe', kind: 'software' },
    processor: { model: 'some CPU', cores: 2 },
    versions: { node: 'v20.0.0' },
    libraries,
    cases: [
      {
        name: 'conv 3x3 256->256 @32x32 dw',
        work: { flops: 2e9, intensity: 100 },
        libraries: {
          retinagrad: measured(100, { wrong: null }),
          tfjs: measured(250, { wrong: null }),
          jax: measured(10, { wrong: 'off by 1' }), // Fast and wrong does not count.
          torch: { unsupported: 'none of that' },
        },
      },
      {
        name: 'RetinaNet ResNet-50 256 px, training step',
        libraries: { retinagrad: measured(2000, { gpuBytes: 5e8 }), tfjs: measured(9000) }, // jax might be the best.
      },
    ],
  };
  const row = '| conv 3x3 256->256 @32x32 dw | 20.0 GFLOP/s | 8.0 GFLOP/s | WRONG |';
  const long = peersTable(result);
  assert.ok(long.includes(`${row} none | 2.5x |`), long);
  assert.ok(
    long.includes('| RetinaNet ResNet-50 256 px, training step | 2000 ms | 9000 ms | not measured | not measured |  |'),
    long,
  );
  assert.ok(long.includes('| RetinaNet ResNet-50 256 px, training step: retinagrad | 1.5 s | 500 MB |  |'), long);
  assert.ok(long.includes('CPU time divided by the number of cores'), long);
  assert.ok(shortPeersTable(result).includes(`${row} 2.5x |`));
});

test.run();
