import { retinaNetSpec, type RetinaNetSpec } from '../retinanet/spec.ts';
import { modernName } from './torchvision.ts';

// The names that other libraries give to the weights of a RetinaNet, as rules that turn them into torchvision's. Filters and
// the order of a head's channels (anchors of a cell, then classes or offsets) are the same in all of them; what else differs is in
// the spec of each.

/** A way to name the weights of a detector. */
export interface Layout {
  readonly kind: 'torchvision detector' | 'Detectron2 detector' | 'MMDetection detector' | 'pytorch-retinanet detector';
  /** A name that only this layout has. */
  readonly mark: string;
  /** The spec of the library's RetinaNet on a ResNet-50. */
  readonly spec: RetinaNetSpec;
  /** Patterns of names, with torchvision's names for them. The first that matches counts. */
  readonly rules: readonly (readonly [pattern: RegExp, replacement: string])[];
}

const BODY = 'backbone.body.';
const FPN = 'backbone.fpn.';
const CLASSES = 'head.classification_head.';
const BOXES = 'head.regression_head.';

/** Rules for something that is numbered: `pattern` and `replacement` for each number. */
const numbered = (
  numbers: readonly number[],
  rule: (from: number, i: number) => readonly [pattern: string, replacement: string],
): [RegExp, string][] =>
  numbers.map((from, i) => {
    const [pattern, replacement] = rule(from, i);
    return [new RegExp(`^${pattern}\\.(.+)$`), `${replacement}.$1`];
  });

const torchvision: Layout = {
  kind: 'torchvision detector',
  mark: 'head.classification_head.cls_logits.weight',
  spec: retinaNetSpec('torchvision'),
  rules: [[/^((?:backbone\.(?:body|fpn)|head\.(?:classification|regression)_head)\..+)$/, '$1']],
};

const detectron2: Layout = {
  kind: 'Detectron2 detector',
  mark: 'backbone.bottom_up.stem.conv1.weight',
  spec: retinaNetSpec('detectron2'),
  rules: [
    [/^backbone\.bottom_up\.stem\.conv1\.norm\.(.+)$/, `${BODY}bn1.$1`],
    [/^backbone\.bottom_up\.stem\.conv1\.(.+)$/, `${BODY}conv1.$1`],
    ...[2, 3, 4, 5].flatMap((stage): [RegExp, string][] => [
      [
        new RegExp(`^backbone\\.bottom_up\\.res${stage}\\.(\\d+)\\.conv(\\d)\\.norm\\.(.+)$`),
        `${BODY}layer${stage - 1}.$1.bn$2.$3`,
      ],
      [
        new RegExp(`^backbone\\.bottom_up\\.res${stage}\\.(\\d+)\\.conv(\\d)\\.(.+)$`),
        `${BODY}layer${stage - 1}.$1.conv$2.$3`,
      ],
      [
        new RegExp(`^backbone\\.bottom_up\\.res${stage}\\.(\\d+)\\.shortcut\\.norm\\.(.+)$`),
        `${BODY}layer${stage - 1}.$1.downsample.1.$2`,
      ],
      [
        new RegExp(`^backbone\\.bottom_up\\.res${stage}\\.(\\d+)\\.shortcut\\.(.+)$`),
        `${BODY}layer${stage - 1}.$1.downsample.0.$2`,
      ],
    ]),
    ...numbered([3, 4, 5], (from, i) => [`backbone\\.fpn_lateral${from}`, `${FPN}inner_blocks.${i}.0`]),
    ...numbered([3, 4, 5], (from, i) => [`backbone\\.fpn_output${from}`, `${FPN}layer_blocks.${i}.0`]),
    [/^backbone\.top_block\.(p[67]\..+)$/, `${FPN}extra_blocks.$1`],
    ...numbered([0, 2, 4, 6], (from, i) => [`head\\.cls_subnet\\.${from}`, `${CLASSES}conv.${i}.0`]),
    ...numbered([0, 2, 4, 6], (from, i) => [`head\\.bbox_subnet\\.${from}`, `${BOXES}conv.${i}.0`]),
    [/^head\.cls_score\.(.+)$/, `${CLASSES}cls_logits.$1`],
    [/^head\.bbox_pred\.(.+)$/, `${BOXES}bbox_reg.$1`],
  ],
};

