import { checkNumber, described } from '../common/check.ts';
import { Device, setDefaultDevice } from './device.ts';
import type { AdapterDescription } from './device-options.ts';
import { NoAdapterError } from './errors.ts';
import { checkTuning, type Tuning, type TuningName } from './tuning.ts';

export interface InitOptions {
  /** In Node: `hardware`, `lavapipe`, `swiftshader`, or a part of an adapter's name. Default: the best there is. */
  readonly adapter?: string;
  /**
   * Maximum bytes of GPU memory to hold, in use and kept for reuse; an allocation beyond it is a `GpuOutOfMemoryError`. Default:
   * no limit on a GPU, whose driver refuses what does not fit (WebGPU does not say how much memory there is). Software
   * adapters promise more than there is, until the system ends the process, so that their limit is 60 % of the host's memory:
   * in Node that of the machine or, if it is smaller, of the container; in browsers `navigator.deviceMemory`, or 4 GiB.
   */
  readonly memoryLimit?: number;
  /** Maximum bytes of a tensor to bind to one kernel; larger tensors are processed in parts. Default: the adapter's. */
  readonly bindingLimit?: number;
  /**
   * A GPUDevice that other code opened, for example ONNX Runtime Web, to share buffers and textures with it. It is used as it
   * is, without features and limits beyond those that it was opened with. Default: a device of the library's own.
   */
  readonly gpu?: GPUDevice;
  /**
   * How kernels are chosen: by the table for another adapter, to compare them on this one, or by a table that `tune` measured.
   * Default: in Node the table that `retinagrad tune` measured for this adapter, unless the environment variable
   * RETINAGRAD_TUNING names another (`built-in` for none); otherwise the library's table for the adapter.
   */
  readonly tuning?: TuningName | Tuning;
  /**
   * Whether 3x3 convolutions may use Winograd's algorithm, which is faster and rounds about twice as much as the direct
   * sum: see "Winograd" in docs/architecture.md. Default true.
   */
  readonly winograd?: boolean;
}

/** What a platform's `init` adds. */
interface PlatformOptions extends InitOptions {
  readonly owner: unknown;
  readonly kind: 'hardware' | 'software';
  readonly wait?: <T>(promise: Promise<T>) => Promise<T>;
  readonly driverTime?: () => number;
  /** A table that was measured for an adapter, used if `tuning` is not given. */
  readonly tunedFor?: (adapter: AdapterDescription) => Tuning | undefined;
  /** Opens another device like this one. */
  readonly reopen?: () => Promise<Device>;
}

/** Fraction of the host's memory that a software adapter may take. More would cause swapping. */
const SOFTWARE_MEMORY_FRACTION = 0.6;
/** GiB that a browser's host is assumed to have. */
const ASSUMED_MEMORY = 4;

/** The memory limit of an adapter that computes on the CPU, of the bytes of the host's memory. */
export const softwareLimit = (hostBytes: number): number => Math.floor(hostBytes * SOFTWARE_MEMORY_FRACTION);

/** Features that kernels use where the adapter has them. */
const FEATURES: readonly GPUFeatureName[] = ['subgroups', 'shader-f16', 'timestamp-query'];
/** Limits to raise to the adapter's maximum; the defaults are those of the weakest devices. */
const LIMITS = [
  'maxBufferSize',
  'maxStorageBufferBindingSize',
  'maxStorageBuffersPerShaderStage',
  'maxComputeWorkgroupStorageSize',
  'maxComputeInvocationsPerWorkgroup',
  'maxComputeWorkgroupSizeX',
  'maxComputeWorkgroupSizeY',
  'maxComputeWorkgroupSizeZ',
] as const;

/** Opens a device on an adapter and makes it the default one. Used by the platforms' `init`. */
export async function openDevice(adapter: GPUAdapter, options: PlatformOptions): Promise<Device> {
  checkInit(options);
  const gpu = await adapter.requestDevice({
    label: 'retinagrad',
    requiredFeatures: FEATURES.filter((feature) => adapter.features.has(feature)),
    requiredLimits: Object.fromEntries(LIMITS.map((limit) => [limit, adapter.limits[limit]])),
  });
  return useDevice(gpu, adapter.info, options);
}

