import { checkInteger, checkNumber } from '../../common/check.ts';
import { binary } from '../../kernels/elementwise.ts';
import { createOptions, write, type CreateOptions } from '../../tensor/create.ts';
import type { Device } from '../../tensor/device.ts';
import type { DType } from '../../tensor/dtype.ts';
import { tidy } from '../../tensor/scope.ts';
import { checkTensor, empty, type Tensor } from '../../tensor/tensor.ts';
import { cast } from './cast.ts';
import { arange } from './create.ts';
import { where } from './where.ts';

// Matrices by the position of their elements relative to the diagonal.

/** column - row - diagonal compared with 0, for each element of a matrix, as bool. */
function compared(
  op: 'equal' | 'lessEqual' | 'greaterEqual',
  rows: number,
  columns: number,
  diagonal: number,
  device: Device,
): Tensor {
  const options = { dtype: 'int32', device } as const;
  const row = arange(diagonal, diagonal + rows, 1, options);
  return binary(op, arange(0, columns, 1, options), row.alias([rows, 1]));
}

/** The elements of the last two axes on one side of a diagonal, and 0 elsewhere. */
function triangle<D extends DType>(
  op: string,
  x: Tensor<D>,
  side: 'lessEqual' | 'greaterEqual',
  diagonal: number,
): Tensor<D> {
  checkTensor(op, 'x', x);
  if (x.shape.length < 2) throw new RangeError(`${op}: expected a tensor of at least two axes, got [${x.shape}]`);
  checkInteger(op, 'diagonal', diagonal);
  const [rows, columns] = x.shape.slice(-2) as [number, number];
  const inside = Math.min(Math.max(diagonal, -rows), columns);
  return tidy(() => where(compared(side, rows, columns, inside, x.device), x, 0) as Tensor<D>);
}

/**
 * The lower triangle of the last two axes, and 0 elsewhere.
 *
 * @param diagonal the highest diagonal that stays: 0 (default) the main one, positive ones above it
 *
 * @example
 * await tril(ones([3, 3])).print();
 * // Tensor(float32 [3,3])
 * // [[1., 0., 0.],
 * //  [1., 1., 0.],
 * //  [1., 1., 1.]]
 */
export const tril = <D extends DType>(x: Tensor<D>, diagonal = 0): Tensor<D> =>
  triangle('tril', x, 'lessEqual', diagonal);

/**
 * The upper triangle of the last two axes, and 0 elsewhere.
 *
 * @param diagonal the lowest diagonal that stays: 0 (default) the main one, positive ones above it
 *
 * @example
 * await triu(ones([3, 3]), 1).print();
 * // Tensor(float32 [3,3])
 * // [[0., 1., 1.],
 * //  [0., 0., 1.],
 * //  [0., 0., 0.]]
 */
export const triu = <D extends DType>(x: Tensor<D>, diagonal = 0): Tensor<D> =>
  triangle('triu', x, 'greaterEqual', diagonal);

/**
 * A matrix with ones on its diagonal and zeros elsewhere; square by default.
 *
 * @example
 * await eye(2, 3).print();
 * // Tensor(float32 [2,3])
 * // [[1., 0., 0.],
 * //  [0., 1., 0.]]
 */
export function eye<D extends DType = 'float32'>(
  rows: number,
  columns = rows,
  options: CreateOptions<D> = {},
): Tensor<D> {
  const { dtype, device, requiresGrad } = createOptions('eye', options);
  checkInteger('eye', 'rows', rows, { min: 0 });
  checkInteger('eye', 'columns', columns, { min: 0 });
  const y = tidy(() => cast(compared('equal', rows, columns, 0, device), dtype)) as Tensor<D>;
  y.requiresGrad = requiresGrad;
  return y;
}

/**
 * `count` numbers at equal distances from start to stop, both included; only start if the count is 1.
 *
 * @example
 * await linspace(0, 1, 5).print(); // Tensor(float32 [5]) [0.0000, 0.2500, 0.5000, 0.7500, 1.0000]
 */
export function linspace(
  start: number,
  stop: number,
  count: number,
  options: Omit<CreateOptions<'float32'>, 'dtype' | 'shape'> = {},
): Tensor<'float32'> {
  const { device, requiresGrad } = createOptions('linspace', options, { device: undefined, requiresGrad: false });
  checkNumber('linspace', 'start', start, { finite: true });
  checkNumber('linspace', 'stop', stop, { finite: true });
  checkInteger('linspace', 'count', count, { min: 0 });
  const step = (stop - start) / Math.max(count - 1, 1);
  // From both ends, so that the last one is exact, too.
  const at = (i: number): number => (2 * i < count ? start + i * step : stop - (count - 1 - i) * step);
  const t = empty(device, [count], 'float32', 'linspace');
  write(
    t,
    Float32Array.from({ length: count }, (_, i) => at(i)),
  );
  t.requiresGrad = requiresGrad;
  return t;
}
