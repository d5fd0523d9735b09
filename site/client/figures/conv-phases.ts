// How many products reach each input pixel of a convolution with a stride: dx for filters and gradients of ones.
import { conv2d, grad, ones, tidy } from 'retinagrad';
import type { Mount } from '../figure.ts';
import { device } from '../gpu.ts';
import { choice, controls, heatmap, note, slider } from '../ui.ts';

const N = 9;

export const mount: Mount = async (stage) => {
  await device();
  const size = choice(
    'Filter',
    [2, 3, 5].map((n) => [`${n} × ${n}`, n] as const),
    1,
  );
  const stride = slider('Stride', 1, 4, 2);
  await controls(stage, [size, stride], async () => {
    const dx = await tidy(() => {
      const x = ones([1, N, N, 1], { requiresGrad: true });
      const y = conv2d(x, ones([size.value, size.value, 1, 1]), null, { stride: stride.value, padding: 1 });
      return grad(y, [x], { gradient: ones(y.shape) })[0]!;
    }).data();
    const products = Array.from(dx).reduce((sum, count) => sum + count, 0);
    const phases = Math.min(stride.value, N) ** 2;
    return [
      heatmap('Products that reach each pixel of x', N, dx, { digits: 0 }),
      note(
        `${phases} ${phases === 1 ? 'phase' : 'phases'}, ${products} products in all. ` +
          `Testing all ${size.value ** 2} taps at each of ${N * N} pixels would take ${size.value ** 2 * N * N}.`,
      ),
    ];
  });
};
