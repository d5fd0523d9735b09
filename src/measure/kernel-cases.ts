import { conv2dForward, conv2dGradInput, conv2dGradWeight } from '../kernels/conv2d.ts';
import { add } from '../autograd/ops/binary.ts';
import { batchNorm } from '../autograd/ops/normalization.ts';
import { defaultDevice } from '../tensor/device.ts';
import { grad } from '../autograd/tape.ts';
import { matmul } from '../autograd/ops/matmul.ts';
import { maxPool2d } from '../autograd/ops/pool2d.ts';
import { Parameter } from '../nn/module.ts';
import { randn, zeros } from '../autograd/ops/create.ts';
import { SGD } from '../nn/optim.ts';
import { tidy } from '../tensor/scope.ts';
import { upsampleNearest } from '../autograd/ops/upsample.ts';
import type { Tensor } from '../tensor/tensor.ts';
import {
  checkBatchNorm,
  checkConvForward,
  checkConvGradInput,
  checkConvGradWeight,
  checkMatmul,
  checkMaxPool,
  checkUpsample,
  disagreement,
  outputSize,
  places,
} from './check.ts';
import { convName, retinaNetConvs, type ConvShape } from './conv-shapes.ts';

/** One thing to time. */
export interface KernelCase {
  readonly name: string;
  /** Operations of the direct algorithm, two per multiply-add, or bytes that must be read and written. */
  readonly work: { readonly flops: number } | { readonly bytes: number };
  /** Makes the operands. `run` only queues work. `check` says what is wrong with its results, or null. */
  readonly prepare: () => {
    readonly run: () => Tensor[];
    readonly check: (results: readonly Float32Array[]) => Promise<string | null>;
    readonly dispose: () => void;
  };
}

const read = async (t: Tensor): Promise<Float32Array> => (await t.data()) as Float32Array;
const release = (tensors: readonly Tensor[]): void => tensors.forEach((t) => t.dispose());

/** Image sizes of the suite. */
export type SizeName = '256' | '512' | '800x1344';
export const SIZES: Readonly<Record<SizeName, readonly [number, number]>> = {
  256: [256, 256],
  512: [512, 512],
  '800x1344': [800, 1344],
};

/** The cases for some image sizes. */
export function kernelCases(sizes: readonly SizeName[]): KernelCase[] {
  const convs = new Map<string, ConvShape>();
  for (const size of sizes) {
    for (const depth of [18, 50] as const) {
      for (const shape of retinaNetConvs(depth, SIZES[size])) convs.set(convName(shape), shape);
    }
  }
  return [
    matmulCase(1024),
    ...[...convs.values()].flatMap(convCases),
    ...sizes.flatMap((size) => {
      const [h, w] = SIZES[size];
      return [
        batchNormCase([1, h / 4, w / 4, 256]),
        maxPoolCase([1, h / 2, w / 2, 64]),
        upsampleCase([1, h / 16, w / 16, 256]),
        addCase([1, h / 4, w / 4, 256]),
      ];
    }),
    sgdCase(2 ** 22),
  ];
}

function matmulCase(n: number): KernelCase {
  return {
    name: `matmul ${n}x${n}x${n}`,
    work: { flops: 2 * n ** 3 },
    prepare() {
      const [a, b] = [randn([n, n], { seed: 1 }), randn([n, n], { seed: 2 })];
      return {
        run: () => [matmul(a, b)],
        check: async ([y]) => checkMatmul(n, await read(a), await read(b), y!),
        dispose: () => release([a, b]),
      };
    },
  };
}

function convCases(shape: ConvShape): KernelCase[] {
  const { x: xs, w: ws, stride, padding } = shape;
  const [p, q] = outputSize(shape);
  const flops = 2 * xs[0] * p * q * ws[0] * ws[1] * ws[2] * ws[3];
  const options = { stride, padding };
  const kinds = {
    forward: {
      run: (x: Tensor, w: Tensor) => conv2dForward(x, w, null, options),
      check: checkConvForward,
    },
    dx: {
      run: (_: Tensor, w: Tensor, dy: Tensor) => conv2dGradInput(dy, w, xs, options),
      check: checkConvGradInput,
    },
    dw: {
      run: (x: Tensor, _: Tensor, dy: Tensor) => conv2dGradWeight(dy, x, ws, options),
      check: checkConvGradWeight,
    },
  };
  // Nobody needs the gradient of the image.
  const wanted = Object.entries(kinds).filter(([kind]) => xs[3] !== 3 || kind !== 'dx');
  return wanted.map(([kind, { run, check }]) => ({
    name: `conv ${convName(shape)} ${kind}`,
    work: { flops },
    prepare() {
      const x = randn(xs, { seed: 1 });
      const w = randn(ws, { seed: 2 });
      const dy = randn([xs[0], p, q, ws[3]], { seed: 3 });
      return {
        run: () => [run(x, w, dy)],
        check: async ([y]) => check(shape, { x: await read(x), w: await read(w), dy: await read(dy) }, y!),
        dispose: () => release([x, w, dy]),
      };
    },
  }));
}

