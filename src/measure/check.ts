import type { ConvShape } from './conv-shapes.ts';

// Plain float64 sums of single results, at places that between them meet every channel of every operand: a kernel that
// is wrong for one channel, or only at the size of a real network, is found in the run that times it.

/** Largest difference that rounding explains, as a share of the largest value. */
const TOLERANCE = 1e-4;

/** A result at one place: what was computed and what it should be. */
type Sample = readonly [actual: number, expected: number];

/** Null if all samples agree, otherwise what is wrong. */
export function disagreement(samples: readonly Sample[]): string | null {
  const scale = Math.max(...samples.map(([, expected]) => Math.abs(expected)));
  const worst = Math.max(...samples.map(([actual, expected]) => Math.abs(actual - expected)));
  if (worst <= TOLERANCE * scale) return null;
  return `off by ${worst.toExponential(1)} where the largest value is ${scale.toExponential(1)}`;
}

/** Whole numbers below `n` that look random, the same every time. */
export function places(seed: number): (n: number) => number {
  let state = seed;
  return (n) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * n);
  };
}

interface ConvData {
  readonly x: Float32Array;
  readonly w: Float32Array;
  readonly dy: Float32Array;
}

/** Rows and columns of the output. */
export function outputSize({ x, w, stride, padding }: ConvShape): [number, number] {
  return [1, 2].map((axis) => Math.floor((x[axis]! + 2 * padding - w[axis - 1]!) / stride) + 1) as [number, number];
}

export function checkConvForward(shape: ConvShape, { x, w }: ConvData, y: Float32Array): string | null {
  const [n, h, width, c] = shape.x;
  const [r, s, , k] = shape.w;
  const [p, q] = outputSize(shape);
  const random = places(1);
  const samples = Array.from({ length: 2 * k }, (_, i): Sample => {
    const [image, row, column, channel] = [random(n), random(p), random(q), i % k];
    let sum = 0;
    for (let a = 0; a < r; a++) {
      for (let b = 0; b < s; b++) {
        const [from, across] = [row * shape.stride - shape.padding + a, column * shape.stride - shape.padding + b];
        if (from < 0 || from >= h || across < 0 || across >= width) continue;
        for (let z = 0; z < c; z++) {
          sum += x[((image * h + from) * width + across) * c + z]! * w[((a * s + b) * c + z) * k + channel]!;
        }
      }
    }
    return [y[((image * p + row) * q + column) * k + channel]!, sum];
  });
  return disagreement(samples);
}

export function checkConvGradInput(shape: ConvShape, { w, dy }: ConvData, dx: Float32Array): string | null {
  const [n, h, width, c] = shape.x;
  const [r, s, , k] = shape.w;
  const [p, q] = outputSize(shape);
  const random = places(2);
  const samples = Array.from({ length: 2 * c }, (_, i): Sample => {
    const [image, row, column, channel] = [random(n), random(h), random(width), i % c];
    let sum = 0;
    for (let a = 0; a < r; a++) {
      for (let b = 0; b < s; b++) {
        const [down, across] = [(row + shape.padding - a) / shape.stride, (column + shape.padding - b) / shape.stride];
        if (!Number.isInteger(down) || !Number.isInteger(across)) continue;
        if (down < 0 || down >= p || across < 0 || across >= q) continue;
        for (let z = 0; z < k; z++) {
          sum += dy[((image * p + down) * q + across) * k + z]! * w[((a * s + b) * c + channel) * k + z]!;
        }
      }
    }
    return [dx[((image * h + row) * width + column) * c + channel]!, sum];
  });
  return disagreement(samples);
}

export function checkConvGradWeight(shape: ConvShape, { x, dy }: ConvData, dw: Float32Array): string | null {
  const [n, h, width, c] = shape.x;
  const [r, s, , k] = shape.w;
  const [p, q] = outputSize(shape);
  const random = places(3);
  const samples = Array.from({ length: Math.max(c, k, r * s) }, (_, i): Sample => {
    const [tap, from, to] = [i < r * s ? i : random(r * s), i < c ? i : random(c), i < k ? i : random(k)];
    const [a, b] = [Math.floor(tap / s), tap % s];
    let sum = 0;
    for (let image = 0; image < n; image++) {
      for (let row = 0; row < p; row++) {
        const down = row * shape.stride - shape.padding + a;
        if (down < 0 || down >= h) continue;
        for (let column = 0; column < q; column++) {
          const across = column * shape.stride - shape.padding + b;
          if (across < 0 || across >= width) continue;
          sum += x[((image * h + down) * width + across) * c + from]! * dy[((image * p + row) * q + column) * k + to]!;
        }
      }
    }
    return [dw[(tap * c + from) * k + to]!, sum];
  });
  return disagreement(samples);
}

