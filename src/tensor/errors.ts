import type { MemoryUses } from './memory-use.ts';

/** Base of every error that the GPU or its driver reports. `operation` names the op, kernel or call that caused it. */
export class GpuError extends Error {
  override readonly name: string = 'GpuError';
  readonly operation: string;
  constructor(operation: string, message: string, options: ErrorOptions = {}) {
    super(`${operation}: ${message}`, options);
    this.operation = operation;
  }
}

/** The driver rejected a call: a bug in a kernel or launcher, or a limit that was not checked. */
export class GpuValidationError extends GpuError {
  override readonly name = 'GpuValidationError';
}

interface OutOfMemoryDetails {
  readonly held?: MemoryUses;
  readonly remedy?: string;
  readonly cause?: unknown;
}

/**
 * An allocation does not fit into the adapter's memory, a buffer binding or the device's memory limit. The device goes on
 * working: once tensors are disposed, smaller allocations succeed.
 */
export class GpuOutOfMemoryError extends GpuError {
  override readonly name = 'GpuOutOfMemoryError';
  /** Bytes that were requested; NaN if the driver reported the error without them. */
  readonly bytes: number;
  /** What the device held then, in bytes; null if the request is too large whatever is held. */
  readonly held: MemoryUses | null;
  /** The message without `operation` and `remedy`. */
  readonly reason: string;
  constructor(operation: string, bytes: number, reason: string, { held, remedy, cause }: OutOfMemoryDetails = {}) {
    super(operation, remedy === undefined ? reason : `${reason}. ${remedy}`, cause === undefined ? {} : { cause });
    this.bytes = bytes;
    this.held = held ?? null;
    this.reason = reason;
  }

  /** This error with what its caller can do about it. */
  withRemedy(remedy: string): GpuOutOfMemoryError {
    const { operation, bytes, reason, held } = this;
    return new GpuOutOfMemoryError(operation, bytes, reason, {
      remedy,
      cause: this,
      ...(held === null ? {} : { held }),
    });
  }
}

/** The driver failed for reasons of its own, for example because its compiler ran out of resources. */
export class GpuInternalError extends GpuError {
  override readonly name = 'GpuInternalError';
}

/**
 * The device is gone: the driver was reset, the browser's GPU process ended, the GPU was removed, or `destroy()` was called.
 * Tensors of the device have no values any more; `device.reopen()` opens a new one.
 */
export class DeviceLostError extends GpuError {
  override readonly name = 'DeviceLostError';
  /** What WebGPU says: `destroyed` if `destroy()` was called, otherwise `unknown`; and what the driver says. */
  readonly reason: GPUDeviceLostReason;
  readonly detail: string;

  constructor(
    operation: string,
    message: string,
    { reason, detail }: Pick<DeviceLostError, 'reason' | 'detail'>,
    options?: ErrorOptions,
  ) {
    super(operation, message, options);
    this.reason = reason;
    this.detail = detail;
  }
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

/**
 * A byte count with a unit: `1.5 MiB`.
 *
 * @example
 * console.log(formatBytes(3 * 2 ** 19)); // 1.5 MiB
 */
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
