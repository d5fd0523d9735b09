import {
  checkBatchNorm,
  checkConvForward,
  checkConvGradInput,
  checkConvGradWeight,
  checkMatmul,
  checkMaxPool,
  checkUpsample,
  outputSize,
} from '../../src/measure/check.ts';
import { convName, type ConvShape } from '../../src/measure/conv-shapes.ts';

// What every library is asked to do. Images are NHWC, filters HWIO, gradients are given; a worker turns them into what
// its library likes before anything is timed, and its results back before they are checked.

/** What a worker runs; its own code says how. */
export type Operation = 'matmul' | 'conv' | 'batchNorm' | 'maxPool' | 'upsample' | 'trainStep' | 'detect';

/** Values by name. */
export type Operands = Readonly<Record<string, Float32Array>>;

export interface PeerCase {
  readonly name: string;
  readonly operation: Operation;
  /** Of a convolution. */
  readonly conv?: ConvShape & { readonly kind: 'forward' | 'dx' | 'dw' };
  /** Operations of the direct algorithm, two per multiply-add, or bytes that must be read and written. */
  readonly work?: { readonly flops: number } | { readonly bytes: number };
  /** Shapes of the operands; their values are normally distributed. Absent for the whole network. */
  readonly operands?: Readonly<Record<string, readonly number[]>>;
  /** What is wrong with the results, or null. Absent for the whole network, whose results are compared. */
  readonly check?: (operands: Operands, results: readonly Float32Array[]) => string | null;
}

type ImageShape = readonly [number, number, number, number];

const product = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);

function matmulCase(n: number): PeerCase {
  return {
    name: `matmul ${n}x${n}x${n}`,
    operation: 'matmul',
    work: { flops: 2 * n ** 3 },
    operands: { a: [n, n], b: [n, n] },
    check: ({ a, b }, [y]) => checkMatmul(n, a!, b!, y!),
  };
}

function convCases(side: number, from: number, to: number, kernel: number, stride: number): PeerCase[] {
  const shape: ConvShape = {
    x: [1, side, side, from],
    w: [kernel, kernel, from, to],
    stride,
    padding: (kernel - 1) / 2,
  };
  const [p, q] = outputSize(shape);
  const operands = { x: shape.x, w: shape.w, dy: [1, p, q, to] };
  const checks = { forward: checkConvForward, dx: checkConvGradInput, dw: checkConvGradWeight };
  return (['forward', 'dx', 'dw'] as const)
    .filter((kind) => from !== 3 || kind !== 'dx') // Nobody needs the gradient of the image.
    .map((kind) => ({
      name: `conv ${convName(shape)} ${kind}`,
      operation: 'conv',
      conv: { ...shape, kind },
      work: { flops: 2 * p * q * product(shape.w) },
      operands,
      check: ({ x, w, dy }, [result]) => checks[kind](shape, { x: x!, w: w!, dy: dy! }, result!),
    }));
}

/** Five passes over the tensor: x twice and y forward, x and dy, dx backward, fused. */
function batchNormCase(shape: ImageShape): PeerCase {
  return {
    name: `batch norm forward + backward [${shape}]`,
    operation: 'batchNorm',
    work: { bytes: 5 * 4 * product(shape) },
    operands: { x: shape, gamma: [shape[3]], beta: [shape[3]], dy: shape },
    check: ({ x, gamma, beta, dy }, results) =>
      checkBatchNorm(shape, { x: x!, gamma: gamma!, beta: beta!, dy: dy! }, results),
  };
}

function maxPoolCase(shape: ImageShape): PeerCase {
  return {
    name: `max pool 3x3 s2 [${shape}]`,
    operation: 'maxPool',
    work: { bytes: 5 * product(shape) },
    operands: { x: shape },
    check: ({ x }, [y]) => checkMaxPool(shape, x!, y!),
  };
}

function upsampleCase(shape: ImageShape): PeerCase {
  return {
    name: `upsample 2x [${shape}]`,
    operation: 'upsample',
    work: { bytes: 20 * product(shape) },
    operands: { x: shape },
    check: ({ x }, [y]) => checkUpsample(shape, x!, y!),
  };
}

export const CASES: readonly PeerCase[] = [
  matmulCase(1024),
  ...convCases(32, 256, 256, 3, 1),
  ...convCases(64, 64, 64, 3, 1),
  ...convCases(64, 256, 64, 1, 1),
  ...convCases(64, 64, 256, 1, 1),
  ...convCases(256, 3, 64, 7, 2),
  ...convCases(56, 128, 128, 3, 2),
  batchNormCase([1, 64, 64, 256]),
  maxPoolCase([1, 128, 128, 64]),
  upsampleCase([1, 32, 32, 256]),
  { name: 'RetinaNet ResNet-50 256 px, forward with NMS', operation: 'detect' },
  { name: 'RetinaNet ResNet-50 256 px, training step', operation: 'trainStep' },
];
