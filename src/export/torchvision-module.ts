import type { DetectorDescription } from '../detector/detector.ts';
import type { RetinaNetSpec } from '../retinanet/spec.ts';

// A state dict alone is no detector: PyTorch needs the model that it belongs to, with the anchors, sizes and thresholds of the
// run. So a Python module comes with it, the same for all detectors except for the description at its top.

/**
 * A Python module that builds a detector with torchvision (0.14 or later) and loads its weights.
 *
 * @throws RangeError that lists what torchvision's RetinaNet cannot do, if detections would differ
 */
export function torchvisionModule({ classes, spec, scoreThreshold }: DetectorDescription): string {
  const problems = unlikeTorchvision(spec);
  if (problems.length > 0) {
    throw new RangeError(`torchvisionModule: torchvision's RetinaNet does not have ${problems.join('; ')}`);
  }
  const description = JSON.stringify({ classes, spec, scoreThreshold }).replaceAll("'", '\\u0027');
  return MODULE.replace('@DESCRIPTION@', () => description);
}

/** Which decisions of a spec torchvision's RetinaNet cannot express. */
function unlikeTorchvision({
  backbone,
  pyramid,
  head,
  anchors,
  boxCoder,
  transform,
  postprocess,
}: RetinaNetSpec): string[] {
  const [{ sizes }, isUnresized] = [anchors, transform.minSize === null];
  const hasOneShape = sizes.every((level) => level.length === 1) || anchors.ratios.length === 1;
  const unlike: readonly (readonly [boolean, string])[] = [
    [
      backbone.depth > 34 && backbone.bottleneckStride === '1x1',
      'a stride on the first 1x1 convolution of a bottleneck',
    ],
    [!pyramid.reluBeforeP7, 'P7 without a ReLU before it'],
    [head.channels !== pyramid.channels, `${head.channels} channels in the heads, ${pyramid.channels} in the pyramid`],
    [head.convs > 4, `${head.convs} convolutions in a head`],
    [anchors.order !== 'ratio-outer' && !hasOneShape, 'anchors in the order size-outer'],
    [!anchors.rounded, 'anchors that are not rounded'],
    [anchors.stride !== 'floor-division', 'a fixed stride of the anchors'],
    [anchors.offset !== 0, `an offset of the anchors (${anchors.offset})`],
    [boxCoder.clampSides !== 'upper', 'a lower limit of the sizes of boxes'],
    [transform.channels !== 'rgb', 'images in BGR'],
    [!isUnresized && transform.rounding !== 'floor-float32', 'sizes of images that are rounded'],
    [postprocess.clip !== 'before-nms', 'boxes that are clipped after suppression'],
  ];
  return unlike.flatMap(([isUnlike, what]) => (isUnlike ? [what] : []));
}

/**
 * What trains differently in torchvision, in a sentence each. Detections are the same.
 */
export function trainingDifferences({ matcher, loss, boxCoder }: RetinaNetSpec): string[] {
  const different: readonly (readonly [boolean, string])[] = [
    [matcher.lowQuality !== 'own', `low-quality matches are "${matcher.lowQuality}" here and "own" in torchvision`],
    [
      loss.alpha !== 0.25 || loss.gamma !== 2,
      `the focal loss has alpha ${loss.alpha} and gamma ${loss.gamma} here, 0.25 and 2 there`,
    ],
    [loss.box === 'smoothL1', 'the box loss is smooth L1 here and L1 in torchvision'],
    [
      loss.box === 'giou' && boxCoder.weights.some((weight) => weight !== 1),
      'the GIoU of torchvision ignores the weights of box offsets',
    ],
    [loss.normalizer !== 'image', `losses are divided per ${loss.normalizer} here and per image in torchvision`],
  ];
  return different.flatMap(([isDifferent, what]) =>
    isDifferent ? [`if it is trained further in PyTorch: ${what}`] : [],
  );
}

