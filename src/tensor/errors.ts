/** Base of every error that the GPU or its driver reports. `operation` names the op, kernel or call that caused it. */
export class GpuError extends Error {
  override readonly name: string = 'GpuError';
  readonly operation: string;
  constructor(operation: string, message: string) {
    super(`${operation}: ${message}`);
    this.operation = operation;
  }
}

/** The driver rejected a call: a bug in a kernel or launcher, or a limit that was not checked. */
export class GpuValidationError extends GpuError {
  override readonly name = 'GpuValidationError';
}

/** An allocation does not fit into the adapter's memory, a buffer binding or the device's memory limit. */
export class GpuOutOfMemoryError extends GpuError {
  override readonly name = 'GpuOutOfMemoryError';
  /** Bytes that were requested; NaN if the driver reported the error without them. */
  readonly bytes: number;
  constructor(operation: string, bytes: number, message: string) {
    super(operation, message);
    this.bytes = bytes;
  }
}

/** The driver failed for reasons of its own, for example because its compiler ran out of resources. */
export class GpuInternalError extends GpuError {
  override readonly name = 'GpuInternalError';
}

/** The device is gone: the driver was reset, the GPU was removed, or `device.destroy()` was called. */
export class DeviceLostError extends GpuError {
  override readonly name = 'DeviceLostError';
}

/** A tensor was used after its memory was given back. */
export class DisposedError extends Error {
  override readonly name = 'DisposedError';
}

/** A tensor was to be made before `init()` opened a device. */
export class NoDeviceError extends Error {
  override readonly name = 'NoDeviceError';
}

/** No adapter could be opened. The message lists what was tried, why each failed, and what to install. */
export class NoAdapterError extends Error {
  override readonly name = 'NoAdapterError';
}

/** Turns an error of the WebGPU API into one of ours. `context` names the operations under way. */
export function toGpuError(error: GPUError, context: string, message = error.message): GpuError {
  // By constructor name, because the classes are globals only in browsers.
  const kind = error.constructor.name;
  if (kind === 'GPUOutOfMemoryError') return new GpuOutOfMemoryError(context, Number.NaN, message);
  if (kind === 'GPUInternalError') return new GpuInternalError(context, message);
  return new GpuValidationError(context, message);
}

/** A byte count with a unit: `1.5 MiB`. */
export function formatBytes(bytes: number): string {
  const units = ['bytes', 'KiB', 'MiB', 'GiB'];
  let unit = 0;
  let value = bytes;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${unit === 0 ? value : value.toFixed(1)} ${units[unit]}`;
}
