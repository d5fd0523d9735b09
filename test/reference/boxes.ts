import { build, ref, type Ref } from './array.ts';

type Box = readonly [x1: number, y1: number, x2: number, y2: number];

const boxOf = (boxes: Ref, i: number): Box => Array.from(boxes.data.slice(i * 4, i * 4 + 4)) as unknown as Box;
const areaOf = ([x1, y1, x2, y2]: Box): number => (x2 - x1) * (y2 - y1);

/** Intersection over union of each of a [n, 4] with each of b [m, 4], as [n, m]; NaN where both have no area. */
export function boxIou(a: Ref, b: Ref): Ref {
  return build([a.shape[0]!, b.shape[0]!], ([i, j]) => {
    const [p, q] = [boxOf(a, i!), boxOf(b, j!)];
    const width = Math.max(0, Math.min(p[2], q[2]) - Math.max(p[0], q[0]));
    const height = Math.max(0, Math.min(p[3], q[3]) - Math.max(p[1], q[1]));
    return (width * height) / (areaOf(p) + areaOf(q) - width * height);
  });
}

type Weights = readonly [number, number, number, number];

const sizesOf = ([x1, y1, x2, y2]: Box): readonly [cx: number, cy: number, w: number, h: number] => [
  x1 + 0.5 * (x2 - x1),
  y1 + 0.5 * (y2 - y1),
  x2 - x1,
  y2 - y1,
];

/** Boxes [n, 4] as offsets from their anchors [n, 4]: centre shift in anchor sizes and log of the size ratio. */
export function encodeBoxes(boxes: Ref, anchors: Ref, weights: Weights = [1, 1, 1, 1]): Ref {
  const y = ref(boxes.shape);
  for (let i = 0; i < boxes.shape[0]!; i++) {
    const [cx, cy, w, h] = sizesOf(boxOf(boxes, i));
    const [ax, ay, aw, ah] = sizesOf(boxOf(anchors, i));
    const code = [(cx - ax) / aw, (cy - ay) / ah, Math.log(w / aw), Math.log(h / ah)];
    code.forEach((value, j) => (y.data[i * 4 + j] = value * weights[j]!));
  }
  return y;
}

/** The inverse of `encodeBoxes`; log ratios are held at `limit` from above. */
export function decodeBoxes(
  codes: Ref,
  anchors: Ref,
  weights: Weights = [1, 1, 1, 1],
  limit = Math.log(1000 / 16),
): Ref {
  const y = ref(codes.shape);
  for (let i = 0; i < codes.shape[0]!; i++) {
    const [ax, ay, aw, ah] = sizesOf(boxOf(anchors, i));
    const [dx, dy, dw, dh] = boxOf(codes, i).map((value, j) => value / weights[j]!) as [number, number, number, number];
    const [cx, cy] = [ax + dx * aw, ay + dy * ah];
    const [w, h] = [aw * Math.exp(Math.min(dw, limit)), ah * Math.exp(Math.min(dh, limit))];
    y.data.set([cx - 0.5 * w, cy - 0.5 * h, cx + 0.5 * w, cy + 0.5 * h], i * 4);
  }
  return y;
}
