import { anchorsPerCell, type Size } from '../retinanet/anchors.ts';
import type { RetinaNetSpec } from '../retinanet/spec.ts';
import { trainedSizes } from '../detector/anchor-coverage.ts';

// What a network costs, counted from its spec: the convolutions are nearly all of it.

/** Work and memory of a network for one image. */
export interface NetworkCost {
  /** Numbers that are learnt, with those of the normalisation. */
  readonly parameters: number;
  /** Multiply-adds of a forward pass. */
  readonly macs: number;
  /** Bytes of what the convolutions give, in float32. */
  readonly activationBytes: number;
}

const BLOCKS = { 18: [2, 2, 2, 2], 34: [3, 4, 6, 3], 50: [3, 4, 6, 3], 101: [3, 4, 23, 3] } as const;

/** Counts a network's convolutions for an image of a size (before resizing and padding). */
export function networkCost(spec: RetinaNetSpec, classes: number, image: Size): NetworkCost {
  const { backbone, pyramid, head } = spec;
  const { padded, levels } = trainedSizes(image, spec);
  let [parameters, macs, numbers] = [0, 0, 0];
  const halved = ([h, w]: Size): Size => [Math.ceil(h / 2), Math.ceil(w / 2)];
  /** A convolution over a map; `extra` are its parameters per output channel, beside the filter. */
  const conv = (kernel: number, from: number, to: number, [h, w]: Size, extra: number, isNew = true): void => {
    if (isNew) parameters += kernel * kernel * from * to + extra * to;
    macs += kernel * kernel * from * to * h * w;
    numbers += to * h * w;
  };

  let size = halved(padded);
  conv(7, 3, backbone.width, size, 2);
  size = halved(size);
  const isBottleneck = backbone.depth >= 50;
  const expansion = isBottleneck ? 4 : 1;
  let channels = backbone.width;
  const outputs: [channels: number, size: Size][] = [];
  BLOCKS[backbone.depth].forEach((count, stage) => {
    const inner = backbone.width * 2 ** stage;
    for (let block = 0; block < count; block++) {
      const before = size;
      if (block === 0 && stage > 0) size = halved(size);
      if (isBottleneck) {
        conv(1, channels, inner, backbone.bottleneckStride === '3x3' ? before : size, 2);
        conv(3, inner, inner, size, 2);
        conv(1, inner, inner * 4, size, 2);
      } else {
        conv(3, channels, inner, size, 2);
        conv(3, inner, inner, size, 2);
      }
      const to = inner * expansion;
      if (block === 0 && (stage > 0 || channels !== to)) conv(1, channels, to, size, 2);
      channels = to;
    }
    outputs.push([channels, size]);
  });

  for (const [from, at] of outputs.slice(1)) {
    conv(1, from, pyramid.channels, at, 1);
    conv(3, pyramid.channels, pyramid.channels, at, 1);
  }
  conv(3, pyramid.p6 === 'P5' ? pyramid.channels : channels, pyramid.channels, levels[3]!, 1);
  conv(3, pyramid.channels, pyramid.channels, levels[4]!, 1);
  const perCell = anchorsPerCell(spec.anchors);
  levels.forEach((at, level) => {
    for (const outputChannels of [perCell * classes, perCell * 4]) {
      for (let i = 0; i < head.convs; i++) {
        const from = i === 0 ? pyramid.channels : head.channels;
        conv(3, from, head.channels, at, head.normGroups === null ? 1 : 2, level === 0);
      }
      conv(3, head.convs === 0 ? pyramid.channels : head.channels, outputChannels, at, 1, level === 0);
    }
  });
  return { parameters, macs, activationBytes: 4 * numbers };
}

/** Copies of the weights that training holds all the time: weights, two moments of AdamW, averaged weights. */
const COPIES = 4;
/**
 * Bytes at the peak per byte of the convolutions' results: where backward begins (they and what stands between them are
 * all alive), and where it ends (the gradients of the weights are). Fitted to the peaks in docs/performance.md, which
 * they meet within 6 %.
 */
const [AT_START, AT_END] = [2, 1.4];

/** Estimated bytes at the peak of a training step with AdamW and averaged weights. */
export function trainingBytes({ parameters, activationBytes }: NetworkCost, batch: number, copies = COPIES): number {
  const weights = 4 * parameters;
  return Math.max(
    copies * weights + AT_START * activationBytes * batch,
    (copies + 1) * weights + AT_END * activationBytes * batch,
  );
}
