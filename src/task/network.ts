import type { ChannelStatistics } from '../data/channel-statistics.ts';
import { bestIous, placeBoxes } from '../detector/anchor-coverage.ts';
import { fitAnchors, steppedSizes } from '../detector/fit-anchors.ts';
import type { LabelTable } from '../labels/types.ts';
import type { BoxSizes } from '../report/charts/box-sizes.ts';
import { withMaximum } from '../retinanet/postprocess.ts';
import { retinaNetSpec, type RetinaNetSpec } from '../retinanet/spec.ts';
import { networks, type RunSettings } from './settings.ts';

/**
 * The network of a run: torchvision's preset, except for size, anchors, norms, and the channels of other than RGB images.
 *
 * @param truth the ground truth of the training images, to which `model.anchors=auto` fits the anchors
 * @param normalisation mean and standard deviation of each channel of the images; null (default) for RGB: those of ImageNet
 */
export function networkSpec(
  { model, train }: Pick<RunSettings, 'model' | 'train'>,
  truth: LabelTable,
  normalisation: ChannelStatistics | null = null,
): RetinaNetSpec {
  const { depth, width, channels, convs } = networks[model.network];
  const spec = retinaNetSpec('torchvision', {
    backbone: { depth, width, norm: 'batch', checkpoint: model.checkpoint },
    pyramid: { channels },
    head: { channels, convs },
    anchors: { sizes: steppedSizes(model.smallestAnchor) },
    transform: { minSize: model.imageSize, ...normalisation },
    postprocess: withMaximum(retinaNetSpec('torchvision').postprocess, model.maxDetections),
  });
  if (model.anchors === 'octaves') return spec;
  const boxes = placeBoxes(truth.images, spec);
  if (boxes.widths.length === 0) return spec;
  const { sizes, ratios } = fitAnchors(boxes, spec.anchors, { seed: train.seed });
  return { ...spec, anchors: { ...spec.anchors, sizes, ratios } };
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
