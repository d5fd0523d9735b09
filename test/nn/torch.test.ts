// Losses, layer norm, attention and the LSTM cell against results and gradients of PyTorch.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import * as rg from '../../src/index.ts';
import { floats, hashUniform, readFixture, type Encoded } from '../golden/read.ts';
import { assertClose } from '../support/compare.ts';
import { leavesNothing, testDevice } from '../support/device.ts';

interface Case {
  readonly name: string;
  readonly op: string;
  readonly options: Readonly<Record<string, never>>;
  readonly inputs: Readonly<Record<string, { shape: readonly number[]; scale: number; centre: number }>>;
  readonly results: Readonly<Record<string, Encoded>>;
}

type Inputs = Readonly<Record<string, rg.Tensor>>;
type Run = (t: Inputs, o: Readonly<Record<string, never>>) => rg.Tensor;

const device = await testDevice();

const factor = (values: number[] | undefined, name: string): object =>
  values === undefined ? {} : { [name]: rg.tensor(values) };

const rowOptions = (o: Readonly<Record<string, never>>): rg.CrossEntropyOptions => ({
  reduction: o['reduction']!,
  ignoreIndex: -1,
  labelSmoothing: o['label_smoothing'] ?? 0,
  ...factor(o['weight'], 'weight'),
});

/** A layer whose parameters are inputs of the test. PyTorch's matrices are [out, in]. */
function withParameters<M extends rg.Module>(module: M, parameters: Readonly<Record<string, rg.Tensor>>): M {
  module.dispose();
  for (const [path, value] of Object.entries(parameters)) {
    const names = path.split('.');
    const holder = names.slice(0, -1).reduce<unknown>((at, name) => (at as Record<string, unknown>)[name], module);
    (holder as Record<string, rg.Tensor>)[names.at(-1)!] = value;
  }
  return module;
}

const turned = (w: rg.Tensor): rg.Tensor => rg.transpose(w, [1, 0]);

const runs: Record<string, Run> = {
  mse_loss: ({ x, target }, o) => rg.mseLoss(x!, target!, { reduction: o['reduction']! }),
  l1_loss: ({ x, target }, o) => rg.l1Loss(x!, target!, { reduction: o['reduction']! }),
  huber_loss: ({ x, target }, o) => rg.huberLoss(x!, target!, { reduction: o['reduction']!, delta: o['delta']! }),
  smooth_l1_loss: ({ x, target }, o) => rg.smoothL1Loss(x!, target!, { reduction: o['reduction']!, beta: o['beta']! }),
  bce_with_logits: ({ x, target }, o) =>
    rg.bceWithLogits(x!, target!, { ...factor(o['pos_weight'], 'posWeight'), ...factor(o['weight'], 'weight') }),
  cross_entropy: ({ x }, o) => rg.crossEntropy(x!, rg.tensor(Int32Array.from(o['targets']!)), rowOptions(o)),
  nll_loss: ({ x }, o) => {
    const { labelSmoothing: _, ...options } = rowOptions(o);
    return rg.nllLoss(x!, rg.tensor(Int32Array.from(o['targets']!)), options);
  },
  layer_norm: ({ x, weight, bias }, o) => rg.layerNorm(x!, o['normalized_shape']!, weight, bias, { eps: o['eps']! }),
  scaled_dot_product_attention: ({ q, k, v }, o) =>
    rg.scaledDotProductAttention(q!, k!, v!, {
      isCausal: o['is_causal'] ?? false,
      ...(o['mask'] === undefined ? {} : { mask: rg.cast(rg.tensor(numbers(o['mask'])), 'bool') }),
    }),
  lstm_cell: (t) => {
    const cell = withParameters(new rg.LSTMCell(4, 5), {
      weightIh: turned(t['weight_ih']!),
      weightHh: turned(t['weight_hh']!),
      biasIh: t['bias_ih']!,
      biasHh: t['bias_hh']!,
    });
    let state: [rg.Tensor, rg.Tensor] = [t['h']!, t['c']!];
    for (let step = 0; step < 2; step++) state = cell.forward(t['x']!, state);
    return rg.concat(state, 1);
  },
  multihead_attention: (t, o) => {
    const zero = rg.zeros([6]);
    const parameters = ['query', 'key', 'value', 'out'].flatMap((name): [string, rg.Tensor][] => [
      [`${name}.weight`, turned(t[`${name}_weight`]!)],
      [`${name}.bias`, t[`${name}_bias`] ?? zero],
    ]);
    const module = withParameters(new rg.MultiheadAttention(6, o['heads']!), Object.fromEntries(parameters));
    return module.forward(t['x']!, t['y']!);
  },
};

const numbers = (rows: boolean[][]): number[][] => rows.map((row) => row.map(Number));

for (const c of readFixture<{ cases: Case[] }>('layers').cases) {
  test(`${c.name}: results and gradients are PyTorch's`, () =>
    leavesNothing(device, async () => {
      const run = runs[c.op];
      assert.ok(run, `no function for ${c.op}`);
      const { y, gradients } = rg.tidy(() => {
        const inputs = Object.fromEntries(
          Object.entries(c.inputs).map(([name, { shape, scale, centre }]) => {
            const values = hashUniform(`${c.name}.${name}`, shape, 0, scale, centre);
            return [name, rg.tensor(values, { shape, requiresGrad: c.results[`d${name}`] !== undefined })];
          }),
        );
        const y = run!(inputs, c.options);
        const names = Object.keys(inputs).filter((name) => inputs[name]!.requiresGrad);
        const gradient = rg.tensor(hashUniform('upstream', y.shape), { shape: y.shape });
        const found = rg.grad(
          y,
          names.map((name) => inputs[name]!),
          { gradient },
        );
        return { y, gradients: Object.fromEntries(names.map((name, i) => [name, found[i]!])) };
      });
      const tolerance = { relative: 1e-5, absolute: 1e-6, largest: 2e-6 };
      assertClose(await y.data(), floats(c.results['y']!), { tolerance, label: 'y' });
      for (const [name, gradient] of Object.entries(gradients)) {
        assertClose(await gradient.data(), floats(c.results[`d${name}`]!), { tolerance, label: `d${name}` });
        gradient.dispose();
      }
      y.dispose();
    }));
}

test.run();
