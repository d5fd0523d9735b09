import { arch, cpus, platform, totalmem } from 'node:os';
import { formatBytes, init, matmul, tensor, tidy, type AdapterDescription, type Device, type Tensor } from '../node.ts';
import { counted, defined } from '../common/check.ts';
import { defineCommand, EXIT, type Call } from './command.ts';
import { rows, type HelpText } from './help.ts';
import { adapter, type OptionTable } from './options.ts';
import { UsageError } from './usage-error.ts';

/** Rows and columns of the matrices: the product takes a few hundred milliseconds on a slow software driver. */
const SIZE = 384;
const REPEATS = 5;

/** What `retinagrad info --json` prints. */
export interface Info {
  readonly retinagrad: string;
  readonly node: string;
  readonly system: {
    readonly platform: string;
    readonly arch: string;
    readonly cores: number;
    readonly memory: number;
  };
  readonly adapter: AdapterDescription;
  readonly features: readonly string[];
  readonly limits: ReturnType<typeof limitsOf>;
  readonly check: {
    readonly name: string;
    /** Whether every element is exactly that of the CPU. */
    readonly correct: boolean;
    /** Number of elements that differ. */
    readonly wrong: number;
  };
  /** Milliseconds, except the last. */
  readonly timings: {
    readonly open: number;
    readonly firstMatmul: number;
    readonly matmul: number;
    readonly readback: number;
    readonly gflops: number;
  };
}

const OPTIONS = { adapter } as const satisfies OptionTable;

const help: HelpText = {
  usage: 'retinagrad info [--adapter NAME] [--json]',
  about: `
Multiplies two matrices on the GPU, compares the product with the CPU's, and prints the adapter, its features and limits, and
the duration of each step. Start here when something does not work. If neither --adapter nor RETINAGRAD_ADAPTER is given, it
opens a GPU; if there is none, the system's software driver; otherwise the SwiftShader of the npm package @sparticuz/chromium.`,
  exit: { 0: 'correct product', [EXIT.failed]: 'wrong product or no adapter' },
  examples: [['npx retinagrad info'], ['npx retinagrad info --adapter lavapipe --json']],
};

export const info = defineCommand('info', { help, output: 'the same facts', options: OPTIONS, run: runInfo });

async function runInfo({ options, positionals, terminal, version }: Call<typeof OPTIONS>): Promise<number> {
  if (positionals.length > 0) throw new UsageError(`info takes no further arguments, got ${positionals.join(' ')}`);
  const start = performance.now();
  const device = await init(defined({ adapter: options.adapter }));
  const open = performance.now() - start;
  try {
    const { check, timings } = await checkMatmul(device);
    const data: Info = {
      retinagrad: version,
      node: process.version,
      system: { platform: platform(), arch: arch(), cores: cpus().length, memory: totalmem() },
      adapter: device.adapter,
      features: [...device.features].sort(),
      limits: limitsOf(device.limits),
      check,
      timings: { open, ...timings },
    };
    terminal.result(data);
    terminal.print(textOf(data));
    return check.correct ? EXIT.done : EXIT.failed;
  } finally {
    device.destroy();
  }
}

/** The limits that decide what fits. */
const limitsOf = (limits: GPUSupportedLimits) => ({
  maxBufferSize: limits.maxBufferSize,
  maxStorageBufferBindingSize: limits.maxStorageBufferBindingSize,
  maxStorageBuffersPerShaderStage: limits.maxStorageBuffersPerShaderStage,
  maxComputeWorkgroupStorageSize: limits.maxComputeWorkgroupStorageSize,
  maxComputeInvocationsPerWorkgroup: limits.maxComputeInvocationsPerWorkgroup,
  maxComputeWorkgroupsPerDimension: limits.maxComputeWorkgroupsPerDimension,
});

