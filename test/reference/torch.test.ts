/** The references, and their central differences, against the results and gradients that PyTorch computed in float64. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Pair } from '../../src/measure/reference/windows.ts';
import { floats, hashUniform, readFixture, type Encoded } from '../golden/read.ts';
import { centralDifference } from '../support/central-difference.ts';
import { assertClose } from '../support/compare.ts';
import { ref, sizeOf, type Ref } from './array.ts';
import { conv1d, conv2d, convTranspose2d } from './conv2d.ts';
import { bceWithLogits, crossEntropy, giouLoss, sigmoidFocalLoss, smoothL1 } from './losses.ts';
import { batchNorm, batchNormInference, groupNorm } from './normalization.ts';
import { adam, adamW, rmsprop, sgd, type Step } from './optim.ts';
import { adaptiveAvgPool2d, avgPool2d, maxPool2d } from './pool2d.ts';
import { mean } from './reduce.ts';
import { transpose } from './shape.ts';
import { logSoftmax, softmax } from './softmax.ts';
import { upsampleBilinear, upsampleNearest } from './upsample.ts';

interface Case {
  readonly name: string;
  readonly op: string;
  readonly options: Readonly<Record<string, unknown>>;
  readonly inputs: Readonly<Record<string, Encoded & { readonly scale?: number; readonly centre?: number }>>;
  readonly results: Readonly<Record<string, Encoded>>;
}

const nhwc = (x: Ref): Ref => transpose(x, [0, 2, 3, 1]);
const nchw = (x: Ref): Ref => transpose(x, [0, 3, 1, 2]);
const hwio = (w: Ref): Ref => transpose(w, [2, 3, 1, 0]);

const number = (value: unknown, otherwise = 0): number => (value === undefined ? otherwise : (value as number));
const pairOf = (value: unknown, otherwise: Pair): Pair => (value === undefined ? otherwise : (value as Pair));

/** The class of each row of the fixtures' one-hot targets, in which every fourth of all elements is 1. */
const everyFourth = (rows: number, k: number): Ref =>
  ref(
    [rows],
    Array.from({ length: rows }, (_, row) => ((4 - ((row * k) % 4)) % 4 < k ? (4 - ((row * k) % 4)) % 4 : -1)),
  );

const running = (name: string, scale: number, centre: number): Ref =>
  ref([5], hashUniform(name, [5], 0, scale, centre));

/** The reference of each operation, over inputs in torch's order of axes. */
const functions: Record<string, (t: Record<string, Ref>, o: Case['options']) => Ref> = {
  conv2d: ({ x, w, bias }, o) =>
    nchw(
      conv2d(nhwc(x!), hwio(w!), bias ?? null, {
        stride: pairOf(o['stride'], 1),
        padding: o['padding'] === 'same' ? 'same' : pairOf(o['padding'], 0),
        dilation: pairOf(o['dilation'], 1),
      }),
    ),
  conv_transpose2d: ({ x, w, bias }, o) =>
    nchw(
      convTranspose2d(nhwc(x!), hwio(w!), bias ?? null, {
        stride: pairOf(o['stride'], 1),
        padding: pairOf(o['padding'], 0),
        dilation: pairOf(o['dilation'], 1),
        outputPadding: pairOf(o['output_padding'], 0),
        groups: number(o['groups'], 1),
      }),
    ),
  conv1d: ({ x, w, bias }, o) => {
    const y = conv1d(transpose(x!, [0, 2, 1]), transpose(w!, [2, 1, 0]), bias ?? null, {
      stride: number(o['stride'], 1),
      padding: o['padding'] === 'same' ? 'same' : number(o['padding']),
      dilation: number(o['dilation'], 1),
    });
    return transpose(y, [0, 2, 1]);
  },
  max_pool2d: ({ x }, o) => {
    const kernel = o['kernel_size'] as Pair;
    const stride = pairOf(o['stride'], kernel);
    const [padding, dilation] = [pairOf(o['padding'], 0), pairOf(o['dilation'], 1)];
    return nchw(maxPool2d(nhwc(x!), { kernel, stride, padding, dilation, ceilMode: o['ceil_mode'] === true }));
  },
  avg_pool2d: ({ x }, o) => {
    const kernel = o['kernel_size'] as Pair;
    const countIncludePad = o['count_include_pad'] !== false;
    const [stride, padding] = [pairOf(o['stride'], kernel), pairOf(o['padding'], 0)];
    const ceilMode = o['ceil_mode'] === true;
    return nchw(avgPool2d(nhwc(x!), { kernel, stride, padding, countIncludePad, ceilMode }));
  },
  adaptive_avg_pool2d: ({ x }, o) => nchw(adaptiveAvgPool2d(nhwc(x!), o['output_size'] as Pair)),
  batch_norm: ({ x, weight, bias }, o) => {
    const eps = number(o['eps']);
    if (o['training'] === true) return nchw(batchNorm(nhwc(x!), weight!, bias!, eps).y);
    const [mean, variance] = [running('running_mean', 1, 0), running('running_var', 0.5, 1)];
    return nchw(batchNormInference(nhwc(x!), weight!, bias!, mean, variance, eps));
  },
  group_norm: ({ x, weight, bias }, o) =>
    nchw(groupNorm(nhwc(x!), number(o['num_groups']), weight!, bias!, number(o['eps']))),
  interpolate: ({ x }, o) =>
    nchw((o['mode'] === 'nearest' ? upsampleNearest : upsampleBilinear)(nhwc(x!), o['size'] as [number, number])),
  smooth_l1: ({ x, y }, o) => smoothL1(x!, y!, number(o['beta'])),
  sigmoid_focal_loss: ({ x }, o) =>
    sigmoidFocalLoss(x!, everyFourth(x!.shape[0]!, x!.shape[1]!), number(o['alpha']), number(o['gamma'])),
  generalized_box_iou_loss: ({ a, b }, o) => giouLoss(a!, b!, number(o['eps'])),
  softmax: ({ x }, o) => softmax(x!, number(o['dim'])),
  log_softmax: ({ x }, o) => logSoftmax(x!, number(o['dim'])),
  cross_entropy: ({ x }, o) => {
    const losses = crossEntropy(x!, ref([6], [0, 2, 4, 1, 3, 0]));
    return o['reduction'] === 'mean' ? mean(losses) : losses;
  },
  bce_with_logits: ({ x, target }) => bceWithLogits(x!, target!),
};

