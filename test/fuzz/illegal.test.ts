/** Illegal calls of every operation and layer: each is refused with an error that names it, and nothing is lost. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import * as ops from '../../src/index.ts';
import { Random } from '../../src/common/random.ts';
import { tensor } from '../../src/tensor/create.ts';
import { tidy } from '../../src/tensor/scope.ts';
import { Tensor } from '../../src/tensor/tensor.ts';
import { testDevice } from '../support/device.ts';
import { interpret, PICKS } from './generate.ts';
import { tryNeighbours, type IllegalReport, type LegalCall } from './illegal.ts';
import { listOf, resolve, type Call, type Results, type Row } from './program.ts';
import { table } from './table.ts';

/** Legal calls of each operation. */
const CALLS = 6;

const functions = ops as unknown as Readonly<Record<string, (...args: readonly unknown[]) => Results<Tensor>>>;

const disposeAll = (results: Results<Tensor>): void => {
  for (const result of listOf<Tensor>(results, (value) => value instanceof Tensor)) result.dispose();
};

/** A drawn call of an operation with its operands; null if what was drawn does not fit. */
function drawn(op: string, row: Row, random: Random): { call: LegalCall; operands: readonly Tensor[] } | null {
  const picks = Array.from({ length: PICKS }, () => random.int(0x10000));
  const { entries } = interpret({ kind: 0, steps: [{ op: 1, picks }] }, new Map([[op, row]]));
  const made = entries.find(({ made }) => made.kind === 'call')?.made as Call | undefined;
  if (made === undefined) return null;
  const operands = entries.flatMap(({ made }) =>
    made.kind === 'leaf' ? [tensor(made.value.data, { shape: made.value.shape, dtype: made.value.dtype })] : [],
  );
  const args = made.args.map((arg) => resolve(arg, (index) => operands[index]!));
  const inPlace = row.call;
  if (inPlace === undefined) {
    return { call: { op, args, run: (...args) => disposeAll(functions[op]!(...args)) }, operands };
  }
  // What it changes is a copy of its first operand.
  const [target, ...rest] = args;
  return { call: { op, args: rest, run: (...rest) => tidy(() => void inPlace.run(target, ...rest)) }, operands };
}

const report: IllegalReport = { calls: 0, complaints: new Set() };
const device = await testDevice();

for (const [op, row] of table) {
  test(`illegal calls of ${op}`, async () => {
    report.complaints.clear();
    const random = new Random('illegal', op);
    for (let made = 0, tries = 0; made < CALLS && tries < 100 * CALLS; tries++) {
      const found = drawn(op, row, random);
      if (found === null) continue;
      made++;
      tryNeighbours(device, found.call, report);
      for (const operand of found.operands) operand.dispose();
    }
    await device.idle();
    assert.equal([...report.complaints], []);
  });
}

/** Legal arguments of functions that are no operations. */
const others: Readonly<Record<string, () => readonly unknown[]>> = {
  rand: () => [[2, 3], { seed: 1, requiresGrad: true }],
  randn: () => [[2, 3], { seed: 1, requiresGrad: true }],
  stepDecay: () => [{ every: 3, gamma: 0.5 }],
  multiStepDecay: () => [{ at: [3, 4], gamma: 0.5 }],
  cosine: () => [{ steps: 3, floor: 0.5 }],
  oneCycle: () => [{ steps: 3, pctStart: 0.5, divFactor: 2, finalDivFactor: 3 }],
  exponential: () => [{ steps: 3, ratio: 2 }],
  linearWarmup: () => [{ steps: 3, start: 0.5 }],
  clipGradNorm: () => [[parameter()], 1],
  clipGradValue: () => [[parameter()], 1],
};

/** Legal arguments of constructors, and for layers the shape of an input: a layer may refuse options when it is called. */
const classes: Readonly<
  Record<string, () => { readonly args: readonly unknown[]; readonly input?: readonly number[] }>