const mmdetection: Layout = {
  kind: 'MMDetection detector',
  mark: 'bbox_head.retina_cls.weight',
  spec: retinaNetSpec('mmdetection'),
  rules: [
    [/^backbone\.(.+)$/, `${BODY}$1`],
    // Before version 1.0, convolutions had no level of their own.
    ...numbered([0, 1, 2], (from) => [`neck\\.lateral_convs\\.${from}(?:\\.conv)?`, `${FPN}inner_blocks.${from}.0`]),
    ...numbered([0, 1, 2], (from) => [`neck\\.fpn_convs\\.${from}(?:\\.conv)?`, `${FPN}layer_blocks.${from}.0`]),
    ...numbered([3, 4], (from) => [`neck\\.fpn_convs\\.${from}(?:\\.conv)?`, `${FPN}extra_blocks.p${from + 3}`]),
    ...numbered([0, 1, 2, 3], (from) => [`bbox_head\\.cls_convs\\.${from}(?:\\.conv)?`, `${CLASSES}conv.${from}.0`]),
    ...numbered([0, 1, 2, 3], (from) => [`bbox_head\\.reg_convs\\.${from}(?:\\.conv)?`, `${BOXES}conv.${from}.0`]),
    [/^bbox_head\.retina_cls\.(.+)$/, `${CLASSES}cls_logits.$1`],
    [/^bbox_head\.retina_reg\.(.+)$/, `${BOXES}bbox_reg.$1`],
  ],
};

/**
 * yhenon's pytorch-retinanet: the paper's decisions except for the stride of bottlenecks and for what the spec here names. Its loss of
 * boxes is a mean over the four offsets, a quarter of ours, and it pads every side by at least one pixel.
 */
const pytorchRetinanet: Layout = {
  kind: 'pytorch-retinanet detector',
  mark: 'classificationModel.output.weight',
  spec: retinaNetSpec('paper', {
    backbone: { bottleneckStride: '3x3', norm: 'batch' },
    boxCoder: { weights: [10, 10, 5, 5] },
    loss: { normalizer: 'image' },
    transform: { minSize: 608, maxSize: 1024 },
    postprocess: { maxDetections: 300 },
  }),
  rules: [
    [/^((?:conv1|bn1|layer[1-4])\..+)$/, `${BODY}$1`],
    ...numbered([3, 4, 5], (from, i) => [`fpn\\.P${from}_1`, `${FPN}inner_blocks.${i}.0`]),
    ...numbered([3, 4, 5], (from, i) => [`fpn\\.P${from}_2`, `${FPN}layer_blocks.${i}.0`]),
    [/^fpn\.P6\.(.+)$/, `${FPN}extra_blocks.p6.$1`],
    [/^fpn\.P7_2\.(.+)$/, `${FPN}extra_blocks.p7.$1`],
    ...numbered([1, 2, 3, 4], (from, i) => [`classificationModel\\.conv${from}`, `${CLASSES}conv.${i}.0`]),
    ...numbered([1, 2, 3, 4], (from, i) => [`regressionModel\\.conv${from}`, `${BOXES}conv.${i}.0`]),
    [/^classificationModel\.output\.(.+)$/, `${CLASSES}cls_logits.$1`],
    [/^regressionModel\.output\.(.+)$/, `${BOXES}bbox_reg.$1`],
  ],
};

/** All layouts of detectors. */
const layouts: readonly Layout[] = [torchvision, detectron2, mmdetection, pytorchRetinanet];

/** Levels that programs put around a network: DataParallel, the fields of Lightning modules and hubs, compiled modules. */
const WRAPPERS = ['', 'module.', 'model.', 'module.model.', 'model.module.', '_orig_mod.', 'model._orig_mod.'];

/** The layout of a file by the names of its tensors, and the level around them; null for none that is known. */
export function layoutOf(has: (name: string) => boolean): { layout: Layout; wrapper: string } | null {
  for (const wrapper of WRAPPERS) {
    const layout = layouts.find(({ mark }) => has(wrapper + mark));
    if (layout !== undefined) return { layout, wrapper };
  }
  return null;
}

/** The level around a ResNet classifier with the names of torchvision and timm; null if there is none. */
export function resnetWrapper(has: (name: string) => boolean): string | null {
  const found = WRAPPERS.find((wrapper) =>
    ['conv1.weight', 'layer1.0.conv1.weight'].every((name) => has(wrapper + name)),
  );
  return found ?? null;
}

/** torchvision's name for a tensor; null if it is not part of a RetinaNet. */
export function torchvisionName({ rules }: Layout, name: string): string | null {
  const rule = rules.find(([pattern]) => pattern.test(name));
  return rule === undefined ? null : modernName(name.replace(...(rule as [RegExp, string])));
}
