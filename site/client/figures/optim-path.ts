// The path of an optimiser of the library over a long valley.
import {
  Adam,
  backward,
  clone,
  mul,
  Parameter,
  RMSprop,
  SGD,
  square,
  stack,
  sum,
  tensor,
  tidy,
  type Tensor,
} from 'retinagrad';
import type { Mount } from '../figure.ts';
import { device } from '../gpu.ts';
import { choice, controls, note, plot, row, slider, type Series } from '../ui.ts';

const START = [-4, 2];
const STEPS = 100;
type Make = (parameter: Parameter, lr: number) => { step(): void; zeroGrad(): void };
const OPTIMIZERS: readonly (readonly [string, Make])[] = [
  ['SGD', (p, lr) => new SGD([p], { lr })],
  ['SGD with momentum 0.9', (p, lr) => new SGD([p], { lr, momentum: 0.9 })],
  ['RMSprop', (p, lr) => new RMSprop([p], { lr })],
  ['Adam', (p, lr) => new Adam([p], { lr })],
];

/** An ellipse on which the loss (x² + steepness y²) / 2 has a value. */
function level(value: number, steepness: number): Series {
  const points = Array.from({ length: 65 }, (_, i) => {
    const angle = (i / 32) * Math.PI;
    return [Math.sqrt(2 * value) * Math.cos(angle), Math.sqrt((2 * value) / steepness) * Math.sin(angle)] as const;
  });
  return { name: '', points, quiet: true };
}

/** Places of the parameter, from the first. */
async function walk(make: Make, lr: number, steepness: number): Promise<[number, number][]> {
  const p = new Parameter(tensor(START));
  const scale = tensor([1, steepness]);
  const optimizer = make(p, lr);
  const places: Tensor[] = [clone(p)];
  for (let step = 0; step < STEPS; step++) {
    tidy(() => {
      backward(mul(0.5, sum(mul(scale, square(p)))));
      optimizer.step();
      optimizer.zeroGrad();
    });
    places.push(clone(p));
  }
  const values = await tidy(() => stack(places)).data();
  for (const tensor of [...places, scale, p]) tensor.dispose();
  return places.map((_, i) => [values[2 * i]!, values[2 * i + 1]!]);
}

export const mount: Mount = async (stage) => {
  await device();
  const kind = choice('Optimizer', OPTIMIZERS);
  const lr = slider('Learning rate', -3, 0.5, -1.5, 0.05, (power) => (10 ** power).toPrecision(2));
  const steepness = slider('Steepness of the walls', 1, 60, 40);
  await controls(stage, [kind, lr, steepness], async () => {
    const path = await walk(kind.value, 10 ** lr.value, steepness.value);
    const losses = path.map(([x, y], i) => [i, (x * x + steepness.value * y * y) / 2] as const);
    const end = losses.at(-1)![1];
    return [
      row(
        plot([...[1, 4, 10, 25, 60].map((value) => level(value, steepness.value)), { name: 'path', points: path }], {
          x: 'x',
          y: 'y',
          rangeX: [-5, 5],
          rangeY: [-3, 3],
        }),
        plot([{ name: 'loss', points: losses }], { x: 'step', y: 'loss', logY: true, rangeY: [1e-6, 1e3] }),
      ),
      note(
        `After ${STEPS} steps the loss is ${end.toExponential(1)}, from ${losses[0]![1].toFixed(0)}. ` +
          `Plain gradient descent is stable here up to a rate of 2 / ${steepness.value} = ${(2 / steepness.value).toPrecision(2)}.`,
      ),
    ];
  });
};
