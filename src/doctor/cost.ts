import { anchorsPerCell, type Size } from '../retinanet/anchors.ts';
import { inputChannels, type RetinaNetSpec } from '../retinanet/spec.ts';
import { trainedSizes } from '../detector/anchor-coverage.ts';

// What a network costs, counted from its spec: convolutions take nearly all of it.

/** Work and memory of a network for one image. */
export interface NetworkCost {
  /** Trainable values, including those of the normalisation. */
  readonly parameters: number;
  /** Multiply-adds of a forward pass. */
  readonly macs: number;
  /** Bytes of the outputs of all convolutions, in float32. */
  readonly activationBytes: number;
}

/** One use of a convolution. */
interface Conv {
  readonly kernel: number;
  readonly from: number;
  readonly to: number;
  /** Height and width of the output. */
  readonly size: Size;
  /** Parameters per output channel in addition to the filter: 1 for a bias, 2 for a normalisation. */
  readonly extra: 1 | 2;
  /** Whether the weights are counted elsewhere: those of the heads are shared by all levels. */
  readonly isShared?: boolean;
}

const BLOCKS = { 18: [2, 2, 2, 2], 34: [3, 4, 6, 3], 50: [3, 4, 6, 3], 101: [3, 4, 23, 3] } as const;

/** Counts a network's convolutions for an image of a size (before resizing and padding). */
export function networkCost(spec: RetinaNetSpec, classes: number, image: Size): NetworkCost {
  const { padded, levels } = trainedSizes(image, spec);
  const backbone = backboneConvs(spec.backbone, inputChannels(spec), padded);
  const convs = [
    ...backbone.convs,
    ...pyramidConvs(spec.pyramid, backbone.stages, levels),
    ...headConvs(spec, classes, levels),
  ];
  const sum = (of: (conv: Conv) => number): number => convs.reduce((total, conv) => total + of(conv), 0);
  const outputs = ({ to, size: [h, w] }: Conv): number => to * h * w;
  return {
    parameters: sum(({ kernel, from, to, extra, isShared }) =>
      isShared === true ? 0 : kernel * kernel * from * to + extra * to,
    ),
    macs: sum((conv) => conv.kernel * conv.kernel * conv.from * outputs(conv)),
    activationBytes: 4 * sum(outputs),
  };
}

const halved = ([h, w]: Size): Size => [Math.ceil(h / 2), Math.ceil(w / 2)];

/** Channels and size of the output of a backbone stage. */
interface Stage {
  readonly channels: number;
  readonly size: Size;
}

function backboneConvs(
  { depth, width, bottleneckStride }: RetinaNetSpec['backbone'],
  inputs: number,
  padded: Size,
): { convs: Conv[]; stages: Stage[] } {
  const convs: Conv[] = [];
  const stages: Stage[] = [];
  const conv = (kernel: number, from: number, to: number, size: Size): void => {
    convs.push({ kernel, from, to, size, extra: 2 });
  };
  let size = halved(padded);
  conv(7, inputs, width, size);
  size = halved(size);
  let channels = width;
  const isBottleneck = depth >= 50;
  for (const [stage, count] of BLOCKS[depth].entries()) {
    const inner = width * 2 ** stage;
    const to = isBottleneck ? inner * 4 : inner;
    for (let block = 0; block < count; block++) {
      const before = size;
      if (block === 0 && stage > 0) size = halved(size);
      if (isBottleneck) {
        conv(1, channels, inner, bottleneckStride === '3x3' ? before : size);
        conv(3, inner, inner, size);
        conv(1, inner, to, size);
      } else {
        conv(3, channels, inner, size);
        conv(3, inner, inner, size);
      }
      if (block === 0 && (stage > 0 || channels !== to)) conv(1, channels, to, size);
      channels = to;
    }
    stages.push({ channels, size });
  }
  return { convs, stages };
}

/** Lateral and output convolutions of P3 to P5, then P6 and P7. */
function pyramidConvs(
  { channels, p6 }: RetinaNetSpec['pyramid'],
  stages: readonly Stage[],
  levels: readonly Size[],
): Conv[] {
  const lateral = stages.slice(1).flatMap(({ channels: from, size }): Conv[] => [
    { kernel: 1, from, to: channels, size, extra: 1 },
    { kernel: 3, from: channels, to: channels, size, extra: 1 },
  ]);
  const from = p6 === 'P5' ? channels : stages.at(-1)!.channels;
  return [
    ...lateral,
    { kernel: 3, from, to: channels, size: levels[3]!, extra: 1 },
    { kernel: 3, from: channels, to: channels, size: levels[4]!, extra: 1 },
  ];
}

/** Both heads on each level, with shared weights. */
function headConvs({ pyramid, head, anchors }: RetinaNetSpec, classes: number, levels: readonly Size[]): Conv[] {
  const perCell = anchorsPerCell(anchors);
  return levels.flatMap((size, level) =>
    [perCell * classes, perCell * 4].flatMap((outputs): Conv[] => {
      const shared = { kernel: 3, size, isShared: level > 0 };
      const hidden = Array.from({ length: head.convs }, (_, i): Conv => {
        const from = i === 0 ? pyramid.channels : head.channels;
        return { ...shared, from, to: head.channels, extra: head.normGroups === null ? 1 : 2 };
      });
      const from = head.convs === 0 ? pyramid.channels : head.channels;
      return [...hidden, { ...shared, from, to: outputs, extra: 1 }];
    }),
  );
}

/** Copies of the weights that are in memory throughout training: weights, two moments of AdamW, averaged weights. */
const COPIES = 4;
/**
 * Peak bytes per byte of the convolutions' outputs: at the start of backward (when these and the activations between them
 * are alive) and at its end (when the gradients of the weights are). Fitted to the peaks in docs/performance.md, which
 * they reproduce within 6 %.
 */
const [AT_START, AT_END] = [2, 1.4];

/** Estimated peak memory, in bytes, of a training step with AdamW and averaged weights. */
export function trainingBytes({ parameters, activationBytes }: NetworkCost, batch: number, copies = COPIES): number {
  const weights = 4 * parameters;
  return Math.max(
    copies * weights + AT_START * activationBytes * batch,
    (copies + 1) * weights + AT_END * activationBytes * batch,
  );
}
