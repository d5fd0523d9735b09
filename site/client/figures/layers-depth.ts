// The size of activations through a deep network of linear layers and ReLU, at its initialisation.
import {
  batchNorm,
  constant,
  matmul,
  mean,
  normal,
  randn,
  relu,
  sqrt,
  square,
  stack,
  tidy,
  type Tensor,
} from 'retinagrad';
import type { Mount } from '../figure.ts';
import { device } from '../gpu.ts';
import { button, controls, note, plot, slider, toggle } from '../ui.ts';

const WIDTH = 128;
const BATCH = 64;
const DEPTH = 30;

export const mount: Mount = async (stage) => {
  await device();
  const gain = slider('Variance of a weight, times its inputs', 0.5, 4, 1, 0.1, (value) => value.toFixed(1));
  const normalised = toggle('Batch normalisation', false);
  const again = button('Other weights', () => {});
  await controls(stage, [gain, normalised, again], async () => {
    const sizes = await tidy(() => {
      const [ones, zeros] = [constant(1)([WIDTH]), constant(0)([WIDTH])];
      let x: Tensor = randn([BATCH, WIDTH]);
      const measured: Tensor[] = [];
      for (let layer = 0; layer < DEPTH; layer++) {
        const w = normal(0, Math.sqrt(gain.value / WIDTH))([WIDTH, WIDTH]);
        const sum = matmul(x, w);
        w.dispose();
        x = relu(normalised.value ? batchNorm(sum, ones, zeros).y : sum);
        measured.push(sqrt(mean(square(x))));
      }
      const result = stack(measured);
      ones.dispose();
      zeros.dispose();
      return result;
    }).data();
    const points = Array.from(sizes, (size, i) => [i + 1, size] as const);
    const change = (sizes.at(-1)! / sizes[0]!) ** (1 / (DEPTH - 1));
    return [
      plot([{ name: 'activations', points }], {
        x: 'layer',
        y: 'root mean square of the activations',
        logY: true,
        rangeX: [1, DEPTH],
        rangeY: [1e-8, 1e6],
      }),
      note(`From one layer to the next activations change by a factor of ${change.toFixed(2)} on average.`),
    ];
  });
};
