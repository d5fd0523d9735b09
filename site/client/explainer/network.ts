// The network of one image, with every intermediate kept: what `RetinaNet.losses` and `RetinaNet.detect` do, step by step.
import {
  assignTargets,
  decodeBoxes,
  grad,
  keep,
  makeAnchors,
  maximum,
  minimum,
  noGrad,
  nonMaxSuppression,
  reshape,
  RetinaNetLoss,
  sigmoid,
  slice,
  sum,
  tensor,
  tidy,
  transformImages,
  type RetinaNetSpec,
  type Size,
  type Tensor,
} from 'retinagrad';
import type { Detector } from 'retinagrad/detector';
import type { Tile } from '../detection/tiles.ts';

/** An image with what the network made of it, on the GPU until `dispose`. */
export interface Analysis {
  /** [1, H, W, 3], normalised. */
  readonly images: Tensor;
  readonly features: readonly Tensor[];
  readonly pyramid: readonly Tensor[];
  /** [1, A, 1] */
  readonly logits: Tensor;
  /** [1, A, 4] */
  readonly deltas: Tensor;
  readonly host: { readonly logits: ArrayLike<number>; readonly deltas: ArrayLike<number> };
  /** Sizes of the levels P3 to P7. */
  readonly levels: readonly Size[];
  readonly dispose: () => void;
}

/** Runs the network on an image. */
export async function analyse({ model, spec }: Detector, { image }: Tile): Promise<Analysis> {
  const kept = noGrad(() =>
    tidy(() => {
      const { images } = transformImages(model.parameters()[0]!.device, [image], spec.transform);
      const { features, pyramid, logits, deltas } = model.forward(images);
      return [images, ...features, ...pyramid, logits, deltas].map((t) => keep(t));
    }),
  );
  const [images, c3, c4, c5, p3, p4, p5, p6, p7, logits, deltas] = kept as [Tensor, ...Tensor[]];
  const pyramid = [p3!, p4!, p5!, p6!, p7!];
  const host = { logits: await logits!.data(), deltas: await deltas!.data() };
  const levels = pyramid.map(({ shape }): Size => [shape[1]!, shape[2]!]);
  const dispose = (): void => kept.forEach((t) => t.dispose());
  return { images, features: [c3!, c4!, c5!], pyramid, logits: logits!, deltas: deltas!, host, levels, dispose };
}

/** Anchors with sizes that are those of training times a factor. */
export function scaledAnchors(spec: RetinaNetSpec, { images, levels }: Analysis, factor: number): Float32Array {
  const sizes = spec.anchors.sizes.map((level) => level.map((size) => size * factor));
  return makeAnchors({ ...spec.anchors, sizes }, [images.shape[1]!, images.shape[2]!], levels);
}

export interface BoxOptions {
  readonly anchors: Float32Array;
  readonly scoreThreshold: number;
  readonly nmsThreshold: number;
}

/** A box that is left, and the anchor that made it. */
export interface Found {
  readonly anchor: number;
  readonly box: readonly [number, number, number, number];
  readonly score: number;
}

/** Boxes that are left after suppression, which the GPU decodes and chooses, and the number of candidates before it. */
export async function boxesOf(
  spec: RetinaNetSpec,
  { images, logits, deltas, host }: Analysis,
  { anchors, scoreThreshold, nmsThreshold }: BoxOptions,
): Promise<{ readonly found: readonly Found[]; readonly candidates: number }> {
  const count = anchors.length / 4;
  const [height, width] = [images.shape[1]!, images.shape[2]!];
  const [picks, boxes] = await Promise.all(
    noGrad(() =>
      tidy(() => {
        const decoded = decodeBoxes(deltas, tensor(anchors, { shape: [count, 4] }), spec.boxCoder);
        const clipped = reshape(maximum(minimum(decoded, tensor([width, height, width, height])), 0), [count, 4]);
        const scores = reshape(sigmoid(logits), [count]);
        const options = { iouThreshold: nmsThreshold, scoreThreshold, maxOutputs: spec.postprocess.maxDetections };
        return [nonMaxSuppression(clipped, scores, options).indices.data(), clipped.data()];
      }),
    ),
  );
  const scoreOf = (anchor: number): number => 1 / (1 + Math.exp(-host.logits[anchor]!));
  const found = Array.from(picks!)
    .filter((anchor) => anchor >= 0)
    .map((anchor): Found => {
      const [x1, y1, x2, y2] = boxes!.subarray(4 * anchor, 4 * anchor + 4);
      return { anchor, box: [x1!, y1!, x2!, y2!], score: scoreOf(anchor) };
    });
  const candidates = Array.from(host.logits).filter((_, anchor) => scoreOf(anchor) > scoreThreshold).length;
  return { found, candidates };
}

/** What training would say of the image. */
export interface Judged {
  readonly classification: number;
  readonly boxRegression: number;
  readonly foreground: number;
  /** For each anchor the number of its object, -1 for background, -2 for ignored. */
  readonly matches: ArrayLike<number>;
  readonly ignored: number;
}

/** Matches anchors with the objects of a tile and computes both losses. */
export async function judged(
  spec: RetinaNetSpec,
  { logits, deltas }: Analysis,
  { boxes, labels }: Tile,
  { anchors, alpha, gamma }: { readonly anchors: Float32Array; readonly alpha: number; readonly gamma: number },
): Promise<Judged> {
  const loss = new RetinaNetLoss({ ...spec.loss, alpha, gamma }, spec.boxCoder);
  const read = await Promise.all(
    noGrad(() =>
      tidy(() => {
        const all = tensor(anchors, { shape: [anchors.length / 4, 4] });
        const assignment = assignTargets(all, [{ boxes, labels }], 1, spec.matcher, spec.boxCoder);
        const { classification, boxRegression, foreground } = loss.forward({ logits, deltas }, all, assignment);
        return [classification, boxRegression, foreground, assignment.matches].map((t) => t.data());
      }),
    ),
  );
  const [classification, boxRegression, foreground, matches] = read;
  return {
    classification: classification![0]!,
    boxRegression: boxRegression![0]!,
    foreground: foreground![0]!,
    matches: matches!,
    ignored: Array.from(matches!).filter((match) => match === -2).length,
  };
}

/** The gradient of an anchor's logit with respect to the image, [H, W, 3]. The caller disposes of it. */
export function influence({ model }: Detector, { images }: Analysis, anchor: number): Tensor {
  return tidy(() => {
    images.requiresGrad = true;
    try {
      const { logits } = model.forward(images);
      const [slope] = grad(sum(slice(logits, [0, anchor, 0], [1, 1, 1])), [images]);
      return reshape(slope!, images.shape.slice(1));
    } finally {
      images.requiresGrad = false;
    }
  });
}

/** Where an anchor is: its level from 0 (P3), row, column and number within its cell. */
export interface Place {
  readonly level: number;
  readonly row: number;
  readonly column: number;
  readonly shape: number;
}

export function placeOf(anchor: number, levels: readonly Size[], perCell: number): Place {
  let rest = anchor;
  for (const [level, [height, width]] of levels.entries()) {
    const count = height * width * perCell;
    if (rest >= count) {
      rest -= count;
      continue;
    }
    const cell = Math.floor(rest / perCell);
    return { level, row: Math.floor(cell / width), column: cell % width, shape: rest % perCell };
  }
  throw new RangeError(`there is no anchor ${anchor}`);
}
