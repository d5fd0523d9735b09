// Runs a kernel of the page's own on the library's device, for figures and exercises about kernels.
import { defaultDevice, fromBuffer, init, tidy, type Device } from 'retinagrad';

let opened: Promise<Device> | null = null;

/** The library's device, opened once for all figures of a page. */
export const device = (): Promise<Device> => (opened ??= init());

/** What a kernel is started with. */
export interface Launch {
  /** WGSL with an entry point `main`: inputs at bindings 0, 1, …, as `array<f32>`, one output, and parameters if there are any. */
  readonly code: string;
  readonly inputs: readonly Float32Array[];
  /** Values of `u32` in a uniform buffer. */
  readonly params?: readonly number[];
  /** Values of the output, which are 0 at first. */
  readonly size: number;
  readonly groups: readonly [x: number, y?: number, z?: number];
}

/** Compiles and runs a kernel, and returns its output. Throws what the compiler says, with its line. */
export async function runKernel({ code, inputs, params = [], size, groups }: Launch): Promise<Float32Array> {
  const { gpu } = await device();
  const module = gpu.createShaderModule({ code });
  const { messages } = await module.getCompilationInfo();
  const error = messages.find(({ type }) => type === 'error');
  if (error !== undefined) throw new Error(`Line ${error.lineNum}: ${error.message}`);
  gpu.pushErrorScope('validation');
  const pipeline = gpu.createComputePipeline({ layout: 'auto', compute: { module, entryPoint: 'main' } });
  const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST | GPUBufferUsage.COPY_SRC;
  const buffers = [...inputs.map((values) => values.byteLength), size * 4].map((bytes) =>
    gpu.createBuffer({ size: Math.ceil(bytes / 16) * 16, usage }),
  );
  try {
    for (const [i, values] of inputs.entries())
      gpu.queue.writeBuffer(buffers[i]!, 0, values as Float32Array<ArrayBuffer>);
    if (params.length > 0) {
      const uniform = gpu.createBuffer({
        size: Math.ceil(params.length / 4) * 16,
        usage: GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST,
      });
      gpu.queue.writeBuffer(uniform, 0, new Uint32Array(params));
      buffers.push(uniform);
    }
    const entries = buffers.map((buffer, binding) => ({ binding, resource: { buffer } }));
    const encoder = gpu.createCommandEncoder();
    const pass = encoder.beginComputePass();
    pass.setPipeline(pipeline);
    pass.setBindGroup(0, gpu.createBindGroup({ layout: pipeline.getBindGroupLayout(0), entries }));
    pass.dispatchWorkgroups(...groups);
    pass.end();
    gpu.queue.submit([encoder.finish()]);
    const problem = await gpu.popErrorScope();
    if (problem !== null) throw new Error(problem.message);
    return await tidy(() => fromBuffer(buffers[inputs.length]!, [size], { device: defaultDevice() })).data();
  } finally {
    for (const buffer of buffers) buffer.destroy();
  }
}

/** Seconds that one launch of a kernel takes, averaged over as many as fill about a fifth of a second. */
export async function secondsOf({ code, inputs, params = [], size, groups }: Launch): Promise<number> {
  const { gpu } = await device();
  const module = gpu.createShaderModule({ code });
  const pipeline = await gpu.createComputePipelineAsync({ layout: 'auto', compute: { module, entryPoint: 'main' } });
  const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST;
  const uniform = GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST;
  const sizes = [...inputs.map((values) => values.byteLength), size * 4];
  const buffers = sizes.map((bytes) => gpu.createBuffer({ size: Math.ceil(bytes / 16) * 16, usage }));
  for (const [i, values] of inputs.entries())
    gpu.queue.writeBuffer(buffers[i]!, 0, values as Float32Array<ArrayBuffer>);
  if (params.length > 0) {
    buffers.push(gpu.createBuffer({ size: Math.ceil(params.length / 4) * 16, usage: uniform }));
    gpu.queue.writeBuffer(buffers.at(-1)!, 0, new Uint32Array(params));
  }
  const entries = buffers.map((buffer, binding) => ({ binding, resource: { buffer } }));
  const group = gpu.createBindGroup({ layout: pipeline.getBindGroupLayout(0), entries });
  const time = async (launches: number): Promise<number> => {
    const encoder = gpu.createCommandEncoder();
    const pass = encoder.beginComputePass();
    pass.setPipeline(pipeline);
    pass.setBindGroup(0, group);
    for (let i = 0; i < launches; i++) pass.dispatchWorkgroups(...groups);
    pass.end();
    const start = performance.now();
    gpu.queue.submit([encoder.finish()]);
    await gpu.queue.onSubmittedWorkDone();
    return (performance.now() - start) / 1000;
  };
  try {
    await time(1);
    const launches = Math.max(1, Math.min(1000, Math.round(0.2 / (await time(1)))));
    return (await time(launches)) / launches;
  } finally {
    for (const buffer of buffers) buffer.destroy();
  }
}
