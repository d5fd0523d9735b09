// How much a 3x3 convolution and its gradients round, with Winograd's algorithm and as direct sums, against float64: the table
// in docs/architecture.md. Takes seconds.
//   node --conditions retinagrad-source --import tsx bench/rounding.ts
import { conv2d, grad, init, tensor, type Device, type Tensor } from 'retinagrad';
import { Random } from '../src/common/random.ts';
import { offsetOf, sizeOf, type Reference, type Values } from '../src/measure/reference/array.ts';
import { conv2d as forward, conv2dGradInput, conv2dGradWeight } from '../src/measure/reference/conv2d.ts';

/** Elements that are compared, of each result. */
const SAMPLES = 1500;
const OPTIONS = { padding: 1 } as const;

/** Images, their side and their channels, with the algorithm that they select: F(4x4), and F(2x2) for the last. */
const CASES = [
  [2, 32, 64],
  [2, 16, 256],
  [2, 16, 512],
  [1, 10, 256],
] as const;

function normal(name: string, ...shape: number[]): Values {
  const random = new Random('rounding', name);
  return { shape, data: Float32Array.from({ length: sizeOf(shape) }, () => random.normal()) };
}

/** Root mean square of the error at sampled elements, and the largest one, both divided by the root mean square of the result. */
async function errors(result: Tensor, reference: Reference): Promise<{ rms: number; largest: number }> {
  const data = await result.data();
  const random = new Random('samples');
  let [error, size, largest] = [0, 0, 0];
  for (let i = 0; i < SAMPLES; i++) {
    const index = reference.shape.map((extent) => random.int(extent));
    const expected = reference.at(...index);
    const difference = Math.abs(data[offsetOf(reference.shape, index)]! - expected);
    error += difference ** 2;
    size += expected ** 2;
    largest = Math.max(largest, difference);
  }
  return { rms: Math.sqrt(error / size), largest: largest / Math.sqrt(size / SAMPLES) };
}

/** The forward result, dx and dw on a device. */
function results(device: Device, x: Values, w: Values, dy: Values): Tensor[] {
  const upload = ({ shape, data }: Values, requiresGrad: boolean): Tensor =>
    tensor(data as Float32Array, { shape, device, requiresGrad });
  const [xs, ws] = [upload(x, true), upload(w, true)];
  const y = conv2d(xs, ws, null, OPTIONS);
  return [y, ...grad(y, [xs, ws], { gradient: upload(dy, false) })];
}

const devices = [
  ['Winograd', await init()],
  ['direct', await init({ winograd: false })],
] as const;
console.log(devices[0][1].adapter.name);
for (const [images, side, channels] of CASES) {
  const shape = [images, side, side, channels];
  const [x, w, dy] = [normal('x', ...shape), normal('w', 3, 3, channels, channels), normal('dy', ...shape)];
  const references = [
    forward(x, w, null, OPTIONS),
    conv2dGradInput(dy, w, shape, OPTIONS),
    conv2dGradWeight(dy, x, w.shape, OPTIONS),
  ];
  for (const [name, device] of devices) {
    const found = [];
    for (const [i, result] of results(device, x, w, dy).entries()) found.push(await errors(result, references[i]!));
    const row = found.map(({ rms, largest }) => `${rms.toExponential(1)} (${largest.toExponential(1)})`);
    console.log(`${images} x ${side} x ${side} x ${channels}, ${name}: ${row.join(', ')}`);
  }
}
for (const [, device] of devices) device.destroy();