// The fixtures are rounded to float32.
const rounded = { relative: 1e-7, absolute: 1e-9 };
const gradient = { relative: 1e-7, absolute: 1e-8, largest: 1e-8 };

for (const c of readFixture<{ cases: Case[] }>('ops').cases) {
  test(`${c.name}: result and gradients`, () => {
    const f = functions[c.op];
    assert.ok(f, `no reference for ${c.op}`);
    const names = Object.keys(c.inputs);
    const inputs = names.map((name) => {
      const { shape, scale, centre } = c.inputs[name]!;
      const values =
        scale === undefined ? floats(c.inputs[name]!) : hashUniform(`${c.name}.${name}`, shape, 0, scale, centre);
      return ref(shape, values);
    });
    const run = (list: readonly Ref[]): Ref =>
      f!(Object.fromEntries(list.map((input, k) => [names[k]!, input])), c.options);
    const y = run(inputs);
    assert.equal(y.shape, c.results['y']!.shape);
    assertClose(floats(c.results['y']!), y, { tolerance: rounded, label: c.name });
    const upstream = hashUniform('upstream', y.shape);
    names.forEach((name, k) => {
      const expected = c.results[`d${name}`];
      if (expected === undefined) return;
      const { values } = centralDifference(run, inputs, k, upstream);
      assertClose(floats(expected), ref(expected.shape, values), { tolerance: gradient, label: `${c.name} d${name}` });
    });
  });
}

interface Optimiser {
  readonly name: string;
  readonly kind: string;
  readonly options: Readonly<Record<string, unknown>>;
  readonly steps: readonly Encoded[];
}

const { parameters, optimisers } = readFixture<{
  parameters: { name: string; shape: number[] }[];
  optimisers: Optimiser[];
}>('optim');

function stepOf({ kind, options: o }: Optimiser, parameter: Float64Array): Step {
  const learningRate = number(o['lr']);
  if (kind === 'SGD') {
    return sgd(parameter, {
      learningRate,
      momentum: number(o['momentum']),
      dampening: number(o['dampening']),
      nesterov: o['nesterov'] === true,
      weightDecay: number(o['weight_decay']),
    });
  }
  if (kind === 'RMSprop') {
    return rmsprop(parameter, {
      learningRate,
      alpha: number(o['alpha'], 0.99),
      eps: number(o['eps'], 1e-8),
      weightDecay: number(o['weight_decay']),
      momentum: number(o['momentum']),
    });
  }
  return (kind === 'Adam' ? adam : adamW)(parameter, {
    learningRate,
    betas: (o['betas'] ?? [0.9, 0.999]) as [number, number],
    eps: number(o['eps'], 1e-8),
    weightDecay: number(o['weight_decay'], kind === 'Adam' ? 0 : 0.01),
  });
}

for (const optimiser of optimisers) {
  test(`optimiser ${optimiser.name}: ten steps`, () => {
    parameters.forEach(({ name, shape }, k) => {
      const size = sizeOf(shape);
      const parameter = Float64Array.from(hashUniform(name, shape));
      const step = stepOf(optimiser, parameter);
      const expected = floats(optimiser.steps[k]!);
      for (let i = 0; i < 10; i++) {
        step(hashUniform(`${name}.grad.${i}`, shape));
        const label = `${optimiser.name} ${name} step ${i}`;
        assertClose(expected.subarray(i * size, (i + 1) * size), parameter, { tolerance: rounded, label });
      }
    });
  });
}

test.run();
