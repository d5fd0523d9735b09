// The library's learning-rate schedules, and what they make of a small training.
import {
  add,
  backward,
  cosine,
  linearWarmup,
  Linear,
  manualSeed,
  mseLoss,
  mul,
  noGrad,
  randn,
  multiStepDecay,
  oneCycle,
  relu,
  Scheduler,
  Sequential,
  SGD,
  stack,
  tensor,
  tidy,
  type Schedule,
  type Tensor,
} from 'retinagrad';
import type { Mount } from '../figure.ts';
import { device } from '../gpu.ts';
import { choice, controls, note, plot, row, slider } from '../ui.ts';

const STEPS = 150;
/** Standard deviation of the noise in the values to learn. */
const NOISE = 1;
const SCHEDULES: readonly (readonly [string, (steps: number) => Schedule])[] = [
  ['constant', () => () => 1],
  ['steps: a tenth at 60 % and 85 %', (steps) => multiStepDecay({ at: [0.6 * steps, 0.85 * steps] })],
  ['half a cosine', (steps) => cosine({ steps })],
  ['one cycle', (steps) => oneCycle({ steps })],
];

/** Errors of a network with one hidden layer that learns sin(3 x) from values with fresh noise in each step. */
async function train(lr: number, schedule: Schedule): Promise<Float32Array> {
  manualSeed(1);
  const [first, second] = [new Linear(1, 64), new Linear(64, 1)];
  const model = new Sequential(first, second);
  const x = tensor(Array.from({ length: 128 }, (_, i) => [i / 64 - 1]));
  const y = tensor(Array.from({ length: 128 }, (_, i) => [Math.sin(3 * (i / 64 - 1))]));
  const optimizer = new SGD(model.parameters(), { lr, momentum: 0.9 });
  const scheduler = new Scheduler(optimizer, schedule);
  const losses: Tensor[] = [];
  for (let step = 0; step < STEPS; step++) {
    losses.push(
      tidy(() => {
        const answer = second.forward(relu(first.forward(x)));
        backward(mseLoss(answer, add(y, mul(randn(y.shape), NOISE))));
        optimizer.step();
        optimizer.zeroGrad();
        return noGrad(() => mseLoss(answer, y));
      }),
    );
    scheduler.step();
  }
  const result = await tidy(() => stack(losses)).data();
  for (const tensor of [...losses, x, y, ...model.parameters()]) tensor.dispose();
  return result as Float32Array;
}

export const mount: Mount = async (stage) => {
  await device();
  const kind = choice('Schedule', SCHEDULES, 2);
  const warmup = slider('Steps of warm-up', 0, 60, 15);
  const lr = slider('Learning rate', -2.5, 0, -1, 0.1, (power) => (10 ** power).toPrecision(2));
  await controls(stage, [kind, warmup, lr], async () => {
    const after = kind.value(STEPS - warmup.value);
    const rise = linearWarmup({ steps: Math.max(1, warmup.value), start: 0.01 });
    const schedule: Schedule = (step) => (step < warmup.value ? rise(step) : after(step - warmup.value));
    const rates = Array.from({ length: STEPS }, (_, i) => [i, 10 ** lr.value * schedule(i)] as const);
    const losses = await train(10 ** lr.value, schedule);
    const last = losses.at(-1)!;
    return [
      row(
        plot([{ name: 'rate', points: rates }], {
          x: 'step',
          y: 'learning rate',
          rangeX: [0, STEPS],
          rangeY: [0, 1.05 * 10 ** lr.value],
        }),
        plot([{ name: 'error', points: Array.from(losses, (loss, i) => [i, loss] as const) }], {
          x: 'step',
          y: 'squared error',
          logY: true,
          rangeX: [0, STEPS],
          rangeY: [1e-3, 10],
        }),
      ),
      note(
        Number.isFinite(last)
          ? `After ${STEPS} steps the squared error is ${last.toExponential(1)}.`
          : 'The training has diverged: the loss is not finite.',
      ),
    ];
  });
};
