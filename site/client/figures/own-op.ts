// An operation of the page's own with its own derivative: sin(x) / x, whose gradient a program would get wrong at 0.
import {
  backward,
  cos,
  div,
  equal,
  mul,
  noGrad,
  record,
  sin,
  sub,
  sum,
  tensor,
  tidy,
  where,
  type Tensor,
} from 'retinagrad';
import type { Mount } from '../figure.ts';
import { device } from '../gpu.ts';

/** sin(x) / x, and 1 at 0. */
function sinc(x: Tensor): Tensor {
  const y = noGrad(() => tidy(() => where(equal(x, 0), 1, div(sin(x), x))));
  // d/dx sin(x) / x = (cos(x) - y) / x, and 0 at 0. It is told which tensors it may use, and captures none.
  return record('sinc', y, [x], [x, y], (dy, [x, y]) => [() => mul(dy, where(equal(x, 0), 0, div(sub(cos(x), y), x)))]);
}

export const mount: Mount = async (stage) => {
  await device();
  const points = Array.from({ length: 241 }, (_, i) => (i - 120) / 10);
  const x = tensor(points, { requiresGrad: true });
  const y = sinc(x);
  tidy(() => backward(sum(y)));
  const [values, slopes] = await Promise.all([y.data(), x.grad!.data()]);
  const line = (heights: ArrayLike<number>): string =>
    points.map((at, i) => `${(at + 12) * 25},${110 - 90 * heights[i]!}`).join(' ');
  stage.innerHTML =
    `<svg viewBox="0 0 600 170" role="img" aria-label="sin(x) / x and its derivative from -12 to 12">` +
    `<path d="M0 110H600M300 10V160" stroke="var(--line)" fill="none"/>` +
    `<polyline points="${line(values)}" fill="none" stroke="var(--accent)" stroke-width="2"/>` +
    `<polyline points="${line(slopes)}" fill="none" stroke="var(--muted)" stroke-width="1.5" stroke-dasharray="5 4"/></svg>`;
  for (const t of [x, y]) t.dispose();
};
