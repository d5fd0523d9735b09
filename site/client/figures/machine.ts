// How fast this machine multiplies matrices with the library's kernel, checked against sums in float64.
import { init, matmul, randn, tidy, type Device, type Tensor } from 'retinagrad';
import type { Mount } from '../figure.ts';

/** Entries of the product that are checked. */
const CHECKED = 256;
/** Milliseconds to measure. */
const LENGTH = 800;

/** Milliseconds of a product: the median of several, each at least 20 ms long. */
async function timeOf(device: Device, a: Tensor, b: Tensor): Promise<number> {
  const once = async (count: number): Promise<number> => {
    const start = performance.now();
    for (let i = 0; i < count; i++) tidy(() => void matmul(a, b));
    await device.idle();
    return (performance.now() - start) / count;
  };
  await once(1); // Compiles the kernel.
  const count = Math.max(1, Math.ceil(20 / (await once(1))));
  const times: number[] = [];
  const end = performance.now() + LENGTH;
  do times.push(await once(count));
  while (performance.now() < end);
  return times.sort((x, y) => x - y)[times.length >> 1]!;
}

/** The largest error of some entries of a product, relative to the largest of them. */
async function errorOf(a: Tensor, b: Tensor, n: number): Promise<number> {
  const product = matmul(a, b);
  const [x, y, z] = await Promise.all([a.data(), b.data(), product.data()]);
  product.dispose();
  let [error, largest] = [0, 0];
  for (let k = 0; k < CHECKED; k++) {
    const [i, j] = [(k * 97) % n, (k * 193) % n];
    let sum = 0;
    for (let l = 0; l < n; l++) sum += x[i * n + l]! * y[l * n + j]!;
    error = Math.max(error, Math.abs(sum - z[i * n + j]!));
    largest = Math.max(largest, Math.abs(sum));
  }
  return error / largest;
}

export const mount: Mount = async (stage) => {
  const device = await init();
  const n = device.adapter.kind === 'software' ? 256 : 1024;
  const rate = document.createElement('p');
  rate.className = 'rate';
  const words = document.createElement('p');
  words.className = 'small muted';
  const again = document.createElement('button');
  again.textContent = 'Measure again';
  stage.append(rate, words, again);
  const measure = async (): Promise<void> => {
    again.disabled = true;
    rate.innerHTML = '… <small>GFLOP/s</small>';
    words.textContent = `Multiplying two matrices of ${n} x ${n} numbers`;
    const [a, b] = [randn([n, n], { seed: 1 }), randn([n, n], { seed: 2 })];
    const gflops = (2 * n ** 3) / (await timeOf(device, a, b)) / 1e6;
    const error = await errorOf(a, b, n);
    for (const t of [a, b]) t.dispose();
    const shown = gflops >= 100 ? Math.round(gflops).toLocaleString('en') : gflops.toFixed(1);
    rate.innerHTML = `${shown} <small>GFLOP/s</small>`;
    words.textContent =
      `on ${device.adapter.name}${device.adapter.kind === 'software' ? ', a driver that computes on the CPU' : ''}: ` +
      `${n} x ${n} x ${n}, float32. Largest error of ${CHECKED} entries beside float64 sums: ` +
      `${error.toExponential(0)} of the largest.`;
    again.disabled = false;
  };
  again.addEventListener('click', () => void measure());
  await measure();
};
