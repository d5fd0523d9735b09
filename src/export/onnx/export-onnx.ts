import { checkChoice, checkInteger, checkNumber, optionsOf } from '../../common/check.ts';
import type { DetectorDescription } from '../../detector/detector.ts';
import type { HostTensor } from '../../nn/module.ts';
import { makeAnchors } from '../../retinanet/anchors.ts';
import type { RetinaNetSpec } from '../../retinanet/spec.ts';
import { resizedSize } from '../../retinanet/transform.ts';
import { toTorchvisionStateDict } from '../../weights/torchvision.ts';
import { boxOutput, rawOutputs, suppressedOutputs, type DetectionParts } from './detections.ts';
import { onnxForms, type OnnxForm } from './forms.ts';
import { OnnxGraph } from './graph.ts';
import { onnxMetadata } from './metadata.ts';
import { encodeOnnx } from './model.ts';
import { OnnxNetwork, type FeatureMap } from './network.ts';

/** Options of `exportOnnx`. */
export interface OnnxOptions {
  /**
   * What the file puts out. `boxes` (the default) is one tensor without suppression, which GIS tools expect; `suppressed` is
   * the detections, as `Detector.detect` finds them in one tile; `raw` is what the network puts out.
   */
  readonly form?: OnnxForm;
  /** Side of the input in pixels. Default: that of the tiles of training; if there were none, the size of resized images. */
  readonly tile?: number;
  /** Side of a pixel on the ground in centimetres. Default: that of the training images, if it is known. */
  readonly resolution?: number;
}

/** An ONNX file. */
export interface OnnxFile {
  readonly bytes: Uint8Array;
  /** Side of the input in pixels. */
  readonly tile: number;
  /** What a user of the file must know, a sentence each. */
  readonly notes: readonly string[];
}

/** The newest of both that the runtimes of the three tools read: onnxruntime 1.10 to 1.17 (docs/your-own-data.md). */
const OPSET = 13;
const IR_VERSION = 7;
/** Maximum number of boxes of the form `boxes`. Some readers go through them one by one. */
const MAX_BOXES = 1000;

/**
 * Encodes a detector as an ONNX file (opset 13, IR version 7). Its input, `images`, is [1, 3, tile, tile]: one image, RGB from 0
 * to 1, or as many channels as training images have bands; they are normalised in the file. The outputs depend on the form:
 *
 * - `boxes`: `output0` [1, 4 + classes, K]: cx, cy, w, h in pixels and the score of each class from 0 to 1, of the K anchors with
 *   the highest scores. K is 1000 or the number of anchors; for small tiles, that of a YOLO network of this size.
 * - `suppressed`: `boxes` [n, 4] (x1, y1, x2, y2 in pixels), `labels` [n] (int64) and `scores` [n], highest first, above
 *   `spec.postprocess.scoreThreshold`.
 * - `raw`: `logits` [1, A, classes], `deltas` [1, A, 4] and `anchors` [A, 4] (x1, y1, x2, y2).
 *
 * @param weights of `readStateDict`
 * @throws RangeError for options out of range, Error if weights are missing
 */
export function exportOnnx(
  weights: ReadonlyMap<string, HostTensor>,
  description: DetectorDescription,
  options: OnnxOptions = {},
): OnnxFile {
  const { spec, classes } = description;
  const { form, tile, resolution } = optionsOf('exportOnnx', options, {
    form: 'boxes',
    tile: description.tile ?? spec.transform.minSize ?? 1024,
    resolution: undefined,
  });
  checkChoice('exportOnnx', 'form', form, onnxForms);
  // In a larger tile the network finds what is not there: it saw padding where the tile has pixels.
  checkInteger('exportOnnx', 'tile', tile, {
    min: 32,
    ...(description.tile === null ? {} : { max: description.tile }),
  });
  if (resolution !== undefined) checkNumber('exportOnnx', 'resolution', resolution, { above: 0, finite: true });
  const graph = new OnnxGraph();
  const [side] = resizedSize([tile, tile], spec.transform);
  const images = prepared(graph, spec, tile, side);
  const network = new OnnxNetwork(graph, spec, toTorchvisionStateDict(weights));
  const levels = network.levels(images, classes.length);
  const sizes = levels.map(({ height, width }) => [height, width] as const);
  const anchors = makeAnchors(spec.anchors, [images.height, images.width], sizes);
  const parts: DetectionParts = { graph, spec, classes: classes.length, levels, anchors, side, scale: tile / side };
  const outputs =
    form === 'raw'
      ? rawOutputs(parts)
      : form === 'suppressed'
        ? suppressedOutputs(parts)
        : boxOutput(parts, boxCount(tile, anchors.length / 4, classes.length));
  const { metadata, notes } = onnxMetadata(description, { form, tile, resolution });
  const bytes = encodeOnnx({
    irVersion: IR_VERSION,
    opset: OPSET,
    producer: { name: 'retinagrad' },
    name: 'retinanet',
    description: `RetinaNet that detects ${classes.join(', ')}`,
    nodes: graph.nodes,
    initializers: graph.initializers,
    inputs: [{ name: 'images', type: 'float32', shape: [1, spec.transform.mean.length, tile, tile] }],
    outputs,
    metadata,
  });
  return { bytes, tile, notes };
}

/** Normalised, resized and padded images, as `transformImages` makes them. */
function prepared(graph: OnnxGraph, { transform }: RetinaNetSpec, tile: number, side: number): FeatureMap {
  const { mean, std, channels, white, padMultiple } = transform;
  const count = mean.length;
  const perChannel = (values: readonly number[]): string => graph.floats(values, [1, count, 1, 1]);
  let value = 'images';
  if (channels === 'bgr') value = graph.add('Gather', [value, graph.integers([2, 1, 0])], { axis: 1 });
  if (white !== 1) value = graph.add('Mul', [value, graph.floats(white)]);
  value = graph.add('Div', [graph.add('Sub', [value, perChannel(mean)]), perChannel(std)]);
  if (side !== tile) {
    const size = graph.integers([1, count, side, side]);
    const attributes = { mode: 'linear', coordinate_transformation_mode: 'half_pixel' };
    value = graph.add('Resize', [value, '', '', size], attributes);
  }
  const padded = Math.ceil(side / padMultiple) * padMultiple;
  if (padded !== side) {
    value = graph.add('Pad', [value, graph.integers([0, 0, 0, 0, 0, 0, padded - side, padded - side])]);
  }
  return { value, channels: count, height: padded, width: padded };
}

/**
 * Number of boxes of the form `boxes`. GeoLibre takes that axis for the boxes whose extent is nearer to the number of cells of a
 * YOLO network; where 1000 would be too far from it, it is that number.
 */
function boxCount(tile: number, anchors: number, classes: number): number {
  const cells = [8, 16, 32].reduce((sum, stride) => sum + Math.floor(tile / stride) ** 2, 0);
  const most = Math.min(anchors, MAX_BOXES);
  return Math.abs(most - cells) < Math.abs(4 + classes - cells) ? most : Math.min(anchors, cells);
}
