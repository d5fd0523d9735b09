import { readFileSync } from 'node:fs';

/** An array of a fixture: little-endian values in base64, in row-major order of `shape`. */
export interface Encoded {
  readonly shape: readonly number[];
  readonly f32?: string;
  readonly i32?: string;
}

/** Reads `test/golden/NAME.json`. */
export function readFixture<T>(name: string): T {
  return JSON.parse(readFileSync(new URL(`${name}.json`, import.meta.url), 'utf8')) as T;
}

/** Values of an encoded float32 array, or of its bare base64 string. */
export function floats(encoded: Encoded | string): Float32Array {
  return new Float32Array(bytes(typeof encoded === 'string' ? encoded : encoded.f32));
}

/** Expands run lengths `value, count, value, count...`. */
export function expandRuns(runs: readonly number[]): Int32Array {
  const out: number[] = [];
  for (let i = 0; i < runs.length; i += 2) for (let k = 0; k < runs[i + 1]!; k++) out.push(runs[i]!);
  return Int32Array.from(out);
}

/** `count` words of 32 random bits, a function of the name and the seed. */
function hashBits(name: string, seed: number, count: number): Uint32Array {
  const key = mix(fnv1a(name) ^ mix((seed + 0x9e3779b9) >>> 0));
  const bits = new Uint32Array(count);
  for (let i = 0; i < count; i++) bits[i] = mix((key + i) | 0);
  return bits;
}

/** Values in [centre - scale, centre + scale), rounded to float32 after each step as NumPy does. */
export function hashUniform(name: string, shape: readonly number[], seed = 0, scale = 1, centre = 0): Float32Array {
  const bits = hashBits(name, seed, size(shape));
  const values = new Float32Array(bits.length);
  const scale32 = Math.fround(scale);
  const centre32 = Math.fround(centre);
  for (let i = 0; i < bits.length; i++) {
    values[i] = centre32 + Math.fround(((bits[i]! >>> 8) * 2 ** -23 - 1) * scale32);
  }
  return values;
}

/** The weights of the fixtures for an entry of a torchvision state dict; `common.py` explains them. */
export function hashTensor(name: string, shape: readonly number[], seed: number): Float32Array {
  if (name.endsWith('num_batches_tracked')) return new Float32Array(size(shape));
  if (name.endsWith('running_mean')) return hashUniform(name, shape, seed, 0.25);
  if (name.endsWith('running_var')) return hashUniform(name, shape, seed, 0.5, 1);
  if (name.endsWith('cls_logits.bias')) return hashUniform(name, shape, seed, 0.5, -4.5);
  if (name.endsWith('bias')) {
    if (!/\.bn\d\./.test(name)) return hashUniform(name, shape, seed, 0.125);
    const on = hashBits('on', seed, shape[0]!);
    return hashUniform(name, shape, seed, 0.25).map((v, i) => v + (on[i]! >>> 31 === 1 ? 1.25 : -1.25));
  }
  if (shape.length === 1) {
    const gain = /\.bn3\.|\.downsample\./.test(name) ? 0.25 : name.includes('.bn') ? 0.5 : 1;
    return hashUniform(name, shape, seed, 0.25 * gain, gain);
  }
  let gain = 6;
  if (name.endsWith('body.conv1.weight')) gain = 1.5;
  else if (name.includes('.fpn.')) gain = 3;
  else if (name.endsWith('cls_logits.weight')) gain = 0.2;
  else if (name.endsWith('bbox_reg.weight')) gain = 0.1875;
  return hashUniform(name, shape, seed, Math.sqrt(gain / size(shape.slice(1))));
}

/** Bytes [H, W, 3], row-major: blocks of 16 x 16 pixels of one colour, with noise over them. */
export function hashImage(name: string, height: number, width: number): Uint8Array {
  const columns = Math.ceil(width / 16);
  const blocks = hashBits(`${name}.block`, 0, Math.ceil(height / 16) * columns * 3);
  const pixels = hashBits(`${name}.pixel`, 0, height * width * 3);
  return Uint8Array.from(pixels, (bits, i) => {
    const c = i % 3;
    const x = ((i - c) / 3) % width;
    const y = Math.floor(i / (3 * width));
    const block = blocks[((y >> 4) * columns + (x >> 4)) * 3 + c]! >>> 24;
    return (3 * block + (bits >>> 24)) >>> 2;
  });
}

/** Order-dependent 32-bit sum over the bits of float32 values or over bytes. */
export function digest(values: Float32Array | Uint8Array): number {
  const words =
    values instanceof Float32Array ? new Uint32Array(values.buffer, values.byteOffset, values.length) : values;
  let sum = 0;
  for (let i = 0; i < words.length; i++) sum = (sum + mix((words[i]! + i) | 0)) >>> 0;
  return sum;
}

/** Flat indices, in torch's order of axes, of the values that a fixture keeps of the tensor `name`. */
export function samplePositions(name: string, elements: number, count: number): number[] {
  return Array.from(hashBits(`sample.${name}`, 0, count), (bits) => bits % elements);
}

/** Values [N, C, H, W] in the order [N, H, W, C]. */
export function toNhwc(values: Float32Array, shape: readonly number[]): Float32Array {
  return permute(values, shape, [0, 2, 3, 1]);
}

/** Values [N, H, W, C] in the order [N, C, H, W]; `shape` is [N, H, W, C]. */
export function toNchw(values: Float32Array, shape: readonly number[]): Float32Array {
  return permute(values, shape, [0, 3, 1, 2]);
}

/** Filters [O, I, H, W] in the order [H, W, I, O]. */
export function toHwio(values: Float32Array, shape: readonly number[]): Float32Array {
  return permute(values, shape, [2, 3, 1, 0]);
}

/** Filters [H, W, I, O] in the order [O, I, H, W]; `shape` is [H, W, I, O]. */
export function toOihw(values: Float32Array, shape: readonly number[]): Float32Array {
  return permute(values, shape, [3, 2, 0, 1]);
}

function permute(values: Float32Array, shape: readonly number[], axes: readonly number[]): Float32Array {
  const strides = axes.map((axis) => size(shape.slice(axis + 1)));
  const [a, b, c, d] = axes.map((axis) => shape[axis]!) as [number, number, number, number];
  const [sa, sb, sc, sd] = strides as [number, number, number, number];
  const out = new Float32Array(values.length);
  let k = 0;
  for (let i = 0; i < a; i++)
    for (let j = 0; j < b; j++)
      for (let m = 0; m < c; m++) for (let n = 0; n < d; n++) out[k++] = values[i * sa + j * sb + m * sc + n * sd]!;
  return out;
}

function size(shape: readonly number[]): number {
  return shape.reduce((product, extent) => product * extent, 1);
}

function bytes(base64: string | undefined): ArrayBuffer {
  if (base64 === undefined) throw new TypeError('golden: the fixture holds values of another type');
  return Uint8Array.from(Buffer.from(base64, 'base64')).buffer;
}

/** FNV-1a, 32 bit, of an ASCII name. */
function fnv1a(name: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < name.length; i++) hash = Math.imul(hash ^ name.charCodeAt(i), 0x01000193);
  return hash >>> 0;
}

/** Integer hash "lowbias32" (https://nullprogram.com/blog/2018/07/31/). */
function mix(x: number): number {
  x ^= x >>> 16;
  x = Math.imul(x, 0x7feb352d);
  x ^= x >>> 15;
  x = Math.imul(x, 0x846ca68b);
  return (x ^ (x >>> 16)) >>> 0;
}
