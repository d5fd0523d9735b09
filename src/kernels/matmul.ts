import type { Device } from '../tensor/device.ts';
import { broadcastShapes, broadcastStrides, sizeOf, type Shape } from '../tensor/shape.ts';
import { empty, type Tensor } from '../tensor/tensor.ts';
import { gatherStrided } from './copy.ts';
import { checkFloat, fill } from './elementwise.ts';
import { allRows, matrixRows, planProduct } from './convolution/gemm.ts';
import { run, type Bindable } from './run.ts';
import { inSlices } from './slices.ts';
import { factsOf } from './tuning.ts';
import { matmul as matmulKernel } from './wgsl/matmul.wgsl.ts';

/** Number of multiplications above which the kernel for large products makes up for transposing its operands. */
const LARGE = 2 ** 18;
const COLS = 16;
const ROWS = 4;

/** Whether an operand is read with its last two axes swapped. */
export interface MatmulOptions {
  readonly transposeA?: boolean;
  readonly transposeB?: boolean;
}

const swapped = (shape: Shape): Shape => [...shape.slice(0, -2), shape.at(-1)!, shape.at(-2)!];

/** Matrix product of [..., M, K] and [..., K, N]; leading axes broadcast. */
export function matmulForward(
  a: Tensor,
  b: Tensor,
  { transposeA = false, transposeB = false }: MatmulOptions = {},
): Tensor {
  const op = 'matmul';
  checkFloat(op, a, b);
  if (a.shape.length < 2 || b.shape.length < 2) {
    throw new RangeError(`matmul: [${a.shape}] and [${b.shape}] do not fit: expected at least two axes each`);
  }
  const [aShape, bShape] = [transposeA ? swapped(a.shape) : a.shape, transposeB ? swapped(b.shape) : b.shape];
  const [m, k, n] = [aShape.at(-2)!, aShape.at(-1)!, bShape.at(-1)!];
  if (bShape.at(-2) !== k) {
    throw new RangeError(
      `matmul: [${aShape}] and [${bShape}] do not fit: expected [..., M, K] and [..., K, N] with the same K`,
    );
  }
  const batch = broadcastShapes(op, aShape.slice(0, -2), bShape.slice(0, -2));
  const y = empty(a.device, [...batch, m, n], 'float32', op);
  if (y.size === 0) return y;
  if (k === 0) {
    fill(y, 0);
    return y;
  }
  const isLarge = m * k * n >= LARGE && k % 4 === 0 && n % 4 === 0;
  const x = operand(op, a, batch, isLarge && transposeA);
  const z = operand(op, b, batch, isLarge && transposeB);
  // Operands that are the same for every batch entry are bound as a whole; the others in slices of the batch.
  const isShared = (t: Tensor): boolean => t.size === sizeOf(t.shape.slice(-2));
  const inputs = [x, z].filter((t) => !isShared(t));
  const steps = { aBatch: isShared(x) ? 0 : m * k, zBatch: isShared(z) ? 0 : k * n };
  inSlices(op, sizeOf(batch), inputs, [y], (_, count, slices) => {
    const bind = {
      a: isShared(x) ? x : slices[0]!,
      z: isShared(z) ? z : slices[inputs.length - 1]!,
      y: slices.at(-1)!,
    };
    const sizes = { count, m, k, n, ...steps };
    if (isLarge) launchLarge(a.device, op, bind, sizes);
    else launchSmall(a.device, op, bind, sizes, { transposeA, transposeB });
  });
  if (x !== a) x.dispose();
  if (z !== b) z.dispose();
  return y;
}

interface Matrices {
  readonly a: Bindable;
  readonly z: Bindable;
  readonly y: Bindable;
}

/** `count` products of [M, K] and [K, N], and the distances between their operands in elements; 0 shares one operand. */
interface Sizes {
  readonly count: number;
  readonly m: number;
  readonly k: number;
  readonly n: number;
  readonly aBatch: number;
  readonly zBatch: number;
}

/** The kernels of convolutions, for row-major matrices. */
function launchLarge(
  device: Device,
  op: string,
  { a, z, y }: Matrices,
  { count, m, k, n, aBatch, zBatch }: Sizes,
): void {
  const { kernel, ...launch } = planProduct(factsOf(device), {
    images: 1,
    gather: matrixRows(m, k),
    scatter: allRows(m),
    k: n,
    batch: { count, x: aBatch, w: zBatch, y: m * n },
  });
  run(device, kernel, { op, bind: { x: a, w: z, scale: z, bias: z, add: z, y }, ...launch });
}

/** A kernel that reads matrices transposed or not. */
function launchSmall(
  device: Device,
  op: string,
  bind: Matrices,
  { count, m, k, n, aBatch, zBatch }: Sizes,
  { transposeA, transposeB }: MatmulOptions,
): void {
  run(device, matmulKernel, {
    op,
    consts: { COLS, ROWS },
    bind,
    params: {
      m,
      n,
      k,
      aBatch,
      aRow: transposeA ? 1 : k,
      aCol: transposeA ? m : 1,
      zBatch,
      zRow: transposeB ? 1 : n,
      zCol: transposeB ? k : 1,
    },
    groups: [Math.ceil(n / (COLS * 4)), Math.ceil(m / (ROWS * 4)), count],
  });
}

/** The operand itself, or a copy: stretched to the batch unless it has one matrix or all of them, transposed if asked. */
function operand(op: string, t: Tensor, batch: Shape, transposed: boolean): Tensor {
  const own = t.shape.slice(0, -2);
  const isUsable = sizeOf(own) === 1 || sizeOf(own) === sizeOf(batch);
  if (isUsable && !transposed) return t;
  const shape = [...(isUsable ? own : batch), ...t.shape.slice(-2)];
  const strides = broadcastStrides(t.shape, shape);
  if (!transposed) return gatherStrided(op, t, { start: 0, strides }, shape);
  return gatherStrided(op, t, { start: 0, strides: swapped(strides) }, swapped(shape));
}