/** @param n rows and columns of all three matrices */
export function checkMatmul(n: number, a: Float32Array, b: Float32Array, y: Float32Array): string | null {
  const random = places(4);
  const samples = Array.from({ length: n }, (_, row): Sample => {
    const column = random(n);
    let sum = 0;
    for (let k = 0; k < n; k++) sum += a[row * n + k]! * b[k * n + column]!;
    return [y[row * n + column]!, sum];
  });
  return disagreement(samples);
}

/** Shape of a batch of images, [N, H, W, C]. */
type ImageShape = readonly [number, number, number, number];

/** 3x3 windows two apart, padded by one. */
export function checkMaxPool([n, h, w, c]: ImageShape, x: Float32Array, y: Float32Array): string | null {
  const [p, q] = [h / 2, w / 2];
  const random = places(5);
  const samples = Array.from({ length: 4 * c }, (_, i): Sample => {
    const [image, row, column, channel] = [random(n), random(p), random(q), i % c];
    let best = -Infinity;
    for (let a = Math.max(0, 2 * row - 1); a <= Math.min(h - 1, 2 * row + 1); a++) {
      for (let b = Math.max(0, 2 * column - 1); b <= Math.min(w - 1, 2 * column + 1); b++) {
        best = Math.max(best, x[((image * h + a) * w + b) * c + channel]!);
      }
    }
    return [y[((image * p + row) * q + column) * c + channel]!, best];
  });
  return disagreement(samples);
}

/** Every pixel as a block of two by two. */
export function checkUpsample([n, h, w, c]: ImageShape, x: Float32Array, y: Float32Array): string | null {
  const random = places(5);
  const samples = Array.from({ length: 4 * c }, (_, i): Sample => {
    const [image, row, column, channel] = [random(n), random(2 * h), random(2 * w), i % c];
    const from = ((image * h + (row >> 1)) * w + (column >> 1)) * c + channel;
    return [y[((image * 2 * h + row) * 2 * w + column) * c + channel]!, x[from]!];
  });
  return disagreement(samples);
}

interface BatchNormData {
  readonly x: Float32Array;
  readonly gamma: Float32Array;
  readonly beta: Float32Array;
  readonly dy: Float32Array;
}

/** Training: the result and all three gradients. */
export function checkBatchNorm(
  [n, h, w, c]: ImageShape,
  { x, gamma, beta, dy }: BatchNormData,
  [y, dx, dgamma, dbeta]: readonly Float32Array[],
): string | null {
  const rows = n * h * w;
  const random = places(6);
  const samples = Array.from({ length: c }, (_, channel) => {
    const of = (values: Float32Array, row: number): number => values[row * c + channel]!;
    const sum = (f: (row: number) => number): number => {
      let total = 0;
      for (let row = 0; row < rows; row++) total += f(row);
      return total;
    };
    const mean = sum((row) => of(x, row)) / rows;
    const inverse = 1 / Math.sqrt(sum((row) => (of(x, row) - mean) ** 2) / rows + 1e-5);
    const db = sum((row) => of(dy, row));
    const dg = sum((row) => of(dy, row) * (of(x, row) - mean)) * inverse;
    const row = random(rows);
    const normal = (of(x, row) - mean) * inverse;
    return {
      y: [of(y!, row), gamma[channel]! * normal + beta[channel]!] as const,
      dx: [of(dx!, row), gamma[channel]! * inverse * (of(dy, row) - db / rows - (normal * dg) / rows)] as const,
      dgamma: [dgamma![channel]!, dg] as const,
      dbeta: [dbeta![channel]!, db] as const,
    };
  });
  for (const part of ['y', 'dx', 'dgamma', 'dbeta'] as const) {
    const wrong = disagreement(samples.map((sample) => sample[part]));
    if (wrong !== null) return `${part} ${wrong}`;
  }
  return null;
}
