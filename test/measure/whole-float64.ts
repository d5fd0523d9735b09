// The network of the benchmarks on the CPU in float64, without the library's operations: what its outputs are compared with in each run.
//   node --import tsx test/measure/whole-float64.ts    writes src/measure/whole-expected.ts; takes minutes
import { writeFileSync } from 'node:fs';
import { argv } from 'node:process';
import { fileURLToPath } from 'node:url';
import { init, readStateDict } from '../../src/node.ts';
import { sampledOutputs } from '../../src/measure/whole-check.ts';
import { Workload } from '../../src/measure/workload.ts';

/** Height, width, channels. */
interface Image {
  readonly height: number;
  readonly width: number;
  readonly channels: number;
  readonly data: Float64Array;
}

interface Weights {
  readonly shape: readonly number[];
  readonly data: ArrayLike<number>;
}
type State = ReadonlyMap<string, Weights>;

function conv(x: Image, { shape, data: w }: Weights, stride: number, bias?: ArrayLike<number>): Image {
  const [kernel, , inner, outer] = shape as [number, number, number, number];
  const padding = (kernel - 1) / 2;
  const [height, width] = [x.height, x.width].map((side) => Math.floor((side + 2 * padding - kernel) / stride) + 1);
  const data = new Float64Array(height! * width! * outer);
  for (let i = 0; i < height!; i++) {
    for (let j = 0; j < width!; j++) {
      const sum = data.subarray((i * width! + j) * outer, (i * width! + j + 1) * outer);
      for (let o = 0; o < outer; o++) sum[o] = bias?.[o] ?? 0;
      for (let a = 0; a < kernel; a++) {
        const y = i * stride + a - padding;
        if (y < 0 || y >= x.height) continue;
        for (let b = 0; b < kernel; b++) {
          const z = j * stride + b - padding;
          if (z < 0 || z >= x.width) continue;
          for (let c = 0; c < inner; c++) {
            const value = x.data[(y * x.width + z) * inner + c]!;
            if (value === 0) continue;
            const row = ((a * kernel + b) * inner + c) * outer;
            for (let o = 0; o < outer; o++) sum[o]! += value * w[row + o]!;
          }
        }
      }
    }
  }
  return { height: height!, width: width!, channels: outer, data };
}

const map = (x: Image, f: (value: number, i: number) => number): Image => ({ ...x, data: x.data.map(f) });
const relu = (x: Image): Image => map(x, (value) => Math.max(0, value));
const plus = (x: Image, y: Image): Image => map(x, (value, i) => value + y.data[i]!);

function maxPool(x: Image): Image {
  const [height, width] = [Math.ceil(x.height / 2), Math.ceil(x.width / 2)];
  const data = new Float64Array(height * width * x.channels).fill(-Infinity);
  data.forEach((_, at) => {
    const [c, j, i] = [at % x.channels, Math.floor(at / x.channels) % width, Math.floor(at / x.channels / width)];
    for (let y = Math.max(0, 2 * i - 1); y < Math.min(x.height, 2 * i + 2); y++) {
      for (let z = Math.max(0, 2 * j - 1); z < Math.min(x.width, 2 * j + 2); z++)
        data[at] = Math.max(data[at]!, x.data[(y * x.width + z) * x.channels + c]!);
    }
  });
  return { ...x, height, width, data };
}

/** Twice as high and wide. */
function upsample(x: Image): Image {
  const [height, width] = [2 * x.height, 2 * x.width];
  const data = new Float64Array(height * width * x.channels);
  data.forEach((_, at) => {
    const [c, j, i] = [at % x.channels, Math.floor(at / x.channels) % width, Math.floor(at / x.channels / width)];
    data[at] = x.data[((i >> 1) * x.width + (j >> 1)) * x.channels + c]!;
  });
  return { ...x, height, width, data };
}

