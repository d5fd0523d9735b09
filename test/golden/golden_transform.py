"""transform.json: the exact rules around the network: resizing, anchors, box coding, matching, suppression."""

import math

import torch
from torchvision.models.detection._utils import BoxCoder, Matcher
from torchvision.models.detection.image_list import ImageList
from torchvision.models.detection.retinanet import _default_anchorgen
from torchvision.models.detection.transform import GeneralizedRCNNTransform
from torchvision.ops.boxes import batched_nms, box_iou, nms

from common import digest, distance, f32, hash_bits, hash_image, hash_uniform, i32, write

MEAN, STD = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]


def resized(h, w, low, high):
    transform = GeneralizedRCNNTransform(low, high, MEAN, STD)
    images, _ = transform([torch.zeros(1, 1, 1).expand(3, h, w)])
    return list(images.image_sizes[0]), list(images.tensors.shape[2:])


def make_sizes():
    """Rows h, w, min, max, new h, new w, padded h, padded w. The scale is float32, as torchvision 0.14 computes it."""
    wanted = [
        (427, 640, 800, 1333),
        (480, 640, 800, 1333),
        (640, 427, 800, 1333),
        (1333, 800, 800, 1333),
        (600, 2000, 800, 1333),
        (100, 141, 100, 160),
        (1, 1, 96, 128),
        (1, 50, 96, 128),
        (3, 7, 800, 1333),
        (400, 400, 400, 400),
        (650, 650, 400, 400),
    ]
    bits = hash_bits("sizes", 0, 4 * 110).reshape(-1, 4)
    for a, b, c, d in bits.tolist():
        low = [64, 96, 100, 128, 256, 400, 608, 800][c % 8]
        wanted.append((20 + a % 600, 20 + b % 600, low, low + d % low))
    return [[*case, *size, *padded] for case in wanted for size, padded in [resized(*case)]]


def make_image():
    """One small image normalised, resized and padded, with its boxes; and the way back for detections."""
    out = []
    for name, h, w, low, high in [
        ("transform.up", 13, 21, 20, 40),
        ("transform.down", 45, 37, 20, 40),
        ("transform.max", 12, 40, 20, 44),
    ]:
        table = torch.tensor([[1.0, 2.0, 9.5, 11.0], [0.0, 0.0, float(w), float(h)]])
        results = []
        for dtype in (torch.float32, torch.float64):
            pixels = (torch.from_numpy(hash_image(name, h, w)).permute(2, 0, 1).float() / 255).to(dtype)
            transform = GeneralizedRCNNTransform(low, high, MEAN, STD).eval()
            images, targets = transform([pixels], [{"boxes": table.to(dtype)}])
            back = transform.postprocess([{"boxes": targets[0]["boxes"]}], images.image_sizes, [(h, w)])
            results.append((images.tensors, targets[0]["boxes"], images.image_sizes[0], back[0]["boxes"]))
        (single, *_), (double, boxes, size, back) = results
        out.append(
            {
                "name": name,
                "size": [h, w],
                "minSize": low,
                "maxSize": high,
                "resized": list(size),
                "boxes": f32(table),
                "batch": f32(double),
                "resizedBoxes": f32(boxes),
                "restoredBoxes": f32(back),
                "noise": distance(single, double),
            }
        )
    print("  image: noise", [o["noise"] for o in out])
    return out


