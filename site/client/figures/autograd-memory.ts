// GPU memory of a chain of layers, after the forward pass and at its peak in backward, with and without checkpoints.
import { backward, checkpoint, randn, silu, sum, tidy, type Tensor } from 'retinagrad';
import type { Mount } from '../figure.ts';
import { device } from '../gpu.ts';
import { controls, note, slider, table } from '../ui.ts';

/** 64 KiB. */
const SHAPE = [128, 128];

/** `silu` again and again, in segments of `each` of which only the first input is kept; 0 keeps everything. */
function chain(x: Tensor, depth: number, each: number): Tensor {
  const run = (y: Tensor, count: number): Tensor => {
    let result = y;
    for (let i = 0; i < count; i++) result = silu(result);
    return result;
  };
  if (each === 0) return run(x, depth);
  let y = x;
  for (let start = 0; start < depth; start += each) {
    const count = Math.min(each, depth - start);
    y = checkpoint((input: Tensor) => run(input, count), [y]);
  }
  return y;
}

export const mount: Mount = async (stage) => {
  const gpu = await device();
  const depth = slider('Layers', 1, 64, 32);
  const each = slider('Layers between checkpoints', 1, 64, 6);
  await controls(stage, [depth, each], () => {
    const unit = SHAPE[0]! * SHAPE[1]! * 4;
    const measure = (segment: number): [number, number] => {
      const before = gpu.memory().bytes;
      gpu.resetPeak();
      const kept = tidy(() => {
        const x = randn(SHAPE, { requiresGrad: true });
        const loss = tidy(() => sum(chain(x, depth.value, segment)));
        const after = gpu.memory().bytes - before;
        backward(loss);
        x.grad?.dispose();
        return after;
      });
      return [kept / unit, (gpu.memory().peakBytes - before) / unit];
    };
    const [plain, plainPeak] = measure(0);
    const [sparse, sparsePeak] = measure(each.value);
    return [
      table(
        ['activations of 64 KiB held', 'after the forward pass', 'at the peak'],
        [
          ['everything kept', plain.toFixed(1), plainPeak.toFixed(1)],
          [`a checkpoint every ${each.value}`, sparse.toFixed(1), sparsePeak.toFixed(1)],
        ],
      ),
      note(
        `${depth.value} layers. The square root of ${depth.value} is ${Math.sqrt(depth.value).toFixed(1)}: near it the peak is lowest.`,
      ),
    ];
  });
};
