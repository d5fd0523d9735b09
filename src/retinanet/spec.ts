import { checkChoice } from '../common/check.ts';

/**
 * Every numerical decision of a RetinaNet in one object. Implementations agree on the architecture of Lin et al. 2017
 * ("Focal Loss for Dense Object Detection") and disagree on dozens of small things, each of which changes results;
 * the presets reproduce five of them.
 */
export interface RetinaNetSpec {
  readonly backbone: BackboneSpec;
  readonly pyramid: PyramidSpec;
  readonly head: HeadSpec;
  readonly anchors: AnchorSpec;
  readonly matcher: MatcherSpec;
  readonly boxCoder: BoxCoderSpec;
  readonly loss: LossSpec;
  readonly transform: TransformSpec;
  readonly postprocess: PostprocessSpec;
}

export interface BackboneSpec {
  readonly depth: 18 | 34 | 50 | 101;
  /** Channels of the first stage; the others have 2, 4 and 8 times that number. 64 in the paper. */
  readonly width: number;
  /**
   * `batch` normalises by the statistics of a batch in training, `frozen` by those of a checkpoint, which stay. `group`
   * normalises each image by itself, over groups of channels (see `groupsOf`), and does not depend on the batch.
   */
  readonly norm: 'batch' | 'frozen' | 'group';
  /** Added to the variance of the normalisation. */
  readonly normEps: number;
  /** Which convolution of a bottleneck has the stride: 3x3 (torchvision, "ResNet v1.5") or the first 1x1 (He et al.). */
  readonly bottleneckStride: '3x3' | '1x1';
  /**
   * Stages (true: all) whose blocks keep only their input in training and recompute their activations in backward: less
   * memory at the cost of a second forward pass, with the same result, bit for bit. Default false. See `checkpoint`.
   */
  readonly checkpoint?: boolean | readonly StageName[];
}

/**
 * Groups of a group norm in the backbone: 32, as in Wu and He 2018, or the largest power of two below that divides the channels
 * into groups of at least two. Groups of one channel would lose how strong a feature is in an image.
 */
export const groupsOf = (channels: number): number => Math.max(1, Math.min(64, channels & -channels) / 2);

/** The stages of a ResNet, under torchvision's names. */
export type StageName = 'layer1' | 'layer2' | 'layer3' | 'layer4';

export interface PyramidSpec {
  /** Channels of every level. */
  readonly channels: number;
  /** The level from which P6 is computed. */
  readonly p6: 'P5' | 'C5';
  /** Whether P7 is computed from relu(P6) instead of P6. */
  readonly reluBeforeP7: boolean;
}

export interface HeadSpec {
  readonly channels: number;
  /** Convolutions before the last one, in each subnet. */
  readonly convs: number;
  /** Groups of a group norm after each of them (which then have no bias), or null for no norm. */
  readonly normGroups: number | null;
  /** Probability that an untrained network assigns to every class (pi in the paper, section 4.1). */
  readonly prior: number;
}

export interface AnchorSpec {
  /** Square roots of the anchors' areas in pixels, for each level P3 to P7. */
  readonly sizes: readonly (readonly number[])[];
  /** Height divided by width. */
  readonly ratios: readonly number[];
  /** Whether ratios or sizes are the outer loop in the order of a cell's anchors. */
  readonly order: 'ratio-outer' | 'size-outer';
  /** Whether half sizes are rounded to integers (half to even), as in torchvision. */
  readonly rounded: boolean;
  /** Distance between cells: 8 to 128, or the padded image divided by the level's size, rounded down (torchvision). */
  readonly stride: 'fixed' | 'floor-division';
  /** Position of the centre in its cell, in strides. */
  readonly offset: number;
}

export interface MatcherSpec {
  /** Minimum IoU of a foreground anchor. */
  readonly high: number;
  /** IoU below which it is background; between the two it is ignored. */
  readonly low: number;
  /**
   * Low-quality matches: what a box's best anchors become if their IoU is below `high`. `none`: background or ignored;
   * `own`: foreground for the box that they overlap most (torchvision, Detectron2); `reassign`: foreground for that box
   * (MMDetection).
   */
  readonly lowQuality: 'none' | 'own' | 'reassign';
  /** Exclude boxes that overlap no anchor from that rule; otherwise they claim every anchor that overlaps nothing. */
  readonly zeroOverlapGuard: boolean;
}

