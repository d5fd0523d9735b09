// A program of somebody who uses the package, in Node and in browsers: it teaches a small network of two convolutions
// to give the squared magnitude of a picture's gradient, which one convolution alone cannot.
import {
  Adam,
  Conv2d,
  ReLU,
  Sequential,
  backward,
  init,
  manualSeed,
  mean,
  randn,
  square,
  sub,
  tensor,
  tidy,
} from 'retinagrad';

/** What training did. */
export interface Fit {
  readonly adapter: string;
  readonly kind: string;
  /** Loss of every step. */
  readonly losses: readonly number[];
  /** Tensors alive after the first step and after the last. */
  readonly tensors: readonly [number, number];
}

const [IMAGES, SIZE, STEPS] = [4, 12, 60];

export async function fit(): Promise<Fit> {
  const device = await init();
  manualSeed(7);
  const x = randn([IMAGES, SIZE, SIZE, 1], { seed: 1 });
  const y = tensor(squaredGradient(await x.data()), { shape: x.shape });
  const model = new Sequential(
    new Conv2d(1, 16, { kernel: 3, padding: 1 }),
    new ReLU(),
    new Conv2d(16, 1, { kernel: 3, padding: 1 }),
  );
  const optimizer = new Adam(model.parameters(), { lr: 0.02 });
  const losses: number[] = [];
  let tensors = 0;
  for (let step = 0; step < STEPS; step++) {
    const loss = tidy(() => {
      const value = mean(square(sub(model.forward(x), y)));
      backward(value);
      optimizer.step();
      optimizer.zeroGrad();
      return value;
    });
    losses.push(await loss.item());
    loss.dispose();
    if (step === 0) tensors = device.memory().tensors;
  }
  const { name, kind } = device.adapter;
  return { adapter: name, kind, losses, tensors: [tensors, device.memory().tensors] };
}

/** Central differences, with zeros outside of the picture. */
function squaredGradient(x: ArrayLike<number>): Float32Array {
  return Float32Array.from({ length: IMAGES * SIZE * SIZE }, (_, i) => {
    const [row, column] = [Math.floor(i / SIZE) % SIZE, i % SIZE];
    const at = (dy: number, dx: number): number => {
      const inside = row + dy >= 0 && row + dy < SIZE && column + dx >= 0 && column + dx < SIZE;
      return inside ? x[i + dy * SIZE + dx]! : 0;
    };
    return ((at(0, 1) - at(0, -1)) / 2) ** 2 + ((at(1, 0) - at(-1, 0)) / 2) ** 2;
  });
}
