import { reasonOf } from '../common/check.ts';
import { PARAMS_SLOT_BYTES } from '../tensor/commands.ts';
import type { Device } from '../tensor/device.ts';
import { dryRun } from '../tensor/dry-run.ts';
import { dtypes } from '../tensor/dtype.ts';
import { GpuValidationError, formatBytes } from '../tensor/errors.ts';
import { openRecordingOf } from '../tensor/recordings.ts';
import { Tensor } from '../tensor/tensor.ts';
import { shaderStage } from '../tensor/webgpu-flags.ts';
import { specialize, type Aliases, type Consts, type WgslSource } from './wgsl.ts';

/** A range of a tensor's elements, for kernels that process a large tensor in parts (`inSlices`). */
export interface Slice<T = Tensor> {
  readonly tensor: T;
  /** First element. Its byte offset must be a multiple of the adapter's `minStorageBufferOffsetAlignment`. */
  readonly start: number;
  readonly count: number;
}

export type Bindable = Tensor | Slice;

/** A value, or a function that computes it: again in every run of a recording, where it depends on something that changes on the host. */
export type Late<T extends object | number> = T | (() => T);

/** The value now. */
export const valueOf = <T extends object | number>(late: Late<T>): T => (typeof late === 'function' ? late() : late);

/** Workgroup counts in x, y, z. */
type Groups = readonly [number, number?, number?];

type StorageNames<S extends WgslSource> = {
  [K in keyof S['bindings']]: S['bindings'][K] extends 'uniform' ? never : K;
}[keyof S['bindings']];

/** The values of a kernel's parameters. */
export type Params<S extends WgslSource> = { readonly [K in keyof S['params']]: number };

/** Everything that one dispatch needs. A missing or misspelt binding, parameter or constant does not compile. */
export interface Launch<S extends WgslSource, B = Bindable> {
  /** Name of the operation, for errors. */
  readonly op: string;
  readonly consts?: Consts<S>;
  readonly aliases?: Aliases<S>;
  readonly bind: { readonly [K in StorageNames<S>]: B };
  readonly params: Late<Params<S>>;
  readonly groups: Groups;
}

interface Compiled {
  readonly id: number;
  readonly pipeline: GPUComputePipeline;
  readonly layout: GPUBindGroupLayout;
}

interface KernelCache {
  readonly pipelines: Map<string, Compiled>;
  readonly layouts: Map<string, GPUBindGroupLayout>;
  /** Bind groups by pipeline and operands, without those of recordings. */
  readonly groups: Map<string, GPUBindGroup>;
}

const caches = new WeakMap<Device, KernelCache>();
/** Bind groups kept for reuse; a training step of a large network needs a few thousand. */
const MAX_BIND_GROUPS = 8192;