export interface BoxCoderSpec {
  /** Factors of dx, dy, dw, dh. */
  readonly weights: readonly [number, number, number, number];
  /** Maximum of dw and dh when decoding. */
  readonly clamp: number;
  /** Whether dw and dh are limited only from above, or also from below (to -clamp). */
  readonly clampSides: 'upper' | 'both';
}

export interface LossSpec {
  readonly alpha: number;
  readonly gamma: number;
  /** Box loss: a distance between offsets (l1, smoothL1) or between decoded boxes (giou). */
  readonly box: 'l1' | 'smoothL1' | 'giou';
  /** Distance at which smooth L1 changes from quadratic to linear. */
  readonly beta: number;
  /**
   * The divisor of both losses. `image`: each image is divided by its own number of foreground anchors (at least 1), then
   * averaged over images. `batch`: the sum is divided by the sum of those numbers. `ema`: the sum is divided by a moving
   * average of the foreground anchors in a batch (Detectron2: starts at 100, decay 0.9).
   */
  readonly normalizer: 'image' | 'batch' | 'ema';
}

export interface TransformSpec {
  /** Shorter side of the image after resizing, unless the longer one would exceed `maxSize`. `null` keeps the size. */
  readonly minSize: number | null;
  readonly maxSize: number;
  /** How the size is rounded. `floor-float32`, with a scale in float32, is torchvision's rule. */
  readonly rounding: 'floor-float32' | 'round';
  /**
   * Per channel, in the order and range given below. Their number is that of the network's input channels: three of RGB, or one
   * for each band of other images.
   */
  readonly mean: readonly number[];
  readonly std: readonly number[];
  /** Order of three channels; `rgb` for other numbers of them, whose order is that of the image. */
  readonly channels: 'rgb' | 'bgr';
  /** Value of a white pixel before normalisation. */
  readonly white: 1 | 255;
  /** Sides are padded with zeros (after normalisation) to a multiple of this. */
  readonly padMultiple: number;
}

export interface PostprocessSpec {
  /** Candidates have scores above this. */
  readonly scoreThreshold: number;
  /** Candidates kept per level. */
  readonly topK: number;
  /** A box is removed if its IoU with a higher-scoring box of its class is above this. */
  readonly nmsThreshold: number;
  readonly maxDetections: number;
  /** Whether boxes are clipped to the image before or after suppression. */
  readonly clip: 'before-nms' | 'after-nms';
}

/** Three sizes per octave: base, base 2^(1/3), base 2^(2/3) (section 4 of the paper). */
const octaves = (base: number): number[] => [base, base * 2 ** (1 / 3), base * 2 ** (2 / 3)];
const bases = [32, 64, 128, 256, 512];
const imagenet = { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] } as const;

/**
 * torchvision's `retinanet_resnet50_fpn` (version 0.14), except for `zeroOverlapGuard`: torchvision has no guard, so that a
 * box that overlaps no anchor makes every anchor that overlaps nothing foreground.
 */
const torchvision: RetinaNetSpec = {
  backbone: { depth: 50, width: 64, norm: 'frozen', normEps: 1e-5, bottleneckStride: '3x3', checkpoint: false },
  pyramid: { channels: 256, p6: 'P5', reluBeforeP7: true },
  head: { channels: 256, convs: 4, normGroups: null, prior: 0.01 },
  anchors: {
    sizes: bases.map((base) => octaves(base).map(Math.trunc)),
    ratios: [0.5, 1, 2],
    order: 'ratio-outer',
    rounded: true,
    stride: 'floor-division',
    offset: 0,
  },
  matcher: { high: 0.5, low: 0.4, lowQuality: 'own', zeroOverlapGuard: true },
  boxCoder: { weights: [1, 1, 1, 1], clamp: Math.log(1000 / 16), clampSides: 'upper' },
  loss: { alpha: 0.25, gamma: 2, box: 'l1', beta: 0, normalizer: 'image' },
  transform: {
    minSize: 800,
    maxSize: 1333,
    rounding: 'floor-float32',
    ...imagenet,
    channels: 'rgb',
    white: 1,
    padMultiple: 32,
  },
  postprocess: { scoreThreshold: 0.05, topK: 1000, nmsThreshold: 0.5, maxDetections: 300, clip: 'before-nms' },
};

/** torchvision's `retinanet_resnet50_fpn_v2`: trained norms, P6 from C5, group norm in the head, GIoU loss. */
const torchvisionV2: RetinaNetSpec = {
  ...torchvision,
  backbone: { ...torchvision.backbone, norm: 'batch' },
  pyramid: { ...torchvision.pyramid, p6: 'C5' },
  head: { ...torchvision.head, normGroups: 32 },
  loss: { ...torchvision.loss, box: 'giou' },
};

