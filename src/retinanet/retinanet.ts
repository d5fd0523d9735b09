import { add } from '../autograd/ops/binary.ts';
import { noGrad } from '../autograd/tape.ts';
import { checkInteger } from '../common/check.ts';
import { Module, type HostTensor } from '../nn/module.ts';
import { Recorded } from '../nn/recorded.ts';
import { tensor } from '../tensor/create.ts';
import { GpuOutOfMemoryError } from '../tensor/errors.ts';
import { keep, tidy } from '../tensor/scope.ts';
import { defaultDevice, type Device } from '../tensor/device.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { anchorsPerCell, makeAnchors, type Size } from './anchors.ts';
import { FeaturePyramid, pyramidSizes, type Pyramid } from './fpn.ts';
import { RetinaNetHead, type HeadOutput } from './heads.ts';
import { RetinaNetLoss, type RetinaNetLosses } from './loss.ts';
import { assignBoxes, uploadTargets, type BoxBatch } from './matching-gpu.ts';
import { PerSize } from './per-size.ts';
import { candidates, withMaximum, withoutDuplicates, type Detections } from './postprocess.ts';
import { ResNet } from './resnet.ts';
import { inputChannels, type RetinaNetSpec } from './spec.ts';
import type { Target } from './targets.ts';
import {
  checkTransform,
  scaleBoxes,
  transformImages,
  transformTargets,
  type ImageBatch,
  type ImageInput,
} from './transform.ts';

// RetinaNet (Lin et al. 2017, "Focal Loss for Dense Object Detection"), from pixels to boxes:
//   images -> transform -> ResNet (C3, C4, C5) -> pyramid (P3..P7) -> heads (a score per class and four offsets for
//   every anchor) -> in training, losses against the anchors' targets; otherwise, boxes.

/** ResNet and pyramid, under torchvision's names. */
class Backbone extends Module {
  readonly body: ResNet;
  readonly fpn: FeaturePyramid;

  constructor(spec: RetinaNetSpec) {
    super();
    this.body = new ResNet(spec.backbone, inputChannels(spec));
    this.fpn = new FeaturePyramid(this.body.outChannels, spec.pyramid);
  }
}

/** Everything that the network computes for a batch, before losses or boxes. */
export interface NetworkOutput extends HeadOutput {
  /** C3, C4, C5. */
  readonly features: readonly [Tensor, Tensor, Tensor];
  readonly pyramid: Pyramid;
}

/** Images [N, H, W, C] and the boxes of their objects, in pixels of the batch. */
export interface TrainingBatch extends BoxBatch {
  readonly images: Tensor;
}

/** Losses of a batch. `total` is their sum, which `backward` takes. */
export interface TrainingLosses extends RetinaNetLosses {
  readonly total: Tensor;
}

/** Anchors of one image size, on the GPU for matching and on the host for decoding. */
interface AnchorSet {
  readonly host: Float32Array;
  readonly gpu: Tensor;
  /** Number of anchors of each level. */
  readonly levels: readonly number[];
  dispose(): void;
}

/**
 * RetinaNet (Lin et al. 2017): a ResNet, a pyramid of features, and the two subnets, with its losses and its detections.
 *
 * @example
 * const spec = retinaNetSpec('torchvision', {
 *   backbone: { depth: 18, width: 8 },
 *   pyramid: { channels: 16 },
 *   head: { channels: 16, convs: 1 },
 *   transform: { minSize: 64, maxSize: 64 },
 * });
 * manualSeed(1);
 * const model = new RetinaNet(2, spec);
 * const target = { boxes: Float32Array.of(10, 10, 40, 40), labels: Int32Array.of(1) };
 * const total = tidy(() => {
 *   const losses = model.losses([zeros([64, 64, 3])], [target]);
 *   backward(losses.total);
 *   return losses.total;
 * });
 * console.log((await total.item()) > 0, model.head.classificationHead.clsLogits.weight.grad.shape);
 * // true [3, 3, 16, 18]
 * const [found] = await model.eval().detect([zeros([64, 64, 3])]);
 * console.log(found.boxes.length / 4 === found.scores.length); // true
 */
