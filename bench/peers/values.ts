import { closeSync, openSync, writeSync } from 'node:fs';
import { makeAnchors } from '../../src/retinanet/anchors.ts';
import { retinaNetSpec } from '../../src/retinanet/spec.ts';
import { isTask, type PeerCase } from './cases.ts';
import { CLASSES, retinaNetState } from './retinanet.ts';

// The operands are the same for all libraries. They are generated once per case and passed in a file.

/** Where a worker finds an operand: float32, little endian. */
export interface OperandFile {
  readonly file: string;
  readonly offset: number;
  readonly shape: readonly number[];
}

interface Value {
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

const { fround } = Math;
const product = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);

/** Approximately normally distributed numbers, the same every time: sums of four uniform ones. */
function normal(length: number, seed: number, scale: number): Float32Array {
  let state = seed >>> 0;
  const uniform = (): number => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) / 2 ** 32;
  const factor = scale * Math.sqrt(3);
  return Float32Array.from({ length }, () => (uniform() + uniform() + uniform() + uniform() - 2) * factor);
}

/** The operands of a case by name. */
export function valuesOf(peerCase: PeerCase): Map<string, Value> {
  if (!isTask(peerCase)) return networkValues();
  return new Map(
    Object.entries(peerCase.operands).map(([name, shape], i) => [
      name,
      { shape, data: normal(product(shape), 2654435761 * (i + 1), 1) },
    ]),
  );
}

/** Writes values one after the other, and returns where each of them is. */
export function writeValues(file: string, values: ReadonlyMap<string, Value>): Record<string, OperandFile> {
  const handle = openSync(file, 'w');
  let offset = 0;
  const operands = [...values].map(([name, { shape, data }]) => {
    writeSync(handle, data, 0, data.byteLength, offset);
    const operand: OperandFile = { file, offset, shape };
    offset += data.byteLength;
    return [name, operand] as const;
  });
  closeSync(handle);
  return Object.fromEntries(operands);
}

/** Height and width of the image. */
export const IMAGE_SIZE = 256;
/** x1, y1, x2, y2 of the objects as fractions of the image; their classes are 0 and 1. The library's own workload. */
const BOXES = [
  [0.1, 0.1, 0.5, 0.6],
  [0.3, 0.2, 0.8, 0.7],
] as const;

/**
 * For the whole network: weights, the normalised `image`, and the target of each anchor: `labels` (a class, -1 for
 * background, -2 for ignored anchors) and `deltas`.
 */
function networkValues(): Map<string, Value> {
  const values = new Map<string, Value>();
  let seed = 1;
  for (const [name, shape] of retinaNetState()) values.set(name, { shape, data: initial(name, shape, seed++) });
  const { mean, std } = retinaNetSpec('torchvision').transform;
  const pixels = Float32Array.from({ length: IMAGE_SIZE * IMAGE_SIZE * 3 }, (_, i) => ((i * 7919) % 251) / 251);
  const image = pixels.map((value, i) => (value - mean[i % 3]!) / std[i % 3]!);
  values.set('image', { shape: [IMAGE_SIZE, IMAGE_SIZE, 3], data: image });
  const { labels, deltas } = assignment();
  values.set('labels', { shape: [labels.length], data: labels });
  values.set('deltas', { shape: [labels.length, 4], data: deltas });
  return values;
}

/**
 * He's initialisation in the body; small filters elsewhere, and the paper's bias for scores. The last norm of each block
 * starts small: otherwise gradients of 53 layers of batch norm change by 5 % when the image changes by 1e-7, in float64, and
 * results in float32 could not be compared.
 */
function initial(name: string, shape: readonly number[], seed: number): Float32Array {
  const length = product(shape);
  if (shape.length === 4) {
    const [to, , r, s] = shape as [number, number, number, number];
    const scale = name.startsWith('backbone.body') ? Math.sqrt(2 / (to * r * s)) : 0.02;
    return normal(length, seed * 40503, scale);
  }
  if (name.endsWith('cls_logits.bias')) return new Float32Array(length).fill(-Math.log(99));
  if (name.endsWith('bn3.weight')) return new Float32Array(length).fill(0.1);
  return new Float32Array(length).fill(/\.(bias|running_mean)$/.test(name) ? 0 : 1);
}

/** Anchors of the image, and the number of anchors in each level. */
export function networkAnchors(): { anchors: Float32Array; levels: number[] } {
  const sides = [8, 16, 32, 64, 128].map((stride) => IMAGE_SIZE / stride);
  const anchors = makeAnchors(
    retinaNetSpec('torchvision').anchors,
    [IMAGE_SIZE, IMAGE_SIZE],
    sides.map((side) => [side, side]),
  );
  return { anchors, levels: sides.map((side) => side * side * 9) };
}

/** Matching as in torchvision: foreground if IoU >= 0.5 or if the anchor is the best of a box, background below 0.4. */
function assignment(): { labels: Float32Array; deltas: Float32Array } {
  const { anchors } = networkAnchors();
  const count = anchors.length / 4;
  const boxes = BOXES.map((box) => box.map((fraction) => fround(fround(fraction) * IMAGE_SIZE)));
  const anchorOf = (i: number): number[] => [...anchors.subarray(4 * i, 4 * i + 4)];
  const overlaps = boxes.map((box) => Float64Array.from({ length: count }, (_, i) => iou(box, anchorOf(i))));
  const most = overlaps.map((list) => list.reduce((a, b) => Math.max(a, b)));
  const labels = new Float32Array(count);
  const deltas = new Float32Array(count * 4);
  for (let i = 0; i < count; i++) {
    const best = overlaps[0]![i]! >= overlaps[1]![i]! ? 0 : 1;
    const value = overlaps[best]![i]!;
    const isSomeonesBest = overlaps.some((list, box) => list[i] === most[box]);
    labels[i] = value >= 0.5 || isSomeonesBest ? best % CLASSES : value < 0.4 ? -1 : -2;
    deltas.set(encode(boxes[best]!, anchorOf(i)), 4 * i);
  }
  return { labels, deltas };
}

/** Rounded to float32 after each step: whether two anchors are equally good depends on the last bit. */
function iou(a: readonly number[], b: readonly number[]): number {
  const along = (axis: number): number =>
    Math.max(0, fround(Math.min(a[axis + 2]!, b[axis + 2]!) - Math.max(a[axis]!, b[axis]!)));
  const both = fround(along(0) * along(1));
  return fround(both / fround(fround(area(a) + area(b)) - both));
}

const area = (box: readonly number[]): number => fround(fround(box[2]! - box[0]!) * fround(box[3]! - box[1]!));

/** Regression targets: the shift of the centre in sizes of the anchor, and the logarithm of the ratio of sizes. */
function encode(box: readonly number[], anchor: readonly number[]): number[] {
  const along = (axis: number): [number, number] => {
    const size = anchor[axis + 2]! - anchor[axis]!;
    const wanted = box[axis + 2]! - box[axis]!;
    return [(box[axis]! + wanted / 2 - anchor[axis]! - size / 2) / size, Math.log(wanted / size)];
  };
  const [[dx, dw], [dy, dh]] = [along(0), along(1)];
  return [dx, dy, dw, dh];
}
