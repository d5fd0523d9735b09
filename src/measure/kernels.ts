import { fmaRoofline } from '../kernels/roofline.ts';
import { neg } from '../autograd/ops/unary.ts';
import { randn } from '../autograd/ops/create.ts';
import { tidy } from '../tensor/scope.ts';
import type { Device } from '../tensor/device.ts';
import type { KernelCase } from './kernel-cases.ts';
import { bestOf, measure } from './measure.ts';
import type { BenchResult, Measured } from './result.ts';

/** Elements of the tensor that is copied to measure bandwidth; much larger than caches. */
const COPY = 2 ** 24;

/** Measures the maximum rates of the machine: multiply-adds without loads, and a copy. */
export async function measureCeiling(device: Device, seconds: number): Promise<BenchResult['ceiling']> {
  const invocations = device.adapter.kind === 'software' ? 2 ** 12 : 2 ** 20;
  let flops = 0;
  const fma = await measure(
    device,
    () => {
      const { y, flops: count } = fmaRoofline(device, invocations);
      y.dispose();
      flops = count;
    },
    seconds,
  );
  const x = randn([COPY], { seed: 1 });
  const copy = await measure(device, () => neg(x).dispose(), seconds);
  x.dispose();
  return { gflops: flops / bestOf(fma) / 1e6, gbps: (8 * COPY) / bestOf(copy) / 1e6 };
}

/** Times a case and checks its result. */
export async function measureKernel(
  device: Device,
  { name, work, prepare }: KernelCase,
  ceiling: BenchResult['ceiling'],
  seconds: number,
): Promise<Measured> {
  const { run, check, dispose } = prepare();
  try {
    const timing = await measure(device, () => tidy(() => void run()), seconds);
    const results = tidy(run);
    const values = await Promise.all(results.map(async (t) => (await t.data()) as Float32Array));
    for (const t of results) t.dispose();
    const wrong = await check(values);
    const [amount, unit, maximum] =
      'flops' in work
        ? ([work.flops, 'GFLOP/s', ceiling.gflops] as const)
        : ([work.bytes, 'GB/s', ceiling.gbps] as const);
    const value = amount / bestOf(timing) / 1e6;
    return { name, timing, rate: { value, unit, share: value / maximum }, wrong };
  } finally {
    dispose();
  }
}