def make_anchors():
    """Anchors of odd grids: the stride is padded size // grid, per axis, and cell anchors round half to even."""
    generator = _default_anchorgen()
    out = []
    for h, w in [(96, 96), (128, 160), (32, 224), (160, 352), (608, 1024), (800, 1344)]:
        grids = [(math.ceil(h / s), math.ceil(w / s)) for s in (8, 16, 32, 64, 128)]
        anchors = generator(
            ImageList(torch.zeros(1, 1, 1, 1).expand(1, 3, h, w), [(h, w)]), [torch.zeros(1, 1, *g) for g in grids]
        )[0]
        starts = [0]
        for gh, gw in grids:
            starts.append(starts[-1] + 9 * gh * gw)
        ends = torch.stack([anchors[i] for e in starts[1:] for i in (e - 1,)])
        out.append(
            {
                "size": [h, w],
                "grids": grids,
                "strides": [[h // a, w // b] for a, b in grids],
                "count": len(anchors),
                "digest": digest(anchors.numpy()),
                "first": f32(anchors[:18]),
                "lastOfLevels": f32(ends),
            }
        )
    cells = [c.tolist() for c in generator.cell_anchors]
    return {"cellAnchors": cells, "cases": out}


def make_coder():
    raw = torch.from_numpy(hash_uniform("coder", [24, 4], 0, 0.5, 0.5))
    anchors = torch.stack(
        [
            raw[:, 0] * 90 - 10,
            raw[:, 1] * 90 - 10,
            raw[:, 0] * 90 - 6 + raw[:, 2] * 60,
            raw[:, 1] * 90 - 6 + raw[:, 3] * 60,
        ],
        1,
    )
    raw = torch.from_numpy(hash_uniform("coder.boxes", [24, 4], 0, 0.5, 0.5))
    boxes = torch.stack(
        [raw[:, 0] * 90, raw[:, 1] * 90, raw[:, 0] * 90 + 1 + raw[:, 2] * 60, raw[:, 1] * 90 + 1 + raw[:, 3] * 60], 1
    )
    deltas = torch.from_numpy(hash_uniform("coder.deltas", [24, 4], 0, 2.0))
    deltas[0, 2:] = torch.tensor([9.0, -9.0])  # only the upper side is clamped, to log(1000 / 16)
    out = {"anchors": f32(anchors), "boxes": f32(boxes), "deltas": f32(deltas), "cases": []}
    for weights in ((1.0, 1.0, 1.0, 1.0), (10.0, 10.0, 5.0, 5.0)):
        coder = BoxCoder(weights)
        encoded = [coder.encode_single(boxes.to(t), anchors.to(t)) for t in (torch.float32, torch.float64)]
        decoded = [coder.decode_single(deltas.to(t), anchors.to(t)) for t in (torch.float32, torch.float64)]
        out["cases"].append(
            {
                "weights": weights,
                "encoded": f32(encoded[1]),
                "decoded": f32(decoded[1]),
                "noise": max(distance(*encoded), distance(*decoded)),
            }
        )
    print("  coder: noise", [c["noise"] for c in out["cases"]])
    return out


def make_matcher():
    """Rows of `iou` are boxes, columns anchors. `zero` has a box without overlap: torchvision then makes every anchor
    without overlap to it foreground (there is no guard), of the box that is its own argmax."""
    crafted = [
        ("thresholds", [[0.5, 0.49999997, 0.4, 0.39999998, 0.0, 0.9]]),
        ("first box wins a tie", [[0.6, 0.45, 0.3], [0.6, 0.45, 0.3]]),
        ("low quality ties", [[0.2, 0.3, 0.3, 0.1, 0.0], [0.0, 0.1, 0.0, 0.1, 0.05]]),
        ("low quality goes to the anchor's own best box", [[0.7, 0.6, 0.1], [0.3, 0.45, 0.2]]),
        ("low quality in the ignored band", [[0.45, 0.42, 0.1], [0.1, 0.2, 0.41]]),
        ("zero", [[0.6, 0.0, 0.3, 0.0], [0.0, 0.0, 0.0, 0.0]]),
        ("one anchor", [[0.1], [0.2], [0.15]]),
    ]
    out = []
    for name, rows in crafted:
        iou = torch.tensor(rows)
        entry = {"name": name, "iou": f32(iou)}
        entry["lowQuality"] = Matcher(0.5, 0.4, True)(iou).tolist()
        entry["plain"] = Matcher(0.5, 0.4, False)(iou).tolist()
        if name == "zero":  # what a guard gives: only rows whose largest overlap is above zero add matches
            entry["guarded"] = Matcher(0.5, 0.4, True)(iou[iou.amax(1) > 0]).tolist()
        out.append(entry)
    raw = torch.from_numpy(hash_uniform("matcher", [9, 300], 0, 0.5, 0.5)) ** 3
    out.append(
        {
            "name": "random",
            "iou": {"name": "matcher", "shape": [9, 300], "cubed": True},
            "lowQuality": Matcher(0.5, 0.4, True)(raw).tolist(),
            "plain": Matcher(0.5, 0.4, False)(raw).tolist(),
        }
    )
    a = torch.tensor([[0, 0, 10, 10], [2, 2, 8, 12], [20, 20, 30, 30], [5, 5, 5, 9], [5, 5, 5, 5]], dtype=torch.float32)
    b = torch.tensor(
        [[0, 0, 10, 10], [10, 0, 20, 10], [5, 0, 15, 10], [0, 0, 10, 5], [5, 5, 5, 5]], dtype=torch.float32
    )
    return {"cases": out, "boxIou": {"a": f32(a), "b": f32(b), "iou": f32(box_iou(a, b))}}


def make_nms():
    """IoU exactly at the threshold is kept; equal scores: the first box is taken first; boxes without area stay."""
    crafted = [
        ("half", [[0, 0, 10, 10], [0, 0, 10, 5], [0, 0, 10, 6]], [0.9, 0.8, 0.7]),
        ("chain", [[0, 0, 10, 10], [3, 0, 13, 10], [6, 0, 16, 10], [9, 0, 19, 10]], [0.6, 0.9, 0.8, 0.7]),
        ("ties", [[0, 0, 10, 10], [1, 0, 11, 10], [30, 0, 40, 10], [31, 0, 41, 10]], [0.5, 0.5, 0.5, 0.5]),
        (
            "degenerate",
            [[5, 5, 5, 5], [5, 5, 5, 5], [0, 0, 10, 10], [2, 2, 2, 9], [0, 0, 10, 10]],
            [0.9, 0.8, 0.7, 0.6, 0.5],
        ),
        ("one", [[0, 0, 1, 1]], [0.1]),
    ]
    out = [
        {
            "name": n,
            "boxes": f32(torch.tensor(b, dtype=torch.float32)),
            "scores": s,
            "labels": [0] * len(s),
            "threshold": 0.5,
            "keep": nms(torch.tensor(b, dtype=torch.float32), torch.tensor(s), 0.5).tolist(),
        }
        for n, b, s in crafted
    ]
    raw = torch.from_numpy(hash_uniform("nms", [120, 4], 0, 0.5, 0.5))
    boxes = torch.stack(
        [raw[:, 0] * 60, raw[:, 1] * 60, raw[:, 0] * 60 + 5 + raw[:, 2] * 30, raw[:, 1] * 60 + 5 + raw[:, 3] * 30], 1
    )
    order = hash_bits("nms.order", 0, 120).argsort(kind="stable")
    scores = torch.empty(120)
    scores[torch.from_numpy(order)] = torch.arange(1, 121).float() / 121
    labels = torch.arange(120) % 3
    for threshold in (0.3, 0.5):
        out.append(
            {
                "name": f"classes-{threshold}",
                "boxes": f32(boxes),
                "scores": scores.tolist(),
                "labels": labels.tolist(),
                "threshold": threshold,
                "keep": batched_nms(boxes, scores, labels, threshold).tolist(),
            }
        )
    return out


def make_transform():
    write(
        "transform",
        {
            "mean": MEAN,
            "std": STD,
            "sizes": make_sizes(),
            "images": make_image(),
            "anchors": make_anchors(),
            "coder": make_coder(),
            "matcher": make_matcher(),
            "nms": make_nms(),
        },
    )
