// Two stacks of layers, one of them with shortcuts, learn the same thing.
import {
  Adam,
  add,
  backward,
  kaimingNormal,
  Linear,
  manualSeed,
  matmul,
  mseLoss,
  Parameter,
  relu,
  stack,
  tensor,
  tidy,
  uniform,
  type Initializer,
  type Tensor,
} from 'retinagrad';
import type { Mount } from '../figure.ts';
import { device } from '../gpu.ts';
import { button, choice, controls, note, plot, slider } from '../ui.ts';

const WIDTH = 32;
const STEPS = 60;
const SAMPLES = 64;
const INITIALIZERS: readonly (readonly [string, Initializer])[] = [
  ["PyTorch's default: Var(w) = 1 / (3 n)", uniform(-1 / Math.sqrt(WIDTH), 1 / Math.sqrt(WIDTH))],
  ['He: Var(w) = 2 / n', kaimingNormal()],
];

/** Losses of a network with `depth` inner layers, with or without shortcuts, and the same initial weights. */
async function train(
  depth: number,
  init: Initializer,
  seed: number,
  hasShortcuts: boolean,
): Promise<readonly (readonly [number, number])[]> {
  manualSeed(seed);
  const [first, last] = [new Linear(1, WIDTH), new Linear(WIDTH, 1)];
  const inner = Array.from({ length: depth }, () => new Parameter(init([WIDTH, WIDTH])));
  const parameters = [...first.parameters(), ...inner, ...last.parameters()];
  const optimizer = new Adam(parameters, { lr: 0.002 });
  const x = tensor(Array.from({ length: SAMPLES }, (_, i) => [(2 * i) / SAMPLES - 1]));
  const y = tensor(Array.from({ length: SAMPLES }, (_, i) => [Math.sin((6 * i) / SAMPLES - 3)]));
  const losses: Tensor[] = [];
  for (let step = 0; step < STEPS; step++) {
    losses.push(
      tidy(() => {
        let h = first.forward(x);
        for (const w of inner) {
          const branch = relu(matmul(h, w));
          h = hasShortcuts ? add(h, branch) : branch;
        }
        const loss = mseLoss(last.forward(h), y);
        backward(loss);
        optimizer.step();
        optimizer.zeroGrad();
        return loss;
      }),
    );
  }
  const values = await tidy(() => stack(losses)).data();
  for (const tensor of [...losses, ...parameters, x, y]) tensor.dispose();
  return Array.from(values, (loss, i) => [i, loss] as const);
}

export const mount: Mount = async (stage) => {
  await device();
  const depth = slider('Layers', 1, 24, 12);
  const init = choice('Initial weights', INITIALIZERS);
  let seed = 1;
  const again = button('Other weights', () => seed++);
  await controls(stage, [depth, init, again], async () => {
    const plain = await train(depth.value, init.value, seed, false);
    const residual = await train(depth.value, init.value, seed, true);
    const end = (points: typeof plain): string => points.at(-1)![1].toPrecision(2);
    return [
      plot(
        [
          { name: 'h = relu(h w)', points: plain },
          { name: 'h = h + relu(h w)', points: residual },
        ],
        { x: 'step', y: 'loss', logY: true, rangeX: [0, STEPS], rangeY: [1e-4, 1e4] },
      ),
      note(
        `After ${STEPS} steps: ${end(plain)} without shortcuts, ${end(residual)} with them. A constant answer has 0.5.`,
      ),
    ];
  });
};