const MODULE = `"""A RetinaNet that retinagrad trained, for PyTorch with torchvision 0.14 or later.

    from detector import CLASSES, SCORE_THRESHOLD, load

    model = load("detector.pth").eval()  # or "model.safetensors", with the package safetensors
    with torch.no_grad():
        found = model([image])[0]  # image: float [3, H, W] from 0 to 1, RGB; of other bands, a channel each, as in training
    keep = found["scores"] >= SCORE_THRESHOLD  # labels are indices of CLASSES, from 0
"""

import json
from functools import partial
from math import gcd

import torch
from torch import nn
from torchvision.models import resnet
from torchvision.models.detection import RetinaNet
from torchvision.models.detection._utils import BoxCoder
from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.models.detection.backbone_utils import BackboneWithFPN
from torchvision.models.detection.retinanet import RetinaNetHead
from torchvision.models.detection.transform import GeneralizedRCNNTransform
from torchvision.ops import FrozenBatchNorm2d
from torchvision.ops.feature_pyramid_network import LastLevelP6P7

DESCRIPTION = json.loads(r'''@DESCRIPTION@''')
CLASSES = DESCRIPTION["classes"]
SCORE_THRESHOLD = DESCRIPTION["scoreThreshold"]
SPEC = DESCRIPTION["spec"]

LAYERS = {18: [2, 2, 2, 2], 34: [3, 4, 6, 3], 50: [3, 4, 6, 3], 101: [3, 4, 23, 3]}


class Body(resnet.ResNet):
    """A ResNet with any number of input channels, instead of 3, and of channels in its first stage, instead of 64."""

    def __init__(self, depth, channels, width, norm):
        self.width = width
        super().__init__(resnet.Bottleneck if depth > 34 else resnet.BasicBlock, LAYERS[depth], norm_layer=norm)
        self.conv1 = nn.Conv2d(channels, width, kernel_size=7, stride=2, padding=3, bias=False)
        self.bn1 = norm(width)

    def _make_layer(self, block, planes, *args, **options):
        if planes == 64:
            self.inplanes = self.width
        return super()._make_layer(block, planes * self.width // 64, *args, **options)


def group_norm(channels, eps):
    return nn.GroupNorm(max(1, gcd(64, channels) // 2), channels, eps)


class Unresized(GeneralizedRCNNTransform):
    """Leaves images at their size."""

    def resize(self, image, target=None):
        return image, target


def build():
    """The model, not trained."""
    backbone, head, anchors, coder = SPEC["backbone"], SPEC["head"], SPEC["anchors"], SPEC["boxCoder"]
    transform, post, matcher = SPEC["transform"], SPEC["postprocess"], SPEC["matcher"]
    channels = SPEC["pyramid"]["channels"]
    norm = {"batch": nn.BatchNorm2d, "frozen": FrozenBatchNorm2d, "group": group_norm}[backbone["norm"]]
    inputs = len(transform["mean"])
    body = Body(backbone["depth"], inputs, backbone["width"], partial(norm, eps=backbone["normEps"]))
    widths = [backbone["width"] * (4 if backbone["depth"] > 34 else 1) * factor for factor in (2, 4, 8)]
    from_c5 = SPEC["pyramid"]["p6"] == "C5"
    extra = LastLevelP6P7(widths[2] if from_c5 else channels, channels)
    extra.use_P5 = not from_c5
    stages = {"layer2": "0", "layer3": "1", "layer4": "2"}
    sizes = tuple(tuple(level) for level in anchors["sizes"])
    generator = AnchorGenerator(sizes, (tuple(anchors["ratios"]),) * len(sizes))
    groups = head["normGroups"]
    heads = RetinaNetHead(
        channels,
        generator.num_anchors_per_location()[0],
        len(CLASSES),
        norm_layer=None if groups is None else partial(nn.GroupNorm, groups),
    )
    for subnet in (heads.classification_head, heads.regression_head):
        subnet.conv = subnet.conv[: head["convs"]]
    heads.regression_head._loss_type = "giou" if SPEC["loss"]["box"] == "giou" else "l1"
    mean, std = ([value / transform["white"] for value in transform[name]] for name in ("mean", "std"))
    model = RetinaNet(
        BackboneWithFPN(body, stages, widths, channels, extra),
        len(CLASSES),
        anchor_generator=generator,
        head=heads,
        score_thresh=post["scoreThreshold"],
        nms_thresh=post["nmsThreshold"],
        detections_per_img=post["maxDetections"],
        topk_candidates=post["topK"],
        fg_iou_thresh=matcher["high"],
        bg_iou_thresh=matcher["low"],
    )
    model.box_coder = heads.regression_head.box_coder = BoxCoder(tuple(coder["weights"]), coder["clamp"])
    kind = Unresized if transform["minSize"] is None else GeneralizedRCNNTransform
    model.transform = kind(
        transform["minSize"] or 800, transform["maxSize"], mean, std, size_divisible=transform["padMultiple"]
    )
    return model


def load(path):
    """The trained model, from detector.pth or a safetensors file with the same names."""
    if str(path).endswith(".safetensors"):
        from safetensors.torch import load_file

        state = load_file(path)
    else:
        state = torch.load(path, map_location="cpu")
    model = build()
    model.load_state_dict(state)
    return model
`;