/** Records one dispatch of a kernel. Every launch in the library goes through here. */
export function run<S extends WgslSource>(device: Device, source: S, launch: Launch<S>): void {
  const [x, y = 1, z = 1] = launch.groups;
  if (x === 0 || y === 0 || z === 0) return;
  const max = device.limits.maxComputeWorkgroupsPerDimension;
  if (x > max || y > max || z > max) {
    throw new GpuValidationError(launch.op, `${source.file}: ${[x, y, z]} workgroups, at most ${max} per dimension`);
  }
  const slices: Slice[] = [];
  const writes: Slice[] = [];
  let buffers = '';
  for (const [name, kind] of Object.entries(source.bindings)) {
    if (kind === 'uniform') continue;
    const bound = (launch.bind as Record<string, Bindable>)[name]!;
    const slice = bound instanceof Tensor ? { tensor: bound, start: 0, count: bound.size } : bound;
    const { tensor } = slice;
    tensor.checkUsable(launch.op);
    if (tensor.device !== device) {
      throw new Error(
        `${launch.op}: its tensors are on different devices (${name} [${tensor.shape}]); make them on the same one`,
      );
    }
    const bytes = slice.count * dtypes[tensor.dtype].bytes;
    if (bytes > device.bindingLimit) {
      throw new GpuValidationError(
        launch.op,
        `${name} [${tensor.shape}] needs ${formatBytes(bytes)}, more than this adapter binds to a kernel at once ` +
          `(${formatBytes(device.bindingLimit)}): use a smaller batch or image`,
      );
    }
    if (kind === 'storage') writes.push(slice);
    slices.push(slice);
    buffers += `,${tensor.storage.buffer.id}:${slice.start}:${slice.count}`;
  }
  const cache = cacheOf(device);
  const dry = dryRun();
  if (dry !== null) {
    checkAliases(launch.op, slices, writes);
    const name = kernelName(source, launch);
    dry.launches.push(`${name} ${[x, y, z]} ${JSON.stringify(valueOf(launch.params))}`);
    if (!cache.pipelines.has(name)) dry.kernels.set(name, () => compileAhead(device, cache, source, launch));
    return;
  }
  const compiled = compile(device, cache, source, launch);
  const isRecorded = openRecordingOf(device) !== null;
  const key = compiled.id + buffers;
  const known = isRecorded ? undefined : cache.groups.get(key);
  if (known === undefined) checkAliases(launch.op, slices, writes);
  let bind = known === undefined ? groupMaker(device, source, launch.op, compiled, slices) : () => known;
  if (known === undefined && !isRecorded) {
    const group = bind(device.paramsBuffer);
    bind = () => group;
    if (cache.groups.size >= MAX_BIND_GROUPS) cache.groups.clear();
    cache.groups.set(key, group);
  }
  const { params } = launch;
  const pack = (): ArrayBuffer | null => packParams(source, valueOf<Record<string, number>>(params));
  device.dispatch({
    operation: `${launch.op}(${slices.map((s) => `[${s.tensor.shape}]`).join(', ')})`,
    pipeline: compiled.pipeline,
    bind,
    buffers: slices.map((s) => s.tensor.storage.buffer),
    writes: writes.map((s) => s.tensor.storage.buffer),
    params: pack(),
    repack: typeof params === 'function' ? pack : null,
    groups: [x, y, z],
  });
  for (const { tensor } of writes) tensor.storage.changed();
}

/**
 * Throws if a launch would write to memory that it also binds elsewhere. WebGPU forbids it, and would reject all commands
 * of the batch. Only ranges that are both written may share a buffer, if they do not overlap.
 */
function checkAliases(op: string, slices: readonly Slice[], writes: readonly Slice[]): void {
  for (const written of writes) {
    const { tensor } = written;
    const other = slices.find((slice) => {
      if (slice === written || slice.tensor.storage.buffer !== tensor.storage.buffer) return false;
      const isApart = slice.start + slice.count <= written.start || written.start + written.count <= slice.start;
      return !(writes.includes(slice) && isApart);
    });
    if (other === undefined) continue;
    throw new Error(
      `${op}: it would write to ${tensor}, whose memory is also its operand ${other.tensor}; pass a clone() of the operand`,
    );
  }
}

/**
 * Workgroups for a kernel with one invocation per element, folded over x and y, because a dimension holds at most
 * 65,535. The kernel rebuilds the number as `(group.y * groups.x + group.x) * SIZE + local` and guards the tail.
 */
export function linearGroups(
  { limits }: { readonly limits: Pick<Device['limits'], 'maxComputeWorkgroupsPerDimension'> },
  elements: number,
  workgroupSize: number,
): readonly [number, number?] {
  const groups = Math.ceil(elements / workgroupSize);
  const x = Math.min(groups, limits.maxComputeWorkgroupsPerDimension);
  return x === 0 ? [0] : [x, Math.ceil(groups / x)];
}

function cacheOf(device: Device): KernelCache {
  let cache = caches.get(device);
  if (cache === undefined) {
    cache = { pipelines: new Map(), layouts: new Map(), groups: new Map() };
    caches.set(device, cache);
  }
  return cache;
}

/** The file and constants of a kernel. */
function kernelName<S extends WgslSource>(source: S, { consts, aliases }: Launch<S>): string {
  let name = source.file;
  for (const constant in consts) name += `,${constant}=${consts[constant]}`;
  for (const alias in aliases) name += `,${alias}=${aliases[alias]}`;
  return name;
}

function compile<S extends WgslSource>(device: Device, cache: KernelCache, source: S, launch: Launch<S>): Compiled {
  const name = kernelName(source, launch);
  const known = cache.pipelines.get(name);
  if (known !== undefined) return known;
  const layout = layoutOf(device, cache, source);
  const pipeline = device.guard(`${launch.op}: kernel ${name}`, 0, () =>
    device.gpu.createComputePipeline(pipelineDescriptor(device, layout, source, launch)),
  );
  return keepPipeline(cache, name, { pipeline, layout });
}