/** An operation on one image. */
function imageCase(
  name: string,
  shape: readonly [number, number, number, number],
  bytes: number,
  op: (x: Tensor) => Tensor,
  check: (shape: readonly [number, number, number, number], x: Float32Array, y: Float32Array) => string | null,
): KernelCase {
  return {
    name: `${name} [${shape}]`,
    work: { bytes },
    prepare() {
      const x = randn(shape, { seed: 1 });
      return {
        run: () => [op(x)],
        check: async ([y]) => check(shape, await read(x), y!),
        dispose: () => x.dispose(),
      };
    },
  };
}

function maxPoolCase(shape: readonly [number, number, number, number]): KernelCase {
  const bytes = 5 * shape.reduce((a, b) => a * b); // The result is a quarter.
  const options = { kernel: 3, stride: 2, padding: 1 };
  return imageCase('max pool 3x3 s2', shape, bytes, (x) => maxPool2d(x, options), checkMaxPool);
}

function upsampleCase(shape: readonly [number, number, number, number]): KernelCase {
  const [, h, w] = shape;
  const bytes = 20 * shape.reduce((a, b) => a * b); // The result is four times as large.
  return imageCase('upsample 2x', shape, bytes, (x) => upsampleNearest(x, [2 * h, 2 * w]), checkUpsample);
}

function addCase(shape: readonly [number, number, number, number]): KernelCase {
  const bytes = 12 * shape.reduce((a, b) => a * b);
  return imageCase(
    'add',
    shape,
    bytes,
    (x) => add(x, x),
    (_, x, y) => {
      const random = places(5);
      const [channels, pixels] = [shape[3], x.length / shape[3]];
      return disagreement(
        Array.from({ length: 4 * channels }, (__, i) => {
          const index = random(pixels) * channels + (i % channels);
          return [y[index]!, 2 * x[index]!] as const;
        }),
      );
    },
  );
}

/** Training: forward and backward. Five passes over the tensor: x twice and y forward, x and dy, dx backward, fused. */
function batchNormCase(shape: readonly [number, number, number, number]): KernelCase {
  const [, h, w, c] = shape;
  const rows = h * w;
  return {
    name: `batch norm forward + backward [${shape}]`,
    work: { bytes: 5 * 4 * rows * c },
    prepare() {
      const leaf = (of: readonly number[], seed: number): Tensor => new Parameter(randn(of, { seed }));
      const [x, gamma, beta] = [leaf(shape, 1), leaf([c], 2), leaf([c], 3)];
      const dy = randn(shape, { seed: 4 });
      return {
        run: () =>
          tidy(() => {
            const { y } = batchNorm(x, gamma, beta);
            return [y, ...grad(y, [x, gamma, beta], { gradient: dy })];
          }),
        async check(results) {
          const [xv, gv, bv, dv] = await Promise.all([x, gamma, beta, dy].map(read));
          return checkBatchNorm(shape, { x: xv!, gamma: gv!, beta: bv!, dy: dv! }, results);
        },
        dispose: () => release([x, gamma, beta, dy]),
      };
    },
  };
}

/** Reads the gradient, the momentum and the parameter, writes the last two. */
function sgdCase(size: number): KernelCase {
  return {
    name: `SGD with momentum [${size}]`,
    work: { bytes: 5 * 4 * size },
    prepare() {
      const parameter = new Parameter(zeros([size], { device: defaultDevice() }));
      parameter.grad = randn([size], { seed: 1 });
      const optimizer = new SGD([parameter], { lr: 0, momentum: 0.9 });
      optimizer.step();
      return {
        run() {
          optimizer.step();
          return [];
        },
        async check() {
          // After many steps with the same gradient the momentum is ten times the gradient; lr 0 leaves the parameter.
          for (let i = 0; i < 200; i++) optimizer.step();
          const momentum = await read(optimizer.stateDict().get('0.momentum') as Tensor);
          const gradient = await read(parameter.grad!);
          const random = places(7);
          return disagreement(
            Array.from({ length: 100 }, () => {
              const i = random(size);
              return [momentum[i]!, 10 * gradient[i]!] as const;
            }),
          );
        },
        dispose() {
          parameter.grad?.dispose();
          optimizer.dispose();
          parameter.dispose();
        },
      };
    },
  };
}
