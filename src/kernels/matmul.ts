import { broadcastShapes, broadcastStrides, sizeOf, type Shape } from '../tensor/shape.ts';
import { empty, type Tensor } from '../tensor/tensor.ts';
import { gatherStrided } from './copy.ts';
import { checkFloat, fill } from './elementwise.ts';
import { allRows, gemm, matrixRows } from './gemm.ts';
import { run, type Bindable } from './run.ts';
import { inSlices } from './slices.ts';
import { matmul as matmulKernel } from './wgsl/matmul.wgsl.ts';

/** Multiplications from which on the kernel for large products pays for transposing its operands. */
const LARGE = 2 ** 18;
const COLS = 16;
const ROWS = 4;

/** How an operand is read: as it is, or with its last two axes swapped. */
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
  const count = sizeOf(batch);
  const isLarge = m * k * n >= LARGE && k % 4 === 0 && n % 4 === 0;
  const x = operand(op, a, batch, isLarge && transposeA);
  const z = operand(op, b, batch, isLarge && transposeB);
  const one = (t: Tensor): boolean => t.size === sizeOf(t.shape.slice(-2));
  const [aOne, bOne] = [one(x), one(z)];
  const launch = (batches: number, av: Bindable, zv: Bindable, yv: Bindable): void => {
    if (isLarge) {
      const steps = { count: batches, x: aOne ? 0 : m * k, w: bOne ? 0 : k * n, y: m * n };
      gemm(a.device, op, 1, matrixRows(m, k), allRows(m), n, { x: av, w: zv, y: yv }, {}, steps);
      return;
    }
    run(a.device, matmulKernel, {
      op,
      consts: { COLS, ROWS },
      bind: { a: av, z: zv, y: yv },
      params: {
        m,
        n,
        k,
        aBatch: aOne ? 0 : m * k,
        aRow: transposeA ? 1 : k,
        aCol: transposeA ? m : 1,
        zBatch: bOne ? 0 : k * n,
        zRow: transposeB ? 1 : n,
        zCol: transposeB ? k : 1,
      },
      groups: [Math.ceil(n / (COLS * 4)), Math.ceil(m / (ROWS * 4)), batches],
    });
  };
  // Operands that are the same for every batch entry are bound whole; the others in slices of the batch.
  const inputs = [...(aOne ? [] : [x]), ...(bOne ? [] : [z])];
  inSlices(op, count, inputs, [y], (_, batches, slices) => {
    const [av, zv] = aOne ? [x, bOne ? z : slices[0]!] : [slices[0]!, bOne ? z : slices[1]!];
    launch(batches, av, zv, slices.at(-1)!);
  });
  if (x !== a) x.dispose();
  if (z !== b) z.dispose();
  return y;
}

/**
 * The operand itself if its batch is one matrix or the whole batch, otherwise a copy stretched to the batch; a copy too
 * if its matrices are to be transposed.
 */
function operand(op: string, t: Tensor, batch: Shape, transposed: boolean): Tensor {
  const own = t.shape.slice(0, -2);
  const isUsable = sizeOf(own) === 1 || sizeOf(own) === sizeOf(batch);
  if (isUsable && !transposed) return t;
  const shape = [...(isUsable ? own : batch), ...t.shape.slice(-2)];
  const strides = broadcastStrides(t.shape, shape);
  if (!transposed) return gatherStrided(op, t, { start: 0, strides }, shape);
  return gatherStrided(op, t, { start: 0, strides: swapped(strides) }, swapped(shape));
}