/** Detectron2's `retinanet_R_50_FPN`, for weights in its layout (BGR, stride on the first 1x1). */
const detectron2: RetinaNetSpec = {
  ...torchvision,
  backbone: { ...torchvision.backbone, bottleneckStride: '1x1' },
  pyramid: { ...torchvision.pyramid, p6: 'C5' },
  anchors: { ...torchvision.anchors, sizes: bases.map(octaves), order: 'size-outer', rounded: false, stride: 'fixed' },
  loss: { ...torchvision.loss, normalizer: 'ema' },
  transform: {
    minSize: 800,
    maxSize: 1333,
    rounding: 'round',
    mean: [103.53, 116.28, 123.675],
    std: [1, 1, 1],
    channels: 'bgr',
    white: 255,
    padMultiple: 32,
  },
  postprocess: { ...torchvision.postprocess, maxDetections: 100, clip: 'after-nms' },
};

/** MMDetection's `retinanet_r50_fpn`. */
const mmdetection: RetinaNetSpec = {
  ...torchvision,
  backbone: { ...torchvision.backbone, norm: 'batch' },
  pyramid: { ...torchvision.pyramid, p6: 'C5', reluBeforeP7: false },
  anchors: { ...torchvision.anchors, sizes: bases.map(octaves), rounded: false, stride: 'fixed' },
  matcher: { ...torchvision.matcher, lowQuality: 'reassign' },
  boxCoder: { ...torchvision.boxCoder, clampSides: 'both' },
  loss: { ...torchvision.loss, normalizer: 'batch' },
  transform: {
    ...torchvision.transform,
    rounding: 'round',
    mean: [123.675, 116.28, 103.53],
    std: [58.395, 57.12, 57.375],
    white: 255,
  },
  postprocess: { ...torchvision.postprocess, maxDetections: 100 },
};

/** Lin et al. 2017: no low-quality matches, smooth L1, one normaliser for the batch, at most 100 boxes. */
const paper: RetinaNetSpec = {
  ...torchvision,
  backbone: { ...torchvision.backbone, bottleneckStride: '1x1' },
  pyramid: { ...torchvision.pyramid, p6: 'C5' },
  anchors: { ...torchvision.anchors, sizes: bases.map(octaves), rounded: false, stride: 'fixed', offset: 0.5 },
  matcher: { ...torchvision.matcher, lowQuality: 'none' },
  loss: { ...torchvision.loss, box: 'smoothL1', beta: 1 / 9, normalizer: 'batch' },
  transform: { ...torchvision.transform, rounding: 'round' },
  postprocess: { ...torchvision.postprocess, maxDetections: 100 },
};

/**
 * The specs of five implementations by name: of torchvision (two), Detectron2 and MMDetection, and of the paper.
 *
 * @example
 * console.log(Object.keys(presets).join(', ')); // torchvision, torchvisionV2, detectron2, mmdetection, paper
 */
export const presets = { torchvision, torchvisionV2, detectron2, mmdetection, paper } as const;
export type PresetName = keyof typeof presets;

/** Number of channels of the images that a network takes. */
export const inputChannels = ({ transform }: Pick<RetinaNetSpec, 'transform'>): number => transform.mean.length;

/** Changes to a preset: each section is merged with the preset's. */
export type SpecOverrides = { readonly [K in keyof RetinaNetSpec]?: Partial<RetinaNetSpec[K]> };

/**
 * A preset with overrides: `retinaNetSpec('torchvision', { backbone: { depth: 18 } })`.
 *
 * @example
 * const spec = retinaNetSpec('torchvision', { backbone: { depth: 18, width: 16 } });
 * console.log(spec.backbone.depth, spec.head.convs, spec.anchors.ratios); // 18 4 [0.5, 1, 2]
 */
export function retinaNetSpec(preset: PresetName, overrides: SpecOverrides = {}): RetinaNetSpec {
  checkChoice('retinaNetSpec', 'preset', preset, Object.keys(presets));
  const base: RetinaNetSpec = presets[preset];
  const merged: Record<string, object> = { ...base };
  for (const [section, values] of Object.entries(overrides)) {
    checkChoice('retinaNetSpec', 'a section', section, Object.keys(base));
    const own = merged[section]!;
    for (const name of Object.keys(values))
      checkChoice('retinaNetSpec', `a field of ${section}`, name, Object.keys(own));
    merged[section] = { ...own, ...values };
  }
  return merged as unknown as RetinaNetSpec;
}
