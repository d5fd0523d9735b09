import { Random } from '../common/random.ts';
import { conv2dForward, conv2dGradInput, conv2dGradWeight } from '../kernels/convolution/conv2d.ts';
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
import { disagreement } from './check.ts';
import { convName, retinaNetConvs, type ConvShape } from './conv-shapes.ts';
import {
  addTask,
  batchNormTask,
  checkTask,
  convTasks,
  MAX_POOL,
  matmulTask,
  maxPoolTask,
  upsampleTask,
  type Named,
  type Task,
  type Work,
} from './tasks.ts';

/** A task of this library, ready to be timed. */
export interface KernelCase {
  readonly name: string;
  readonly work: Work;
  /** Makes the operands. `run` only queues work. `check` says what is wrong with its results, or null. */
  readonly prepare: () => {
    readonly run: () => Tensor[];
    readonly check: (results: readonly Float32Array[]) => Promise<string | null>;
    readonly dispose: () => void;
  };
}

const read = async (t: Tensor): Promise<Float32Array> => (await t.data()) as Float32Array;

/** Image sizes of the suite. */
export type SizeName = '256' | '512' | '800x1344';
export const SIZES: Readonly<Record<SizeName, readonly [number, number]>> = {
  256: [256, 256],
  512: [512, 512],
  '800x1344': [800, 1344],
};

/** The kernels of RetinaNet with ResNet-18 and ResNet-50 on one image, for images of some sizes [height, width]. */
export function kernelCases(sizes: readonly (readonly [number, number])[]): KernelCase[] {
  const convs = new Map<string, ConvShape>();
  for (const size of sizes) {
    for (const depth of [18, 50] as const) {
      for (const shape of retinaNetConvs(depth, size)) convs.set(convName(shape), shape);
    }
  }
  const tasks = [
    matmulTask(1024),
    ...[...convs.values()].flatMap(convTasks),
    ...sizes.flatMap(([h, w]) => [
      batchNormTask([1, h / 4, w / 4, 256]),
      maxPoolTask([1, h / 2, w / 2, 64]),
      upsampleTask([1, h / 16, w / 16, 256]),
      addTask([1, h / 4, w / 4, 256]),
    ]),
  ];
  return [...tasks.map(taskCase), sgdCase(2 ** 22)];
}

/** A task as this library solves it. */
export const taskCase = (task: Task): KernelCase => caseOf(task.name, task, (operands) => runTask(task, operands));

/** A task that `run` solves. */
export function caseOf(name: string, task: Task, run: (operands: Named<Tensor>) => Tensor[]): KernelCase {
  return {
    name,
    work: task.work,
    prepare() {
      const operands = Object.entries(task.operands).map(
        ([name, shape], i) => [name, randn(shape, { seed: i + 1 })] as const,
      );
      const tensors = Object.fromEntries(operands);
      return {
        run: () => run(tensors),
        async check(results) {
          const values = await Promise.all(operands.map(async ([name, t]) => [name, await read(t)] as const));
          return checkTask(task, Object.fromEntries(values), results);
        },
        dispose: () => operands.forEach(([, t]) => t.dispose()),
      };
    },
  };
}

/** Runs a task. Convolutions are launched without the tape, which would compute the forward pass for each gradient. */
export function runTask({ operation, conv }: Task, { a, b, x, w, gamma, beta, dy }: Named<Tensor>): Tensor[] {
  switch (operation) {
    case 'matmul':
      return [matmul(a!, b!)];
    case 'conv':
      if (conv!.kind === 'forward') return [conv2dForward(x!, w!, null, conv!)];
      if (conv!.kind === 'dx') return [conv2dGradInput(dy!, w!, conv!.x, conv!)];
      return [conv2dGradWeight(dy!, x!, conv!.w, conv!)];
    case 'batchNorm':
      return tidy(() => {
        const wanted = [x!, gamma!, beta!];
        for (const t of wanted) t.requiresGrad = true;
        const { y } = batchNorm(x!, gamma!, beta!);
        return [y, ...grad(y, wanted, { gradient: dy! })];
      });
    case 'maxPool':
      return [maxPool2d(x!, MAX_POOL)];
    case 'upsample':
      return [upsampleNearest(x!, [2 * x!.shape[1]!, 2 * x!.shape[2]!])];
    case 'add':
      return [add(x!, x!)];
  }
}

/** An optimizer step reads the gradient, the momentum and the parameter, and writes the last two. */
function sgdCase(size: number): KernelCase {
  return {
    name: `SGD with momentum [${size}]`,
    work: { bytes: 5 * 4 * size, intensity: 4 / 20 },
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
          // After many steps with the same gradient the momentum is ten times the gradient; lr 0 keeps the parameter.
          for (let i = 0; i < 200; i++) optimizer.step();
          const momentum = await read(optimizer.stateDict().get('0.momentum') as Tensor);
          const gradient = await read(parameter.grad!);
          const random = new Random('SGD');
          return disagreement(
            Array.from({ length: 100 }, () => {
              const i = random.int(size);
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
