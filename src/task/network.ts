import type { ChannelStatistics } from '../data/channel-statistics.ts';
import { bestIous, placeBoxes } from '../detector/anchor-coverage.ts';
import { fitAnchors, steppedSizes } from '../detector/fit-anchors.ts';
import type { LabelTable } from '../labels/types.ts';
import type { BoxSizes } from '../report/charts/box-sizes.ts';
import { withMaximum } from '../retinanet/postprocess.ts';
import { inputChannels, retinaNetSpec, type RetinaNetSpec } from '../retinanet/spec.ts';
import type { PretrainedSource } from '../detector/pretrained-source.ts';
import { networks, type NetworkName, type RunSettings } from './settings.ts';

/** The spec of initial weights, as far as it is known. */
export type WeightsSpec = PretrainedSource['spec'];

/** The smallest network with the backbone of initial weights; null if there is none. */
export function networkFor({ backbone: { depth, width } }: WeightsSpec): NetworkName | null {
  const names = Object.keys(networks) as NetworkName[];
  return names.find((name) => networks[name].depth === depth && networks[name].width === width) ?? null;
}

/** What a network takes from its data and its initial weights. */
export interface NetworkOptions {
  /** Mean and standard deviation of each channel of the images. Default, for RGB: those of ImageNet. */
  readonly normalisation?: ChannelStatistics | null;
  /**
   * Spec of the initial weights, of which the network takes what gives them their meaning: strides, the coarse levels of the
   * pyramid, the norms of the head, how anchors and offsets are counted, and for RGB images their colours. Default none
   */
  readonly weights?: WeightsSpec | null;
}

/**
 * The network of a run: torchvision's preset, except for size, anchors, norms, the channels of other than RGB images, and what
 * initial weights require.
 *
 * @param truth the ground truth of the training images, to which `model.anchors=auto` fits the anchors
 */
export function networkSpec(
  { model, train }: Pick<RunSettings, 'model' | 'train'>,
  truth: LabelTable,
  { normalisation = null, weights = null }: NetworkOptions = {},
): RetinaNetSpec {
  const spec = followWeights(ownSpec(model, normalisation), weights);
  if (model.anchors === 'octaves') return spec;
  const boxes = placeBoxes(truth.images, spec);
  if (boxes.widths.length === 0) return spec;
  const { sizes, ratios } = fitAnchors(boxes, spec.anchors, { seed: train.seed });
  return { ...spec, anchors: { ...spec.anchors, sizes, ratios } };
}

/** The network of the settings, with anchors in octaves. */
function ownSpec(model: RunSettings['model'], normalisation: ChannelStatistics | null): RetinaNetSpec {
  const { depth, width, channels, convs } = networks[model.network];
  return retinaNetSpec('torchvision', {
    backbone: { depth, width, norm: model.norm, checkpoint: model.checkpoint },
    pyramid: { channels },
    head: { channels, convs },
    anchors: { sizes: steppedSizes(model.smallestAnchor) },
    transform: { minSize: model.imageSize, ...normalisation },
    postprocess: withMaximum(retinaNetSpec('torchvision').postprocess, model.maxDetections),
  });
}

/**
 * A network with what gives weights their meaning. The eps of norms is not among it: some published weights have 0, with which
 * a channel without variance ends a training.
 */
function followWeights(spec: RetinaNetSpec, weights: WeightsSpec | null): RetinaNetSpec {
  if (weights === null) return spec;
  const { backbone, transform, pyramid = spec.pyramid, head = spec.head, anchors = spec.anchors } = weights;
  // Other bands have statistics of their own, which the weights' first convolution is inflated for.
  const isOfSameBands = inputChannels(weights) === 3 && inputChannels(spec) === 3;
  return {
    ...spec,
    backbone: { ...spec.backbone, bottleneckStride: backbone.bottleneckStride },
    pyramid: { ...pyramid, channels: spec.pyramid.channels },
    head: { ...spec.head, normGroups: head.normGroups },
    anchors: { ...anchors, sizes: spec.anchors.sizes, ratios: spec.anchors.ratios },
    boxCoder: weights.boxCoder ?? spec.boxCoder,
    transform: isOfSameBands
      ? { ...transform, minSize: spec.transform.minSize, maxSize: spec.transform.maxSize }
      : spec.transform,
  };
}

/** Sizes of boxes and how well the anchors of a network fit them, for a report. */
export function boxSizesOf(truth: LabelTable, spec: RetinaNetSpec): BoxSizes {
  const { anchors, matcher } = spec;
  const boxes = placeBoxes(truth.images, spec);
  return {
    sizes: boxes.widths.map((width, i) => Math.sqrt(width * boxes.heights[i]!)),
    bestIou: bestIous(boxes, anchors),
    foregroundIou: matcher.high,
    anchorSizes: anchors.sizes.flat(),
  };
}