export class RetinaNet extends Module {
  readonly backbone: Backbone;
  readonly head: RetinaNetHead;
  readonly loss: RetinaNetLoss;
  readonly spec: RetinaNetSpec;
  readonly classes: number;
  /** The device of the parameters. */
  #device: Device;
  /** Private, because a Tensor in a public field would be a buffer of the model. */
  readonly #anchors = new PerSize<AnchorSet>();
  /** Scores and offsets for `detect`. */
  readonly #predict = new Recorded(
    (images: Tensor) => {
      const { logits, deltas } = this.forward(images);
      return { logits, deltas };
    },
    { modules: [this] },
  );

  /**
   * @param classes number of classes; background is not a class
   * @param spec see `retinaNetSpec`
   */
  constructor(classes: number, spec: RetinaNetSpec) {
    super();
    checkInteger('RetinaNet', 'classes', classes, { min: 1 });
    checkTransform(spec.transform);
    this.backbone = new Backbone(spec);
    this.head = new RetinaNetHead(spec.pyramid.channels, anchorsPerCell(spec.anchors), classes, spec.head);
    this.loss = new RetinaNetLoss(spec.loss, spec.boxCoder);
    this.spec = spec;
    this.classes = classes;
    this.#device = defaultDevice();
  }

  /**
   * Scores and offsets for a batch from `transformImages`.
   *
   * @param images [N, H, W, C]
   */
  forward(images: Tensor): NetworkOutput {
    return tidy(() => {
      const features = this.backbone.body.forward(images);
      const pyramid = this.backbone.fpn.forward(features);
      return { features, pyramid, ...this.head.forward(pyramid) };
    });
  }

  /**
   * Losses of a batch of images and their objects. Call it inside `tidy`, then `backward(losses.total)`.
   *
   * @param targets objects of each image, in its own pixels
   */
  losses(images: readonly ImageInput[], targets: readonly Target[]): TrainingLosses {
    return tidy(() => this.batchLosses(this.batch(images, targets)));
  }

  /**
   * Images and their objects as a batch on the GPU, for `batchLosses`.
   *
   * @param targets objects of each image, in its own pixels
   * @param rows minimum number of rows for the boxes of an image. Default: as many as the largest number of boxes
   */
  batch(images: readonly ImageInput[], targets: readonly Target[], rows = 1): TrainingBatch {
    return tidy(() => {
      const device = this.#device;
      const batch = device.during('images', () => transformImages(device, images, this.spec.transform));
      const boxes = uploadTargets(device, transformTargets(targets, batch), this.classes, rows);
      return { images: batch.images, ...boxes };
    });
  }

  /** Losses of a batch. Call it inside `tidy`, then `backward(losses.total)`. */
  batchLosses({ images, ...boxes }: TrainingBatch): TrainingLosses {
    return tidy(() => {
      const device = this.#device;
      const { matcher, boxCoder } = this.spec;
      const output = this.forward(images);
      const anchors = device.duringHost('anchors', () => this.anchors({ images }));
      const assignment = device.during('matching', () => assignBoxes(anchors.gpu, boxes, matcher, boxCoder));
      const losses = this.loss.forward(output, anchors.gpu, assignment);
      return { ...losses, total: add(losses.classification, losses.boxRegression) };
    });
  }

  /**
   * Detects objects. The model must be in evaluation mode (`eval()`). Boxes are in pixels of the given images.
   *
   * @param options.maxDetections maximum number for each image, default that of the spec. With a larger one, ten times as many
   *   candidates are considered on each level of the pyramid.
   * @throws GpuOutOfMemoryError if an image does not fit into the memory. Images that do not fit together are divided into
   *   smaller batches, whose results may differ by rounding.
   */
  async detect(
    images: readonly ImageInput[],
    options: { readonly maxDetections?: number } = {},
  ): Promise<Detections[]> {
    if (this.training) throw new Error('detect: the model is in training mode; call model.eval() first');
    try {
      return await this.#detectTogether(images, withMaximum(this.spec.postprocess, options.maxDetections));
    } catch (error) {
      if (!(error instanceof GpuOutOfMemoryError) || images.length < 2) throw error;
    }
    const half = Math.ceil(images.length / 2);
    const first = await this.detect(images.slice(0, half), options);
    return [...first, ...(await this.detect(images.slice(half), options))];
  }

  async #detectTogether(
    images: readonly ImageInput[],
    postprocess: RetinaNetSpec['postprocess'],
  ): Promise<Detections[]> {
    const { boxCoder } = this.spec;
    const device = this.#device;
    const { batch, logits, deltas, anchors } = noGrad(() =>
      tidy(() => {
        const batch = device.during('images', () => transformImages(device, images, this.spec.transform));
        const anchors = device.duringHost('anchors', () => this.anchors(batch));
        return { batch, anchors, ...this.#predict.run(batch.images) };
      }),
    );
    const reading = Promise.all([logits.data(), deltas.data()]);
    for (const used of [logits, deltas, batch.images]) used.dispose();
    const [logitValues, deltaValues] = (await reading) as [Float32Array, Float32Array];
    const count = anchors.host.length / 4;
    return batch.sizes.map((size, n) => {
      const raw = {
        logits: logitValues.subarray(n * count * this.classes, (n + 1) * count * this.classes),
        deltas: deltaValues.subarray(n * count * 4, (n + 1) * count * 4),
        anchors: anchors.host,
        classes: this.classes,
        levels: anchors.levels,
        size,
      };
      const likely = device.duringHost('post-processing', () => candidates(raw, postprocess, boxCoder));
      const found = device.duringHost('suppression', () => withoutDuplicates(likely, size, postprocess));
      return { ...found, boxes: scaleBoxes(found.boxes, size, batch.originalSizes[n]!) };
    });
  }

  /** The anchors of a batch, computed once per image size. */
  anchors({ images }: Pick<ImageBatch, 'images'>): AnchorSet {
    const image: Size = [images.shape[1]!, images.shape[2]!];
    const sizes = pyramidSizes(image);
    return this.#anchors.of(image.join(), () => {
      const host = makeAnchors(this.spec.anchors, image, sizes);
      const perCell = anchorsPerCell(this.spec.anchors);
      const gpu = keep(tensor(host, { device: this.#device, shape: [host.length / 4, 4] }));
      const levels = sizes.map(([h, w]) => h * w * perCell);
      return { host, gpu, levels, dispose: () => gpu.dispose() };
    });
  }

  /** Also frees what `detect` has recorded, when training begins. */
  override train(training = true): this {
    if (training) this.#predict.dispose();
    return super.train(training);
  }

  override moveTo(device: Device, state: ReadonlyMap<string, HostTensor>): void {
    super.moveTo(device, state);
    this.#device = device;
  }

  protected override freeCaches(): void {
    this.#predict.dispose();
    this.#anchors.dispose();
  }
}
