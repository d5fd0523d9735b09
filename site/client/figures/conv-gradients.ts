// Both gradients of a convolution by the library, for a gradient of its result that the reader sets.
import { conv2d, grad, tensor, tidy } from 'retinagrad';
import type { Mount } from '../figure.ts';
import { device } from '../gpu.ts';
import { choice, controls, heatmap, note, row, slider } from '../ui.ts';
import { filter, plane } from './conv-taps.ts';

const N = 6;
const image = Array.from({ length: N * N }, (_, i) => (i % N) + Math.floor(i / N));
const taps = [1, 2, 3, 4, 5, 6, 7, 8, 9];

/** The loss sum(dy y), in float64, of a filter; as a check of the library's dw. */
function loss(w: readonly number[], dy: ArrayLike<number>, columns: number, stride: number): number {
  let total = 0;
  for (let at = 0; at < dy.length; at++) {
    for (const [t, tap] of w.entries()) {
      const r = Math.floor(at / columns) * stride - 1 + Math.floor(t / 3);
      const c = (at % columns) * stride - 1 + (t % 3);
      if (r >= 0 && c >= 0 && r < N && c < N) total += dy[at]! * tap * image[r * N + c]!;
    }
  }
  return total;
}

export const mount: Mount = async (stage) => {
  await device();
  const stride = choice('Stride', [
    ['1', 1],
    ['2', 2],
  ]);
  const kind = choice('dy', [
    ['1 at one output', false],
    ['1 everywhere', true],
  ]);
  const i = slider('Output row', 0, N - 1, 2);
  const j = slider('Output column', 0, N - 1, 2);
  await controls(stage, [stride, kind, i, j], async () => {
    const size = Math.ceil(N / stride.value);
    const at = Math.min(i.value, size - 1) * size + Math.min(j.value, size - 1);
    const dy = Array.from({ length: size * size }, (_, o) => (kind.value || o === at ? 1 : 0));
    const [dx, dw] = tidy(() => {
      const x = tensor(plane(image, N), { requiresGrad: true });
      const w = tensor(filter(taps, 3), { requiresGrad: true });
      const y = conv2d(x, w, null, { stride: stride.value, padding: 1 });
      return grad(y, [x, w], { gradient: tensor(plane(dy, size)) });
    });
    const [dxs, dws] = [await dx!.data(), await dw!.data()];
    dx!.dispose();
    dw!.dispose();
    const moved = (by: number): number => loss([...taps.slice(0, -1), taps[8]! + by], dy, size, stride.value);
    const slope = (moved(0.5) - moved(-0.5)) / 1;
    return [
      row(
        heatmap('dy', size, dy, { digits: 0 }),
        heatmap('x', N, image, { digits: 0 }),
        heatmap('w', 3, taps, { digits: 0 }),
        heatmap('dx, by the library', N, dxs, { digits: 0 }),
        heatmap('dw, by the library', 3, dws, { digits: 0, mark: (r, c) => r === 2 && c === 2 }),
      ),
      note(`Check of the outlined tap: moving it by ±0.5 changes the loss by ${slope}, and dw says ${dws[8]}.`),
    ];
  });
};
