"""layouts.json: narrow RetinaNets of torchvision with hashed weights, for tests of files in other libraries' layouts.

The networks are torchvision's, with an eighth of the channels, so that their files are small enough to make in a test. As
DeepForest builds its detectors (default anchors, images resized to 800), with thresholds of a config.json.
"""

from functools import partial

import torch
from torch import nn
from torchvision.models import resnet
from torchvision.models.detection import RetinaNet
from torchvision.models.detection.backbone_utils import BackboneWithFPN
from torchvision.models.detection.retinanet import RetinaNetHead, _default_anchorgen
from torchvision.ops import FrozenBatchNorm2d
from torchvision.ops.feature_pyramid_network import LastLevelP6P7

from common import f32, hash_tensor, number, sample_positions, write
import golden_libraries as libraries
from golden_retinanet import inputs

CHANNELS = 32
CLASSES = 3
CASES = {
    "v1": {"block": resnet.BasicBlock, "blocks": [2, 2, 2, 2], "norm": FrozenBatchNorm2d, "v2": False, "seed": 1},
    "v2": {"block": resnet.Bottleneck, "blocks": [3, 4, 6, 3], "norm": nn.BatchNorm2d, "v2": True, "seed": 2},
}
IMAGE = {"images": [(90, 120)], "boxes": [[[10, 12, 50, 40, 0], [60, 30, 110, 80, 2]]]}
# Its sides are multiples of 32, so that no library pads it: pytorch-retinanet's network does not know what was padded.
LIBRARY_IMAGE = {"name": "layouts.1", "size": [96, 128], "boxes": [[10, 12, 50, 40, 0], [60, 30, 110, 80, 2]]}
NMS = 0.3
KEPT = 40
LIBRARY_KEPT = 20


class NarrowResNet(resnet.ResNet):
    """A ResNet with an eighth of the channels: torchvision's has 64, 128, 256 and 512 in the text of its constructor."""

    def __setattr__(self, name, value):
        super().__setattr__(name, 8 if name == "inplanes" and "inplanes" not in self.__dict__ else value)

    def _make_layer(self, block, planes, *args, **kwargs):
        return super()._make_layer(block, planes // 8, *args, **kwargs)


def build(case, threshold):
    body = NarrowResNet(case["block"], case["blocks"], norm_layer=case["norm"])
    c5 = body.inplanes
    p6 = LastLevelP6P7(c5 if case["v2"] else CHANNELS, CHANNELS)
    # As _resnet_fpn_extractor, which always has 256 channels.
    layers = {f"layer{k}": str(i) for i, k in enumerate([2, 3, 4])}
    backbone = BackboneWithFPN(body, layers, [c5 // 4, c5 // 2, c5], CHANNELS, extra_blocks=p6)
    head = RetinaNetHead(CHANNELS, 9, CLASSES, norm_layer=partial(nn.GroupNorm, 32) if case["v2"] else None)
    if case["v2"]:
        head.regression_head._loss_type = "giou"
    model = RetinaNet(
        backbone, CLASSES, anchor_generator=_default_anchorgen(), head=head, score_thresh=threshold, nms_thresh=NMS
    )
    shapes = {name: list(value.shape) for name, value in model.state_dict().items()}
    state = {name: torch.from_numpy(hash_tensor(name, shape, case["seed"])) for name, shape in shapes.items()}
    model.load_state_dict(state)
    return model, shapes


def detect(case, threshold):
    model, _ = build(case, threshold)
    with torch.no_grad():
        return model.eval()(inputs(IMAGE, "layouts", torch.float32)[0])[0]


SAMPLES = 256


def outputs(logits, deltas):
    """Some of the values before the losses, and the largest of all."""

    def some(name, values):
        flat = values.detach().reshape(-1)
        at = torch.from_numpy(sample_positions(name, flat.numel(), SAMPLES))
        return {"absmax": number(flat.abs().max()), "samples": f32(flat[at])["f32"]}

    return {"logits": some("logits", logits), "deltas": some("deltas", deltas)}


def threshold_of(scores, kept):
    """Between two scores, so that `kept` detections are above."""
    return number((scores[kept - 1] + scores[kept]) / 2)


def make_library(name):
    """The same for another library: losses and detections of a batch that is not resized."""
    rules = libraries.LIBRARIES[name]
    model, tensors = libraries.build(name)
    height, width = LIBRARY_IMAGE["size"]
    image = libraries.prepare(name, LIBRARY_IMAGE["name"], height, width)
    levels = libraries.make_anchors(image.shape[2], image.shape[3], rules["order"], rules["offset"])
    table = torch.tensor(LIBRARY_IMAGE["boxes"])
    boxes, labels = table[:, :4].float(), table[:, 4].long()
    with torch.no_grad():
        (logits,), (deltas,) = model(image)
        classification, box, foreground = libraries.losses(name, logits, deltas, torch.cat(levels), boxes, labels)
        detect = lambda threshold: libraries.detect(name, logits, deltas, levels, (height, width), threshold)
        threshold = threshold_of(detect(0.005)["scores"], LIBRARY_KEPT)
        found = detect(threshold)
    gaps = found["scores"][:-1] - found["scores"][1:]
    print(f"{name}: threshold {threshold}, {len(found['scores'])} detections, least gap {float(gaps.min()):.1e}, "
          f"{foreground} foreground anchors, largest logit {float(logits.abs().max()):.2f}")
    return {
        "seed": rules["seed"],
        "tensors": tensors,
        "scoreThreshold": threshold,
        "losses": {"classification": number(classification), "bbox_regression": number(box)},
        "foreground": foreground,
        "outputs": outputs(logits, deltas),
        "detections": {
            "boxes": f32(found["boxes"]),
            "scores": f32(found["scores"]),
            "labels": found["labels"].tolist(),
        },
    }


def make_layouts():
    cases = {}
    for name, case in CASES.items():
        images, targets = inputs(IMAGE, "layouts", torch.float32)
        model, shapes = build(case, 0.05)
        seen = {}
        model.head.register_forward_hook(lambda module, given, out, seen=seen: seen.update(out))
        losses = model.train()(images, targets)
        scores = detect(case, 0.05)["scores"]
        threshold = threshold_of(scores, KEPT)
        found = detect(case, threshold)
        gaps = found["scores"][:-1] - found["scores"][1:]
        print(f"{name}: threshold {threshold}, {len(found['scores'])} detections, least gap {float(gaps.min()):.1e}")
        cases[name] = {
            "seed": case["seed"],
            "tensors": [[key, shape] for key, shape in shapes.items()],
            "scoreThreshold": threshold,
            "nmsThreshold": NMS,
            "losses": {key: number(value) for key, value in losses.items()},
            "outputs": outputs(seen["cls_logits"], seen["bbox_regression"]),
            "detections": {
                "boxes": f32(found["boxes"]),
                "scores": f32(found["scores"]),
                "labels": found["labels"].tolist(),
            },
        }
    image = {"name": "layouts.0", "size": IMAGE["images"][0], "boxes": IMAGE["boxes"][0]}
    others = {name: make_library(name) for name in libraries.LIBRARIES}
    write("layouts", {"image": image, "cases": cases, "libraryImage": LIBRARY_IMAGE, "libraries": others})
