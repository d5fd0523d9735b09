import { checkInteger, described, optionsOf } from '../common/check.ts';
import { createOptions, type CreateOptions } from './create.ts';
import { dtypes, type DType } from './dtype.ts';
import { checkShape, sizeOf, type Shape } from './shape.ts';
import { checkTensor, empty, Storage, Tensor } from './tensor.ts';
import { bufferUsage } from './webgpu-flags.ts';

// Tensors and GPUBuffers of other programs on the same GPUDevice (docs/interop.md).

export interface FromBufferOptions<D extends DType = DType> extends CreateOptions<D> {
  /** First byte of the values, a multiple of 4. Only with `copy`. Default 0. */
  readonly offset?: number;
  /**
   * Whether to copy the values. Otherwise the tensor is the buffer's own memory: the buffer needs the usages STORAGE, COPY_SRC
   * and COPY_DST and a size of a multiple of 16 bytes, and remains the caller's to destroy. Default true.
   */
  readonly copy?: boolean;
}

const NEEDED = bufferUsage.STORAGE | bufferUsage.COPY_SRC | bufferUsage.COPY_DST;

/**
 * A tensor with the values of a GPUBuffer of the same GPUDevice, row-major. A copy is made of what the commands that were
 * submitted before have written. Bools are 32-bit integers, 0 or 1.
 *
 * @example
 * const x = tensor([1, 2, 3, 4]);
 * const buffer = toBuffer(x);
 * await fromBuffer(buffer, [2, 2]).print();
 * // Tensor(float32 [2,2])
 * // [[1., 2.],
 * //  [3., 4.]]
 */
export function fromBuffer<D extends DType = 'float32'>(
  buffer: GPUBuffer,
  shape: Shape,
  options: FromBufferOptions<D> = {},
): Tensor<D> {
  const defaults = { dtype: 'float32', device: undefined, requiresGrad: false, offset: 0, copy: true } as const;
  const { dtype, device, requiresGrad } = createOptions('fromBuffer', options, defaults);
  const { offset = defaults.offset, copy = defaults.copy } = options;
  checkShape('fromBuffer', shape);
  if (typeof buffer !== 'object' || buffer === null || typeof buffer.mapAsync !== 'function') {
    throw new TypeError(`fromBuffer: the buffer is ${described(buffer)}, expected a GPUBuffer`);
  }
  checkInteger('fromBuffer', 'offset', offset, { min: 0 });
  const bytes = sizeOf(shape) * dtypes[dtype].bytes;
  if (offset % 4 !== 0 || offset + bytes > buffer.size) {
    throw new RangeError(
      `fromBuffer: [${shape}] needs ${bytes} bytes from byte ${offset}, a multiple of 4; the buffer has ${buffer.size}`,
    );
  }
  const needed = copy ? bufferUsage.COPY_SRC : NEEDED;
  if ((buffer.usage & needed) !== needed) {
    throw new TypeError(
      `fromBuffer: the buffer's usage is ${buffer.usage}, expected COPY_SRC${copy ? '' : ', COPY_DST and STORAGE'}`,
    );
  }
  let result: Tensor<D>;
  if (copy) {
    result = empty(device, shape, dtype, 'fromBuffer');
    const target = result.storage.buffer;
    if (bytes > 0) {
      device.submit(`fromBuffer([${shape}])`, [target], (encoder) =>
        encoder.copyBufferToBuffer(buffer, offset, target.gpu, 0, bytes),
      );
    }
  } else {
    if (offset !== 0 || buffer.size % 16 !== 0 || buffer.size === 0) {
      throw new RangeError(
        `fromBuffer: without a copy, the offset must be 0 and the size a multiple of 16 bytes, got ${offset} and ${buffer.size}`,
      );
    }
    result = new Tensor(new Storage(device, device.adopt(buffer)), shape, dtype);
  }
  result.requiresGrad = requiresGrad;
  return result;
}

/**
 * The GPUBuffer with a tensor's values, from byte 0 in row-major order; it may be larger. Everything recorded so far is sent
 * first, so that commands submitted next find the values. Submit them before calling other operations, which would be
 * ordered after them only then. The buffer is the tensor's: it is reused for others after `dispose()`.
 *
 * @param options.write whether those commands will write to it, which counts as a change in place. Default false
 *
 * @example
 * const x = tensor([1, 2, 3, 4]);
 * const buffer = toBuffer(x);
 * console.log(buffer.size >= x.bytes); // true
 */
export function toBuffer(tensor: Tensor, options: { readonly write?: boolean } = {}): GPUBuffer {
  checkTensor('toBuffer', 'the tensor', tensor);
  const { write } = optionsOf('toBuffer', options, { write: false });
  tensor.device.flush();
  if (write) tensor.storage.changed();
  return tensor.storage.buffer.gpu;
}
