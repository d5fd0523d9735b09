import { counted } from '../common/check.ts';
import { toGpuError, type GpuError } from './errors.ts';
import { bufferUsage } from './webgpu-flags.ts';

// WebGPU rejects a batch of commands as a whole, and its message does not say which operation was wrong. So the commands
// of a rejected batch are encoded again, each by itself, without running them.

/** A command of a batch. */
export interface Command {
  readonly operation: string;
  readonly buffers: readonly GPUBuffer[];
  /** Encodes a dispatch in a compute pass; null for a copy, which can only fail because of its buffers. */
  readonly encode: ((pass: GPUComputePassEncoder) => void) | null;
}

/** Operations that the message about a failed batch names. */
const LISTED = 8;

/** The error of the command that made a batch fail. */
export async function findCulprit(gpu: GPUDevice, commands: readonly Command[], error: GPUError): Promise<GpuError> {
  const answers = await Promise.all(commands.map((command) => problemOf(gpu, command)));
  const at = answers.findIndex((answer) => answer !== null);
  const names = [...new Set(commands.map(({ operation }) => operation))];
  if (at < 0 && names.length > 1) return toGpuError(error, `one of [${names.slice(-LISTED).join('; ')}]`);
  if (at < 0) return toGpuError(error, names[0] ?? 'device');
  const { operation } = commands[at]!;
  const others = names.filter((name) => name !== operation);
  const lost =
    others.length === 0
      ? ''
      : `. ${counted(others.length, 'operation', 'operations')} recorded with it did not run either: ` +
        `${others.slice(0, LISTED).join('; ')}${others.length > LISTED ? '; …' : ''}`;
  return toGpuError(error, operation, `${answers[at]!.message}${lost}`);
}

/** What the driver says about one command. */
async function problemOf(gpu: GPUDevice, { buffers, encode }: Command): Promise<GPUError | null> {
  gpu.pushErrorScope('validation');
  if (encode !== null) {
    const encoder = gpu.createCommandEncoder();
    const pass = encoder.beginComputePass();
    encode(pass);
    pass.end();
    encoder.finish();
  }
  // A buffer that was destroyed is only noticed by a submit, so a few bytes of each are copied.
  const scratch = gpu.createBuffer({ size: 4, usage: bufferUsage.COPY_DST });
  for (const buffer of buffers) {
    if ((buffer.usage & bufferUsage.COPY_SRC) === 0) continue;
    const encoder = gpu.createCommandEncoder();
    encoder.copyBufferToBuffer(buffer, 0, scratch, 0, 4);
    gpu.queue.submit([encoder.finish()]);
  }
  scratch.destroy();
  return gpu.popErrorScope().catch(() => null);
}