/** Logits and offsets of all anchors of a square image whose side is a multiple of 128, by the weights of torchvision's layout. */
function outputs(state: State, image: Image, depth: 18 | 50): { logits: number[]; deltas: number[] } {
  const get = (name: string): Weights => {
    const found = state.get(name);
    if (found === undefined) throw new Error(`there is no ${name} in ${[...state.keys()].join(', ')}`);
    return found;
  };
  /** A convolution and its norm, with the statistics that are stored. */
  const normed = (x: Image, weight: string, norm: string, stride: number): Image => {
    const y = conv(x, get(`${weight}.weight`), stride);
    const [scale, shift, mean, variance] = ['weight', 'bias', 'runningMean', 'runningVar'].map(
      (one) => get(`${norm}.${one}`).data,
    );
    return map(y, (value, i) => {
      const c = i % y.channels;
      return ((value - mean![c]!) / Math.sqrt(variance![c]! + 1e-5)) * scale![c]! + shift![c]!;
    });
  };
  const biased = (x: Image, name: string, stride = 1): Image =>
    conv(x, get(`${name}.weight`), stride, get(`${name}.bias`).data);
  const body = 'backbone.body';
  let x = maxPool(relu(normed(image, `${body}.conv1`, `${body}.bn1`, 2)));
  const features: Image[] = [];
  const blocks = depth === 18 ? [2, 2, 2, 2] : [3, 4, 6, 3];
  blocks.forEach((count, stage) => {
    for (let k = 0; k < count; k++) {
      const name = `${body}.layer${stage + 1}.${k}`;
      const stride = k === 0 && stage > 0 ? 2 : 1;
      const strides = depth === 18 ? [stride, 1] : [1, stride, 1];
      let inner = x;
      strides.forEach((step, n) => {
        inner = normed(inner, `${name}.conv${n + 1}`, `${name}.bn${n + 1}`, step);
        if (n < strides.length - 1) inner = relu(inner);
      });
      const around = state.has(`${name}.downsample.0.weight`)
        ? normed(x, `${name}.downsample.0`, `${name}.downsample.1`, stride)
        : x;
      x = relu(plus(inner, around));
    }
    features.push(x);
  });
  const [, c3, c4, c5] = features as [Image, Image, Image, Image];
  const fpn = 'backbone.fpn';
  const m5 = biased(c5, `${fpn}.innerBlocks.2.0`);
  const m4 = plus(biased(c4, `${fpn}.innerBlocks.1.0`), upsample(m5));
  const m3 = plus(biased(c3, `${fpn}.innerBlocks.0.0`), upsample(m4));
  const p5 = biased(m5, `${fpn}.layerBlocks.2.0`);
  const p6 = biased(p5, `${fpn}.extraBlocks.p6`, 2);
  const p7 = biased(relu(p6), `${fpn}.extraBlocks.p7`, 2);
  const levels = [biased(m3, `${fpn}.layerBlocks.0.0`), biased(m4, `${fpn}.layerBlocks.1.0`), p5, p6, p7];
  const head = (name: string, last: string): number[] =>
    levels.flatMap((level) => {
      let y = level;
      for (let i = 0; i < 4; i++) y = relu(biased(y, `head.${name}.conv.${i}.0`));
      return [...biased(y, `head.${name}.${last}`).data];
    });
  return { logits: head('classificationHead', 'clsLogits'), deltas: head('regressionHead', 'bboxReg') };
}

/** What `sampledOutputs` has to be for an untrained workload of one image. */
async function expectedOf(workload: Workload, depth: 18 | 50, size: number): Promise<number[]> {
  const { transform, head } = workload.model.spec;
  const pixels = await workload.images[0]!.data();
  const data = Float64Array.from(pixels, (value, i) => (value - transform.mean[i % 3]!) / transform.std[i % 3]!);
  const state = await readStateDict(workload.model.stateDict());
  const { logits, deltas } = outputs(state, { height: size, width: size, channels: 3, data }, depth);
  return sampledOutputs(logits, deltas, head.prior);
}

if (argv[1] === fileURLToPath(import.meta.url)) {
  const device = await init();
  const rows: string[] = [];
  for (const [depth, size] of [
    [18, 64],
    [18, 256],
    [50, 256],
  ] as const) {
    const workload = new Workload(device, { depth, size, batch: 1 });
    const values = await expectedOf(workload, depth, size);
    rows.push(`  '${depth} ${size}': [${values.map((value) => Number(value.toPrecision(7))).join(', ')}],`);
    console.log(rows.at(-1)!.slice(0, 200));
    workload.dispose();
  }
  const file = new URL('../../src/measure/whole-expected.ts', import.meta.url);
  writeFileSync(
    file,
    `/** Made by test/measure/whole-float64.ts: see \`sampledOutputs\`. By depth and size, with batch 1. */\nexport const expectedOutputs: Readonly<Record<string, readonly number[]>> = {\n${rows.join('\n')}\n};\n`,
  );
  device.destroy();
}
