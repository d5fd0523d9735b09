import {
  AdamW,
  backward,
  clipGradNorm,
  manualSeed,
  rand,
  RetinaNet,
  retinaNetSpec,
  tidy,
  warmup,
  type Tensor,
} from 'retinagrad';

/** Milliseconds of a start of the small RetinaNet of examples/loop, on two images of 128 x 128 pixels. */
export interface FirstStep {
  readonly warmup: number;
  readonly first: number;
  readonly second: number;
  /** Kernels that the warm-up compiled. */
  readonly kernels: number;
  /** Longest time between two frames of a page during the warm-up and the first step; 0 in Node. */
  readonly gap: number;
  /** Loss of the second step. */
  readonly loss: number;
}

/** Needs an open device. */
export async function firstStep(isWarm: boolean): Promise<FirstStep> {
  manualSeed(1);
  const spec = retinaNetSpec('torchvision', {
    backbone: { depth: 18, width: 16, norm: 'batch' },
    pyramid: { channels: 32 },
    head: { channels: 32, convs: 1 },
    anchors: { sizes: [8, 16, 32, 64, 128].map((side) => [side, side * 2 ** (1 / 3), side * 2 ** (2 / 3)]) },
    transform: { minSize: null },
  });
  const model = new RetinaNet(1, spec);
  const optimizer = new AdamW(model.parameters(), { lr: 1e-3 });
  const images = [1, 2].map((seed) => rand([128, 128, 3], { seed }));
  const targets = images.map(() => ({ boxes: Float32Array.of(40, 30, 72, 62), labels: Int32Array.of(0) }));
  const step = (): Tensor => {
    optimizer.zeroGrad();
    const loss = tidy(() => {
      const { total } = model.losses(images, targets);
      backward(total);
      clipGradNorm(model.parameters(), 5);
      return total;
    });
    optimizer.step();
    return loss;
  };
  const frames = watchFrames();
  let kernels = 0;
  const start = performance.now();
  if (isWarm) await warmup(step, { onProgress: ({ total }) => (kernels = total) });
  const warmed = performance.now();
  await step().item();
  const first = performance.now();
  const gap = frames();
  const loss = await step().item();
  return { warmup: warmed - start, first: first - warmed, second: performance.now() - first, kernels, gap, loss };
}

/** Measures the longest time between two frames of a page. */
function watchFrames(): () => number {
  const { requestAnimationFrame } = globalThis as { requestAnimationFrame?: (frame: () => void) => void };
  let isRunning = true;
  let gap = 0;
  let last = performance.now();
  const frame = (): void => {
    const now = performance.now();
    gap = Math.max(gap, now - last);
    last = now;
    if (isRunning) requestAnimationFrame?.(frame);
  };
  requestAnimationFrame?.(frame);
  return () => {
    isRunning = false;
    return gap;
  };
}