> = {
  Linear: () => ({ args: [3, 4, { bias: true }], input: [2, 3] }),
  Embedding: () => ({ args: [5, 3, { init: ops.normal(0, 1) }] }),
  Conv2d: () => {
    const window = { kernel: [3, 1], stride: 2, padding: 1, dilation: 1, groups: 1 };
    const layer = { bias: true, relu: true, init: ops.constant(1), biasInit: ops.constant(0) };
    return { args: [3, 4, { ...window, ...layer }], input: [1, 4, 4, 3] };
  },
  Conv1d: () => ({ args: [4, 4, { kernel: 3, stride: 2, padding: 1, dilation: 1, groups: 2 }], input: [1, 5, 4] }),
  ConvTranspose2d: () => ({
    args: [2, 4, { kernel: 3, stride: 2, padding: 1, groups: 2, outputPadding: 1 }],
    input: [1, 3, 3, 2],
  }),
  BatchNorm2d: () => ({ args: [4, { eps: 1e-3, momentum: 0.5 }], input: [2, 3, 3, 4] }),
  FrozenBatchNorm2d: () => ({ args: [4, { eps: 1e-3 }], input: [2, 3, 3, 4] }),
  GroupNorm: () => ({ args: [2, 4, { eps: 1e-3 }], input: [2, 3, 3, 4] }),
  LayerNorm: () => ({ args: [[2, 4], { eps: 1e-3 }], input: [3, 2, 4] }),
  LSTMCell: () => ({ args: [3, 4, { bias: true }] }),
  MultiheadAttention: () => ({ args: [4, 2, { bias: true, dropout: 0.5 }], input: [1, 3, 4] }),
  MaxPool2d: () => ({
    args: [{ kernel: 2, stride: [1, 2], padding: 1, dilation: 1, ceilMode: true }],
    input: [1, 4, 4, 2],
  }),
  AvgPool2d: () => ({ args: [{ kernel: 2, stride: [1, 2], padding: 1, countIncludePad: true }], input: [1, 4, 4, 2] }),
  AdaptiveAvgPool2d: () => ({ args: [[2, 3]], input: [1, 4, 4, 2] }),
  Upsample: () => ({ args: [2, { mode: 'bilinear' }], input: [1, 4, 4, 2] }),
  Dropout: () => ({ args: [0.5], input: [3] }),
  GELU: () => ({ args: [{ approximate: 'tanh' }], input: [3] }),
  LeakyReLU: () => ({ args: [0.1], input: [3] }),
  ELU: () => ({ args: [0.1], input: [3] }),
  Softmax: () => ({ args: [1], input: [2, 3] }),
  SGD: () => ({ args: [[parameter()], { lr: 0.1, momentum: 0.5, weightDecay: 0.1, nesterov: true }] }),
  Adam: () => ({ args: [[parameter()], { lr: 0.1, betas: [0.5, 0.9], eps: 1e-3, weightDecay: 0.1 }] }),
  AdamW: () => ({ args: [[parameter()], { lr: 0.1, betas: [0.5, 0.9], eps: 1e-3, weightDecay: 0.1 }] }),
  RMSprop: () => ({ args: [[parameter()], { lr: 0.1, alpha: 0.5, eps: 1e-3, weightDecay: 0.1, momentum: 0.5 }] }),
  Lion: () => ({ args: [[parameter()], { lr: 0.1, betas: [0.5, 0.9], weightDecay: 0.1 }] }),
  Scheduler: () => ({ args: [new ops.SGD([parameter()], { lr: 1 }), ops.cosine({ steps: 3 })] }),
  ReduceOnPlateau: () => ({
    args: [new ops.SGD([parameter()], { lr: 1 }), { factor: 0.5, patience: 2, threshold: 0.1, mode: 'max' }],
  }),
  ExponentialMovingAverage: () => ({ args: [new ops.ReLU(), 0.5, { constant: new Set() }] }),
};

function parameter(): ops.Parameter {
  const made = new ops.Parameter(ops.zeros([2]));
  made.grad = ops.keep(ops.zeros([2]));
  return made;
}

/** Makes an object and calls it once. */
function construct(op: string, args: readonly unknown[], input: Tensor | null): void {
  const made: unknown = Reflect.construct(functions[op]!, args);
  if (!(made instanceof ops.Module)) return;
  try {
    if (input !== null) tidy(() => (made as unknown as ops.Layer).forward(input).dispose());
  } finally {
    made.dispose();
  }
}

for (const [op, args] of Object.entries(others)) {
  test(`illegal calls of ${op}`, async () => {
    report.complaints.clear();
    const run = (...args: readonly unknown[]): void => {
      const made: unknown = functions[op]!(...args);
      if (made instanceof Tensor) made.dispose();
    };
    const legal = args();
    run(...legal);
    tryNeighbours(device, { op, args: legal, run }, report);
    await device.idle();
    assert.equal([...report.complaints], []);
  });
}

for (const [op, make] of Object.entries(classes)) {
  test(`illegal arguments of ${op}`, async () => {
    report.complaints.clear();
    const { args, input: shape } = make();
    const input = shape === undefined ? null : ops.rand(shape);
    const run = (...args: readonly unknown[]): void => construct(op, args, input);
    run(...args);
    tryNeighbours(device, { op, args, run }, report);
    await device.idle();
    assert.equal([...report.complaints], []);
  });
}

test('many calls were made', () => {
  console.log(`# ${report.calls} calls`);
  assert.ok(report.calls > 20_000);
});

test.run();
