import type { Wait } from './profile.ts';
import type { Tuning, TuningName } from './tuning.ts';

/** Properties of the adapter that `init` opened. */
export interface AdapterDescription {
  /** For example `llvmpipe: Mesa 25.0.7` or `NVIDIA H100`. */
  readonly name: string;
  readonly vendor: string;
  readonly architecture: string;
  /** `hardware` is a GPU; `software` is a driver that runs on the CPU, which is many times slower. */
  readonly kind: 'hardware' | 'software';
  /** Lanes of a subgroup, if kernels can use subgroups and their size is fixed; otherwise null. */
  readonly subgroupSize: number | null;
  /** Whether kernels are chosen by a table that was measured on it, by `tune` or `retinagrad tune`. */
  readonly tuned: boolean;
}

/** @typeParam D a `Device`, which imports this file */
export interface DeviceOptions<D> {
  readonly adapter: AdapterDescription;
  /** How kernels are chosen. Default: by the adapter's own table. */
  readonly tuning?: TuningName | Tuning;
  /** Whether 3x3 convolutions may use Winograd's algorithm. Default true. */
  readonly winograd?: boolean;
  /** An object to keep alive with the device: Dawn crashes if its `GPU` object is collected before the device. */
  readonly owner: unknown;
  /** Maximum bytes of GPU memory to hold, in use and free together; beyond it an allocation throws. Default: no limit. */
  readonly memoryLimit?: number;
  /** Opens another device with the same options, on a new adapter, as the default device. Default: not possible. */
  readonly reopen?: () => Promise<D>;
  /** Maximum bytes of a tensor that one kernel binds; larger tensors are processed in slices. Default: the adapter's. */
  readonly bindingLimit?: number;
  /** Waits for a promise of the GPU without keeping a core busy. Default: plain `await`. */
  readonly wait?: Wait;
  /** See `Device.driverTime`. */
  readonly driverTime?: () => number;
}
