import { backward, detach } from '../autograd/tape.ts';
import { keep, tidy } from '../tensor/scope.ts';
import { manualSeed } from '../autograd/seeds.ts';
import type { HeadOutput } from '../retinanet/heads.ts';
import { RetinaNet } from '../retinanet/retinanet.ts';
import { retinaNetSpec } from '../retinanet/spec.ts';
import { SGD } from '../nn/optim.ts';
import { Recorded } from '../nn/recorded.ts';
import { tensor } from '../tensor/create.ts';
import type { Target } from '../retinanet/targets.ts';
import { transformImages } from '../retinanet/transform.ts';
import type { Tensor } from '../tensor/tensor.ts';
import type { Device } from '../tensor/device.ts';

/** A network to train and run: torchvision's RetinaNet with two classes, with all batch norms in training mode. */
export interface WorkloadOptions {
  readonly depth: 18 | 50;
  /** Height and width of the images; a multiple of 32. */
  readonly size: number;
  readonly batch: number;
  /** Whether all stages of the backbone are checkpointed. Default false. */
  readonly checkpoint?: boolean;
}

type Step = (images: Tensor, boxes: Tensor, classes: Tensor, counts: Tensor) => Tensor;

/** A training step and an inference of one network on the same images. */
export class Workload {
  readonly model: RetinaNet;
  /** [height, width, 3] each. */
  readonly images: readonly Tensor[];
  readonly #targets: Target[];
  readonly #optimizer: SGD;
  readonly #device: Device;
  readonly #step: Step;
  /** The same, recorded, as `Trainer` does. */
  readonly #recorded: Recorded<Parameters<Step>, Tensor>;

  constructor(device: Device, { depth, size, batch, checkpoint = false }: WorkloadOptions) {
    const spec = retinaNetSpec('torchvision', {
      backbone: { depth, norm: 'batch', checkpoint },
      transform: { minSize: size, maxSize: size },
    });
    this.#device = device;
    manualSeed(1);
    this.model = new RetinaNet(2, spec);
    this.#optimizer = new SGD(this.model.parameters(), { lr: 1e-4, momentum: 0.9 });
    this.images = Array.from({ length: batch }, (_, n) => {
      const values = Float32Array.from({ length: size * size * 3 }, (_, i) => ((i * 7919 + n * 31) % 251) / 251);
      return keep(tensor(values, { device, shape: [size, size, 3] }));
    });
    const boxes = Float32Array.of(0.1, 0.1, 0.5, 0.6, 0.3, 0.2, 0.8, 0.7).map((fraction) => fraction * size);
    this.#targets = this.images.map(() => ({ boxes, labels: Int32Array.of(0, 1) }));
    this.#step = (images, boxes, classes, counts) => {
      const { total } = this.model.batchLosses({ images, boxes, classes, counts });
      backward(total);
      device.during('optimiser', () => this.#optimizer.step());
      this.#optimizer.zeroGrad();
      return detach(total);
    };
    this.#recorded = new Recorded(this.#step, { modules: [this.model], maximum: 1 });
  }

  /** Steps that ran the recording. */
  get recordedSteps(): number {
    return this.#recorded.runs;
  }

  /** Queues loss, gradients and update, and returns the loss. Steps are recorded from the second on, unless `isRecorded` is false. */
  queueStep({ isRecorded = true } = {}): Tensor {
    this.model.train();
    return tidy(() => {
      const { images, boxes, classes, counts } = this.model.batch(this.images, this.#targets);
      return isRecorded
        ? this.#recorded.run(images, boxes, classes, counts)
        : this.#step(images, boxes, classes, counts);
    });
  }

  /** A step whose loss is awaited. */
  async trainStep(): Promise<number> {
    const loss = this.queueStep();
    const value = await loss.item();
    loss.dispose();
    return value;
  }

  /** Logits and offsets of all images. */
  outputs(): Pick<HeadOutput, 'logits' | 'deltas'> {
    this.model.eval();
    return tidy(() => {
      const { images } = transformImages(this.#device, this.images, this.model.spec.transform);
      const { logits, deltas } = this.model.forward(images);
      return { logits, deltas };
    });
  }

  /** Detections of all images, with non-maximum suppression on the host. */
  async detect(): Promise<void> {
    this.#recorded.dispose(); // As in an evaluation during training.
    this.model.eval();
    await this.model.detect(this.images);
  }

  dispose(): void {
    this.#recorded.dispose();
    this.#optimizer.dispose();
    for (const image of this.images) image.dispose();
    this.model.dispose();
  }
}