/** Throws if the options of `init` are wrong. */
export function checkInit(options: InitOptions): void {
  const { memoryLimit } = options;
  if (memoryLimit !== undefined) checkNumber('init', 'memoryLimit', memoryLimit, { above: 0 });
  if (options.tuning !== undefined) checkTuning('init', options.tuning);
  if (options.winograd !== undefined && typeof options.winograd !== 'boolean') {
    throw new TypeError(`init: winograd is ${described(options.winograd)}, expected true or false`);
  }
  if (options.gpu === undefined) return;
  if (typeof options.gpu !== 'object' || !('createComputePipeline' in options.gpu)) {
    throw new TypeError(`init: gpu is ${described(options.gpu)}, expected a GPUDevice`);
  }
  if (options.adapter !== undefined)
    throw new TypeError('init: adapter and gpu exclude each other: gpu has an adapter');
}

/** Makes an open GPUDevice the default device. */
export function useDevice(gpu: GPUDevice, info: GPUAdapterInfo, options: PlatformOptions): Device {
  const adapter = {
    name: info.description || info.device || info.architecture || info.vendor || 'unknown adapter',
    vendor: info.vendor,
    architecture: info.architecture,
    kind: options.kind,
    subgroupSize:
      gpu.features.has('subgroups') && info.subgroupMinSize === info.subgroupMaxSize
        ? (info.subgroupMinSize ?? null)
        : null,
    tuned: false,
  };
  const tuning = options.tuning ?? options.tunedFor?.(adapter);
  const device = new Device(gpu, {
    adapter: { ...adapter, tuned: typeof tuning === 'object' },
    owner: options.owner,
    ...(tuning === undefined ? {} : { tuning }),
    ...(options.winograd === undefined ? {} : { winograd: options.winograd }),
    ...(options.memoryLimit === undefined ? {} : { memoryLimit: options.memoryLimit }),
    ...(options.bindingLimit === undefined ? {} : { bindingLimit: options.bindingLimit }),
    ...(options.wait === undefined ? {} : { wait: options.wait }),
    ...(options.driverTime === undefined ? {} : { driverTime: options.driverTime }),
    ...(options.reopen === undefined ? {} : { reopen: options.reopen }),
  });
  setDefaultDevice(device);
  return device;
}

/**
 * Opens the browser's GPU and makes it the default device. (In Node, the package exports another `init`, which finds
 * drivers.)
 *
 * @throws NoAdapterError if the browser has no WebGPU or no adapter
 *
 * @example
 * const device = await init();
 * console.log(device === defaultDevice(), device.adapter.kind === 'hardware' || device.adapter.kind === 'software');
 * // true true
 */
export async function init(options: InitOptions = {}): Promise<Device> {
  checkInit(options);
  if (options.gpu !== undefined) {
    const { adapterInfo: info } = options.gpu;
    const kind = info.isFallbackAdapter === true ? 'software' : 'hardware';
    return useDevice(options.gpu, info, { ...options, owner: null, kind });
  }
  const { gpu, deviceMemory = ASSUMED_MEMORY } = (globalThis as { navigator?: PageNavigator }).navigator ?? {};
  if (gpu === undefined) {
    throw new NoAdapterError(
      'this browser or page has no WebGPU: navigator.gpu is missing. It needs a recent Chrome, Edge, Safari or Firefox, ' +
        'and a secure page (https or localhost)',
    );
  }
  const adapter = await gpu.requestAdapter({ powerPreference: 'high-performance' });
  if (adapter === null) {
    throw new NoAdapterError(
      'the browser offers no WebGPU adapter: see chrome://gpu for the reason. Chrome without a GPU needs --enable-unsafe-webgpu',
    );
  }
  const software = adapter.info.isFallbackAdapter === true;
  return openDevice(adapter, {
    ...options,
    memoryLimit: options.memoryLimit ?? (software ? softwareLimit(deviceMemory * 2 ** 30) : Infinity),
    owner: gpu,
    kind: software ? 'software' : 'hardware',
    reopen: () => init(options),
  });
}

/** What a page says of its computer. `deviceMemory` is in GiB, rounded, and not known to all browsers. */
interface PageNavigator {
  readonly gpu?: GPU;
  readonly deviceMemory?: number;
}
