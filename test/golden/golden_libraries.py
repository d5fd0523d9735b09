"""Narrow RetinaNets with the names and the decisions of Detectron2, MMDetection and yhenon's pytorch-retinanet.

None of them is installed where the fixtures are made: this is what they compute, written down from their sources with PyTorch's
own operations, without any part of torchvision's RetinaNet. An eighth of the channels; images are not resized.
"""

import math

import torch
from torch import nn
from torch.nn import functional as F
from torchvision.ops import FrozenBatchNorm2d, batched_nms, box_iou

from common import hash_image, hash_tensor

CHANNELS = 32
CLASSES = 3
WIDTH = 8
STRIDES = [8, 16, 32, 64, 128]
CLAMP = math.log(1000 / 16)


# Networks. Modules have the names of each library; `depth` is the number of blocks of each stage.


class D2Conv(nn.Conv2d):
    """Detectron2's Conv2d, which has its norm inside."""

    def __init__(self, channels, out, size, stride=1):
        super().__init__(channels, out, size, stride, size // 2, bias=False)
        self.norm = FrozenBatchNorm2d(out)

    def forward(self, x):
        return self.norm(super().forward(x))


class D2Block(nn.Module):
    """BottleneckBlock with STRIDE_IN_1X1."""

    def __init__(self, channels, width, stride):
        super().__init__()
        self.conv1 = D2Conv(channels, width, 1, stride)
        self.conv2 = D2Conv(width, width, 3)
        self.conv3 = D2Conv(width, 4 * width, 1)
        self.shortcut = D2Conv(channels, 4 * width, 1, stride) if channels != 4 * width else None

    def forward(self, x):
        y = self.conv3(self.conv2(self.conv1(x).relu()).relu())
        return (y + (x if self.shortcut is None else self.shortcut(x))).relu()


class Block(nn.Module):
    """Bottleneck of MMDetection and pytorch-retinanet: the stride is in the 3x3 convolution."""

    def __init__(self, channels, width, stride):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(channels, width, 1, bias=False), nn.BatchNorm2d(width)
        self.conv2, self.bn2 = nn.Conv2d(width, width, 3, stride, 1, bias=False), nn.BatchNorm2d(width)
        self.conv3, self.bn3 = nn.Conv2d(width, 4 * width, 1, bias=False), nn.BatchNorm2d(4 * width)
        self.downsample = None
        if channels != 4 * width:
            down = nn.Conv2d(channels, 4 * width, 1, stride, bias=False)
            self.downsample = nn.Sequential(down, nn.BatchNorm2d(4 * width))

    def forward(self, x):
        y = self.bn1(self.conv1(x)).relu()
        y = self.bn3(self.conv3(self.bn2(self.conv2(y)).relu()))
        return (y + (x if self.downsample is None else self.downsample(x))).relu()


def stages(block):
    channels, out = WIDTH, []
    for i, count in enumerate([3, 4, 6, 3]):
        width = WIDTH * 2**i
        blocks = []
        for k in range(count):
            blocks.append(block(channels, width, 2 if i > 0 and k == 0 else 1))
            channels = 4 * width
        out.append(nn.Sequential(*blocks))
    return out


def conv(channels, out, size=3, stride=1):
    return nn.Conv2d(channels, out, size, stride, size // 2)


def top_down(c3, c4, c5, laterals):
    """Merged maps before the last 3x3 convolutions, finest first."""
    p5 = laterals[2](c5)
    p4 = laterals[1](c4) + F.interpolate(p5, scale_factor=2, mode="nearest")
    return [laterals[0](c3) + F.interpolate(p4, scale_factor=2, mode="nearest"), p4, p5]


def per_anchor(maps, width):
    """[N, A * width, H, W] of each level to [N, anchors, width]: height, width, anchor."""
    return torch.cat([x.permute(0, 2, 3, 1).reshape(len(x), -1, width) for x in maps], 1)


class Detectron2(nn.Module):
    def __init__(self):
        super().__init__()
        self.backbone = nn.Module()
        up = self.backbone.bottom_up = nn.Module()
        up.stem = nn.Module()
        up.stem.conv1 = D2Conv(3, WIDTH, 7, 2)
        for i, stage in enumerate(stages(D2Block)):
            setattr(up, f"res{i + 2}", stage)
        for i in (3, 4, 5):
            setattr(self.backbone, f"fpn_lateral{i}", conv(WIDTH * 2**i, CHANNELS, 1))
            setattr(self.backbone, f"fpn_output{i}", conv(CHANNELS, CHANNELS))
        self.backbone.top_block = nn.Module()
        self.backbone.top_block.p6 = conv(WIDTH * 32, CHANNELS, 3, 2)
        self.backbone.top_block.p7 = conv(CHANNELS, CHANNELS, 3, 2)
        self.head = nn.Module()
        for name in ("cls_subnet", "bbox_subnet"):
            layers = [layer for _ in range(4) for layer in (conv(CHANNELS, CHANNELS), nn.ReLU())]
            setattr(self.head, name, nn.Sequential(*layers))
        self.head.cls_score = conv(CHANNELS, 9 * CLASSES)
        self.head.bbox_pred = conv(CHANNELS, 36)

    def forward(self, x):
        back, up = self.backbone, self.backbone.bottom_up
        x = up.res2(F.max_pool2d(up.stem.conv1(x).relu(), 3, 2, 1))
        c3 = up.res3(x)
        c4 = up.res4(c3)
        c5 = up.res5(c4)
        merged = top_down(c3, c4, c5, [back.fpn_lateral3, back.fpn_lateral4, back.fpn_lateral5])
        maps = [out(m) for out, m in zip([back.fpn_output3, back.fpn_output4, back.fpn_output5], merged)]
        p6 = back.top_block.p6(c5)
        maps += [p6, back.top_block.p7(p6.relu())]
        head = self.head
        logits = per_anchor([head.cls_score(head.cls_subnet(m)) for m in maps], CLASSES)
        return logits, per_anchor([head.bbox_pred(head.bbox_subnet(m)) for m in maps], 4)


class MMDetection(nn.Module):
    def __init__(self):
        super().__init__()
        back = self.backbone = nn.Module()
        back.conv1, back.bn1 = nn.Conv2d(3, WIDTH, 7, 2, 3, bias=False), nn.BatchNorm2d(WIDTH)
        for i, stage in enumerate(stages(Block)):
            setattr(back, f"layer{i + 1}", stage)

        def module(layer):
            """ConvModule without norm."""
            outer = nn.Module()
            outer.conv = layer
            return outer

        self.neck = nn.Module()
        self.neck.lateral_convs = nn.ModuleList(module(conv(WIDTH * 2**i, CHANNELS, 1)) for i in (3, 4, 5))
        outs = [conv(CHANNELS, CHANNELS) for _ in range(3)]
        outs += [conv(WIDTH * 32, CHANNELS, 3, 2), conv(CHANNELS, CHANNELS, 3, 2)]
        self.neck.fpn_convs = nn.ModuleList(module(layer) for layer in outs)
        head = self.bbox_head = nn.Module()
        head.cls_convs = nn.ModuleList(module(conv(CHANNELS, CHANNELS)) for _ in range(4))
        head.reg_convs = nn.ModuleList(module(conv(CHANNELS, CHANNELS)) for _ in range(4))
        head.retina_cls = conv(CHANNELS, 9 * CLASSES)
        head.retina_reg = conv(CHANNELS, 36)

    def forward(self, x):
        back, neck, head = self.backbone, self.neck, self.bbox_head
        x = back.layer1(F.max_pool2d(back.bn1(back.conv1(x)).relu(), 3, 2, 1))
        c3 = back.layer2(x)
        c4 = back.layer3(c3)
        c5 = back.layer4(c4)
        merged = top_down(c3, c4, c5, [outer.conv for outer in neck.lateral_convs])
        outs = [outer.conv for outer in neck.fpn_convs]
        maps = [out(m) for out, m in zip(outs, merged)]
        maps.append(outs[3](c5))
        maps.append(outs[4](maps[3]))  # No ReLU before P7.
        logits, deltas = [], []
        for m in maps:
            a = b = m
            for outer in head.cls_convs:
                a = outer.conv(a).relu()
            for outer in head.reg_convs:
                b = outer.conv(b).relu()
            logits.append(head.retina_cls(a))
            deltas.append(head.retina_reg(b))
        return per_anchor(logits, CLASSES), per_anchor(deltas, 4)


class PytorchRetinanet(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(3, WIDTH, 7, 2, 3, bias=False), nn.BatchNorm2d(WIDTH)
        self.layer1, self.layer2, self.layer3, self.layer4 = stages(Block)
        self.fpn = nn.Module()
        for i in (3, 4, 5):
            setattr(self.fpn, f"P{i}_1", conv(WIDTH * 2**i, CHANNELS, 1))
            setattr(self.fpn, f"P{i}_2", conv(CHANNELS, CHANNELS))
        self.fpn.P6 = conv(WIDTH * 32, CHANNELS, 3, 2)
        self.fpn.P7_2 = conv(CHANNELS, CHANNELS, 3, 2)
        for name, out in (("regressionModel", 36), ("classificationModel", 9 * CLASSES)):
            model = nn.Module()
            for i in range(1, 5):
                setattr(model, f"conv{i}", conv(CHANNELS, CHANNELS))
            model.output = conv(CHANNELS, out)
            setattr(self, name, model)

    def forward(self, x):
        x = self.layer1(F.max_pool2d(self.bn1(self.conv1(x)).relu(), 3, 2, 1))
        c3 = self.layer2(x)
        c4 = self.layer3(c3)
        c5 = self.layer4(c4)
        fpn = self.fpn
        merged = top_down(c3, c4, c5, [fpn.P3_1, fpn.P4_1, fpn.P5_1])
        maps = [out(m) for out, m in zip([fpn.P3_2, fpn.P4_2, fpn.P5_2], merged)]
        maps.append(fpn.P6(c5))
        maps.append(fpn.P7_2(maps[3].relu()))
        logits, deltas = [], []
        for m in maps:
            for model, outputs in ((self.classificationModel, logits), (self.regressionModel, deltas)):
                y = m
                for layer in (model.conv1, model.conv2, model.conv3, model.conv4):
                    y = layer(y).relu()
                outputs.append(model.output(y))
        return per_anchor(logits, CLASSES), per_anchor(deltas, 4)


# Anchors of a cell, around 0.

RATIOS = [0.5, 1.0, 2.0]
OCTAVES = [2 ** (k / 3) for k in range(3)]


def cell(size, ratio):
    """Of an area of size^2, with height / width = ratio."""
    w = math.sqrt(size * size / ratio)
    return [-w / 2, -w * ratio / 2, w / 2, w * ratio / 2]


def make_anchors(height, width, order, offset):
    levels = []
    for stride in STRIDES:
        base = 4 * stride
        if order == "size-outer":
            cells = [cell(base * octave, ratio) for octave in OCTAVES for ratio in RATIOS]
        else:
            cells = [cell(base * octave, ratio) for ratio in RATIOS for octave in OCTAVES]
        ys = (torch.arange(math.ceil(height / stride)) + offset) * stride
        xs = (torch.arange(math.ceil(width / stride)) + offset) * stride
        y, x = torch.meshgrid(ys, xs, indexing="ij")
        shifts = torch.stack([x, y, x, y], -1).reshape(-1, 1, 4)
        levels.append((shifts + torch.tensor(cells)).reshape(-1, 4).float())
    return levels


def sides(boxes):
    w, h = boxes[:, 2] - boxes[:, 0], boxes[:, 3] - boxes[:, 1]
    return boxes[:, 0] + w / 2, boxes[:, 1] + h / 2, w, h


def encode(boxes, anchors, weights):
    bx, by, bw, bh = sides(boxes)
    ax, ay, aw, ah = sides(anchors)
    return torch.stack([(bx - ax) / aw, (by - ay) / ah, (bw / aw).log(), (bh / ah).log()], 1) * torch.tensor(weights)


def decode(deltas, anchors, weights, low, high):
    ax, ay, aw, ah = sides(anchors)
    dx, dy, dw, dh = (deltas / torch.tensor(weights)).unbind(1)
    w, h = dw.clamp(low, high).exp() * aw, dh.clamp(low, high).exp() * ah
    x, y = ax + dx * aw, ay + dy * ah
    return torch.stack([x - w / 2, y - h / 2, x + w / 2, y + h / 2], 1)


# Matching: for each anchor the index of its box, -1 for background, -2 for ignored.


def match_d2(iou):
    best, index = iou.max(0)
    matched = torch.where(best < 0.4, -1, torch.where(best < 0.5, -2, index))
    low = (iou == iou.max(1).values[:, None]).any(0)
    return torch.where(low, index, matched)


def match_mm(iou):
    best, index = iou.max(0)
    matched = torch.where(best < 0.4, -1, torch.where(best < 0.5, -2, index))
    for box in range(len(iou)):
        matched[iou[box] == iou[box].max()] = box  # A later box wins.
    return matched


def match_yhenon(iou):
    best, index = iou.max(0)
    return torch.where(best < 0.4, -1, torch.where(best < 0.5, -2, index))


def focal(logits, matched, labels):
    """Sum over the anchors that are not ignored."""
    target = torch.zeros_like(logits)
    positive = matched >= 0
    target[positive, labels[matched[positive]]] = 1
    p = logits.sigmoid()
    bce = F.binary_cross_entropy_with_logits(logits, target, reduction="none")
    weight = torch.where(target == 1, 0.25 * (1 - p) ** 2, 0.75 * p**2)
    return (weight * bce)[matched != -2].sum()


LIBRARIES = {
    "detectron2": {
        "network": Detectron2,
        "seed": 3,
        "order": "size-outer",
        "offset": 0.0,
        "match": match_d2,
        "weights": [1.0, 1.0, 1.0, 1.0],
        "clamp": (-math.inf, CLAMP),
        "smooth": 0.0,
        "clip": "after",
        "max": 100,
    },
    "mmdetection": {
        "network": MMDetection,
        "seed": 4,
        "order": "ratio-outer",
        "offset": 0.0,
        "match": match_mm,
        "weights": [1.0, 1.0, 1.0, 1.0],
        "clamp": (-CLAMP, CLAMP),
        "smooth": 0.0,
        "clip": "before",
        "max": 100,
    },
    "pytorch-retinanet": {
        "network": PytorchRetinanet,
        "seed": 5,
        "order": "ratio-outer",
        "offset": 0.5,
        "match": match_yhenon,
        "weights": [10.0, 10.0, 5.0, 5.0],
        "clamp": (-math.inf, math.inf),
        "smooth": 1 / 9,
        "clip": "before",
        "max": None,
    },
}


def prepare(library, name, height, width):
    pixels = torch.from_numpy(hash_image(name, height, width)).permute(2, 0, 1).float()
    if library == "detectron2":
        mean, std = [103.53, 116.28, 123.675], [1.0, 1.0, 1.0]
        pixels = pixels.flip(0)
    elif library == "mmdetection":
        mean, std = [123.675, 116.28, 103.53], [58.395, 57.12, 57.375]
    else:
        mean, std = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]
        pixels = pixels / 255
    image = (pixels - torch.tensor(mean)[:, None, None]) / torch.tensor(std)[:, None, None]
    return F.pad(image, (0, -width % 32, 0, -height % 32))[None]


def distribution(name):
    """What is appended to a name, so that `hash_tensor` gives its tensor the range of the same part in torchvision."""
    if ".norm." in name or ".bn" in name or name.startswith("bn") or ".downsample.1." in name:
        last = "conv3" in name or "bn3" in name or "shortcut" in name or "downsample" in name
        return ".bn3." + name.rsplit(".", 1)[1] if last else ".bn1." + name.rsplit(".", 1)[1]
    part = name.rsplit(".", 1)[1]
    if name in ("conv1.weight", "backbone.conv1.weight", "backbone.bottom_up.stem.conv1.weight"):
        return "body.conv1.weight"
    if any(key in name for key in ("cls_score", "retina_cls", "classificationModel.output")):
        return f".cls_logits.{part}"
    if any(key in name for key in ("bbox_pred", "retina_reg", "regressionModel.output")):
        return f".bbox_reg.{part}"
    if any(key in name for key in ("fpn", "neck", "top_block")):
        return f".fpn.x.{part}"
    return f".conv1.{part}"


def build(library):
    rules = LIBRARIES[library]
    model = rules["network"]()
    tensors = []
    state = {}
    for name, value in model.state_dict().items():
        shape = list(value.shape)
        kind = "" if name.endswith("num_batches_tracked") else distribution(name)
        values = torch.from_numpy(hash_tensor(name + kind, shape, rules["seed"]))
        # Detectron2's colours have a standard deviation of 1 on a scale to 255.
        if library == "detectron2" and name.endswith("stem.conv1.weight"):
            values = values / 64
        state[name] = values
        tensors.append([name, kind, shape])
    model.load_state_dict(state)
    # The statistics of norms stay in all three: frozen, norm_eval=True, freeze_bn().
    return model.eval(), tensors


def losses(library, logits, deltas, anchors, boxes, labels):
    rules = LIBRARIES[library]
    matched = rules["match"](box_iou(boxes, anchors))
    positive = matched >= 0
    target = encode(boxes[matched[positive]], anchors[positive], rules["weights"])
    distance = (deltas[positive] - target).abs()
    if rules["smooth"] > 0:
        beta = rules["smooth"]
        distance = torch.where(distance <= beta, 0.5 / beta * distance**2, distance - 0.5 * beta)
    count = max(1, int(positive.sum()))
    if library == "detectron2":  # A moving average, which starts at 100.
        count = 0.9 * 100 + 0.1 * count
    box_loss = distance.sum() / count
    if library == "pytorch-retinanet":
        box_loss = distance.mean()
    return focal(logits, matched, labels) / count, box_loss, int(positive.sum())


def detect(library, logits, deltas, levels, size, threshold):
    rules = LIBRARIES[library]
    height, width = size
    limits = torch.tensor([width, height, width, height])
    found, start = [], 0
    for anchors in levels:
        scores = logits[start : start + len(anchors)].sigmoid()
        boxes = decode(deltas[start : start + len(anchors)], anchors, rules["weights"], *rules["clamp"])
        start += len(anchors)
        anchor, label = (scores > threshold).nonzero(as_tuple=True)
        order = scores[anchor, label].argsort(descending=True)[:1000]
        found.append((boxes[anchor[order]], scores[anchor[order], label[order]], label[order]))
    boxes, scores, labels = (torch.cat(parts) for parts in zip(*found))
    if rules["clip"] == "before":
        boxes = torch.minimum(boxes.clamp(min=0), limits)
    kept = batched_nms(boxes, scores, labels, 0.5)[: rules["max"]]
    boxes, scores, labels = boxes[kept], scores[kept], labels[kept]
    if rules["clip"] == "after":
        boxes = torch.minimum(boxes.clamp(min=0), limits)
        whole = (boxes[:, 2] > boxes[:, 0]) & (boxes[:, 3] > boxes[:, 1])
        boxes, scores, labels = boxes[whole], scores[whole], labels[whole]
    return {"boxes": boxes, "scores": scores, "labels": labels}