/** Compiles a kernel without blocking, unless it is compiled meanwhile. */
async function compileAhead<S extends WgslSource>(
  device: Device,
  cache: KernelCache,
  source: S,
  launch: Launch<S>,
): Promise<void> {
  const name = kernelName(source, launch);
  const layout = layoutOf(device, cache, source);
  try {
    const pipeline = await device.wait(
      device.guard(`${launch.op}: kernel ${name}`, 0, () =>
        device.gpu.createComputePipelineAsync(pipelineDescriptor(device, layout, source, launch)),
      ),
    );
    if (!cache.pipelines.has(name)) keepPipeline(cache, name, { pipeline, layout });
  } catch (error) {
    throw await device.lossOr(new GpuValidationError(`${launch.op}: kernel ${name}`, reasonOf(error)));
  }
}

function keepPipeline(cache: KernelCache, name: string, pipeline: Omit<Compiled, 'id'>): Compiled {
  const compiled = { id: cache.pipelines.size, ...pipeline };
  cache.pipelines.set(name, compiled);
  return compiled;
}

function pipelineDescriptor<S extends WgslSource>(
  { gpu }: Device,
  layout: GPUBindGroupLayout,
  source: S,
  launch: Launch<S>,
): GPUComputePipelineDescriptor {
  const consts = launch.consts ?? ({} as Consts<S>);
  const aliases = launch.aliases ?? ({} as Aliases<S>);
  return {
    label: kernelName(source, launch),
    layout: gpu.createPipelineLayout({ bindGroupLayouts: [layout] }),
    compute: {
      module: gpu.createShaderModule({ label: source.file, code: specialize(source, consts, aliases) }),
      entryPoint: 'main',
    },
  };
}

function layoutOf(device: Device, cache: KernelCache, source: WgslSource): GPUBindGroupLayout {
  const kinds = Object.values(source.bindings);
  const signature = kinds.join();
  let layout = cache.layouts.get(signature);
  if (layout === undefined) {
    layout = device.gpu.createBindGroupLayout({
      entries: kinds.map((type, binding) => ({
        binding,
        visibility: shaderStage.COMPUTE,
        buffer: { type, hasDynamicOffset: type === 'uniform' },
      })),
    });
    cache.layouts.set(signature, layout);
  }
  return layout;
}

/** Makes a bind group, when the operands have memory. */
function groupMaker(
  device: Device,
  source: WgslSource,
  op: string,
  { layout }: Compiled,
  slices: readonly Slice[],
): (params: GPUBuffer) => GPUBindGroup {
  const operands = slices.map(({ tensor: { dtype, storage }, start, count }) => {
    const { bytes } = dtypes[dtype];
    const { buffer } = storage;
    // Whole vectors of 16 bytes: drivers do not let a kernel access a vector that extends past the binding. An empty tensor
    // binds 16 bytes too. Buffers are multiples of 16 bytes.
    const size = Math.max(16, Math.ceil((count * bytes) / 16) * 16);
    return { buffer, offset: start * bytes, size: Math.min(size, buffer.bytes - start * bytes) };
  });
  const hasParams = Object.values(source.bindings).includes('uniform');
  return (params) => {
    const resources: GPUBufferBinding[] = operands.map(({ buffer, ...range }) => ({ buffer: buffer.gpu, ...range }));
    if (hasParams) resources.push({ buffer: params, size: PARAMS_SLOT_BYTES });
    const entries = resources.map((resource, binding) => ({ binding, resource }));
    return device.guard(`${op}: bindings of ${source.file}`, 0, () =>
      device.gpu.createBindGroup({ label: op, layout, entries }),
    );
  };
}

function packParams(source: WgslSource, values: Record<string, number>): ArrayBuffer | null {
  const fields = Object.entries(source.params);
  if (fields.length === 0) return null;
  const buffer = new ArrayBuffer(fields.length * 4);
  const view = new DataView(buffer);
  fields.forEach(([name, type], i) => {
    const value = values[name]!;
    if (type === 'f32') view.setFloat32(i * 4, value, true);
    else if (type === 'i32') view.setInt32(i * 4, value, true);
    else view.setUint32(i * 4, value, true);
  });
  return buffer;
}
