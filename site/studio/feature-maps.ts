// What the layers of a detector compute of an image, and how a score depends on them, in the worker. The GPU draws it on a canvas
// of the page from the tensors themselves.
import {
  abs,
  add,
  captureOutputs,
  decodeBoxes,
  div,
  grad,
  max,
  mul,
  noGrad,
  pad,
  reshape,
  sigmoid,
  slice,
  sum,
  tensor,
  tidy,
  transformImages,
  transpose,
  type Tensor,
} from 'retinagrad';
import type { ByteImage } from 'retinagrad/data';
import type { Detector } from 'retinagrad/detector';
import { boxIou } from 'retinagrad/evaluation';
import { channelOf, drawMap, type Channel } from '../client/detection/draw-map.ts';

/** A layer, or the image. */
export interface Layer {
  /** The name of its module. Those of the subnets have all levels of the pyramid side by side. */
  readonly name: string;
  readonly height: number;
  readonly width: number;
  readonly channels: number;
}

/** A detection, in pixels of the image that is looked at. */
interface Target {
  readonly box: readonly [number, number, number, number];
  readonly label: number;
}

/** What is drawn. */
export interface MapRequest {
  readonly layer: string;
  /** A channel, the magnitude over all, or each of them side by side. */
  readonly channel: Channel | 'each';
  /** The detection whose score's gradient is drawn; null for what the layer computes. */
  readonly target: Target | null;
}

/** Anchors that overlap a detection at least so much make up its score. */
const SAME = 0.5;
/** The name of the image among the layers. */
const IMAGE = 'image';

interface Analysis {
  readonly layers: ReadonlyMap<string, Tensor>;
  /** [1, A, classes] */
  readonly logits: Tensor;
  /** [A, 4], in pixels of the image. */
  readonly boxes: Float32Array;
  readonly dispose: () => void;
}

export class FeatureMaps {
  #canvas: OffscreenCanvas | null = null;
  #analysis: Analysis | null = null;

  /** The canvas of the page that shows the maps. */
  attach(canvas: OffscreenCanvas): void {
    this.#canvas = canvas;
  }

  /** Runs the network on an image, and keeps what all layers compute. */
  async analyse(detector: Detector, image: ByteImage): Promise<readonly Layer[]> {
    this.close();
    this.#analysis = await analysisOf(detector, image);
    return [...this.#analysis.layers].map(([name, { shape }]) => {
      const [, height, width, channels] = shape as readonly [number, number, number, number];
      return { name, height, width, channels };
    });
  }

  /** Draws a layer. Resolves to the number of anchors whose scores are summed for a gradient, 0 without one. */
  async draw({ layer, channel, target }: MapRequest): Promise<number> {
    if (this.#analysis === null || this.#canvas === null) throw new Error('no image is being looked at');
    const values = this.#analysis.layers.get(layer)!;
    const anchors = target === null ? [] : anchorsOf(this.#analysis.boxes, target.box);
    const map = target === null ? values : gradientOf(this.#analysis.logits, anchors, target.label, values);
    try {
      const drawn: Promise<void>[] = [];
      noGrad(() =>
        tidy(() => {
          drawn.push(
            channel === 'each'
              ? drawMap(sideBySide(map), this.#canvas!, 1)
              : drawMap(channelOf(map, channel), this.#canvas!),
          );
        }),
      );
      await Promise.all(drawn);
    } finally {
      if (map !== values) map.dispose();
    }
    return anchors.length;
  }

  /** Frees the memory. */
  close(): void {
    this.#analysis?.dispose();
    this.#analysis = null;
  }
}

async function analysisOf({ model, spec }: Detector, image: ByteImage): Promise<Analysis> {
  const device = model.parameters()[0]!.device;
  const { images, sizes } = noGrad(() => transformImages(device, [image], spec.transform));
  images.requiresGrad = true;
  // With gradients: layers are not fused, so that each can be seen.
  const { result, outputs } = captureOutputs(model, () => model.forward(images));
  const named = new Map<Tensor, string>([[images, IMAGE]]);
  for (const [name, tensors] of outputs) {
    for (const one of tensors) {
      // A sequence returns what its last layer does: it stands for both.
      if (one.shape.length === 4) named.set(one, name);
    }
  }
  const { logits, deltas, pyramid } = result;
  const anchors = model.anchors({ images }).gpu;
  const decoded = noGrad(() => tidy(() => decodeBoxes(deltas, anchors, spec.boxCoder)));
  const boxes = (await decoded.data()) as Float32Array;
  decoded.dispose();
  const [scaleY, scaleX] = [0, 1].map((axis) => sizes[0]![axis]! / image.shape[axis]!) as [number, number];
  const inImage = boxes.map((value, i) => value / (i % 2 === 0 ? scaleX : scaleY));
  const all = new Set([images, logits, deltas, ...[...outputs.values()].flat(), ...result.features, ...pyramid]);
  return {
    layers: new Map([...named].map(([one, name]) => [name, one])),
    logits,
    boxes: inImage,
    dispose: () => all.forEach((one) => one.dispose()),
  };
}

/** The anchors whose boxes are those of a detection. */
function anchorsOf(boxes: Float32Array, box: Target['box']): number[] {
  const target = Float32Array.from(box);
  return Array.from({ length: boxes.length / 4 }, (_, i) => i).filter((i) => boxIou(boxes, i, target, 0) >= SAME);
}

/** The gradient of the sum of the scores of some anchors with respect to a layer. */
function gradientOf(logits: Tensor, anchors: readonly number[], label: number, layer: Tensor): Tensor {
  const count = logits.shape[1]!;
  const mask = new Float32Array(count);
  for (const anchor of anchors) mask[anchor] = 1;
  return tidy(() => {
    const scores = sigmoid(slice(logits, [0, 0, label], [1, count, 1]));
    const score = sum(mul(scores, tensor(mask, { shape: [1, count, 1], device: logits.device })));
    return grad(score, [layer], { retainGraph: true })[0]!;
  });
}

/** All channels of [1, H, W, C] in a grid, each in proportion to its largest magnitude. */
function sideBySide(map: Tensor): Tensor {
  const [, height, width, channels] = map.shape as [number, number, number, number];
  const columns = Math.ceil(Math.sqrt(channels));
  const rows = Math.ceil(channels / columns);
  const largest = reshape(max(abs(map), [1, 2]), [1, 1, 1, channels]);
  const relative = div(map, add(largest, 1e-12));
  // A line between two, and empty places at the end.
  const padded = pad(relative, [
    [0, 0],
    [0, 1],
    [0, 1],
    [0, rows * columns - channels],
  ]);
  const grid = transpose(reshape(padded, [height + 1, width + 1, rows, columns]), [2, 0, 3, 1]);
  return reshape(grid, [rows * (height + 1), columns * (width + 1)]);
}