/** Times a matrix product on the GPU and compares it with the CPU's. */
async function checkMatmul(device: Device): Promise<{ check: Info['check']; timings: Omit<Info['timings'], 'open'> }> {
  const [left, right] = [eighths(3), eighths(11)];
  const a = tensor(left, { shape: [SIZE, SIZE], device });
  const b = tensor(right, { shape: [SIZE, SIZE], device });
  const multiply = async (): Promise<{ product: Tensor; milliseconds: number }> => {
    const start = performance.now();
    const product = tidy(() => matmul(a, b));
    await device.idle();
    return { product, milliseconds: performance.now() - start };
  };

  const first = await multiply();
  let { product } = first;
  let best = Infinity;
  for (let i = 0; i < REPEATS; i++) {
    product.dispose();
    const next = await multiply();
    product = next.product;
    best = Math.min(best, next.milliseconds);
  }
  const readback = await timeReadback(device);
  const actual = await product.data();
  const wrong = productOf(left, right).filter((value, i) => value !== actual[i]).length;
  for (const t of [a, b, product]) t.dispose();
  return {
    check: { name: `matmul of two [${SIZE}, ${SIZE}]`, correct: wrong === 0, wrong },
    timings: { firstMatmul: first.milliseconds, matmul: best, readback, gflops: (2 * SIZE ** 3) / best / 1e6 },
  };
}

/** A matrix of eighths: float32 holds products of such matrices exactly, in whatever order the terms are summed. */
const eighths = (seed: number): Float32Array =>
  Float32Array.from({ length: SIZE * SIZE }, (_, i) => (((i + seed) * 7919) % 17) / 8 - 1);

/** Milliseconds to read one value from the GPU. The first read, which creates buffers, does not count. */
async function timeReadback(device: Device): Promise<number> {
  const scalar = tensor([1], { device });
  await scalar.data();
  const start = performance.now();
  await scalar.data();
  const milliseconds = performance.now() - start;
  scalar.dispose();
  return milliseconds;
}

/** The product of two matrices on the CPU. */
function productOf(left: Float32Array, right: Float32Array): Float64Array {
  const product = new Float64Array(SIZE * SIZE);
  for (let i = 0; i < SIZE; i++) {
    for (let k = 0; k < SIZE; k++) {
      const value = left[i * SIZE + k]!;
      for (let j = 0; j < SIZE; j++) product[i * SIZE + j]! += value * right[k * SIZE + j]!;
    }
  }
  return product;
}

function textOf({
  retinagrad,
  node,
  system,
  adapter: { name, kind, tuned },
  features,
  limits,
  check,
  timings,
}: Info): string {
  const ms = (value: number): string => `${value.toFixed(value < 10 ? 2 : 0)} ms`;
  const kinds = { hardware: 'hardware (a GPU)', software: 'software (runs on the CPU, many times slower than a GPU)' };
  const facts = [
    ['retinagrad', `${retinagrad}, Node ${node}, ${system.platform} ${system.arch}`],
    ['CPU', `${system.cores} cores, ${formatBytes(system.memory)}`],
    ['adapter', name],
    ['kind', kinds[kind]],
    ['kernels', tuned ? 'chosen by the table that retinagrad tune measured' : "chosen by the library's table"],
    ['features', features.join(', ') || 'none'],
    ...Object.entries(limits).map(
      ([limit, value]) => [limit, limit.endsWith('Size') ? formatBytes(value) : `${value}`] as const,
    ),
    ['opened in', ms(timings.open)],
    ['first matmul', `${ms(timings.firstMatmul)}, with compilation of its kernel`],
    ['matmul', `${ms(timings.matmul)}, ${timings.gflops.toFixed(1)} GFLOP/s`],
    ['readback', ms(timings.readback)],
    [
      'check',
      check.correct
        ? `${check.name}: equal to the CPU's result`
        : `${check.name}: ${counted(check.wrong, 'element differs', 'elements differ')} from the CPU's result`,
    ],
  ] as const;
  return rows(facts, '');
}
