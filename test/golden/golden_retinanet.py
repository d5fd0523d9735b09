"""retinanet-CASE.json: one training step and one inference of torchvision's RetinaNet with hashed weights.

Every model runs twice from the same float32 weights and images: in float32, as torchvision does, and in float64. The
fixture keeps the float64 values, rounded to float32, and says how far torchvision's float32 run is from them.
"""

from copy import deepcopy
from functools import partial

import numpy as np
import torch
from torch import nn
from torchvision.models import resnet
from torchvision.models.detection import RetinaNet
from torchvision.models.detection.backbone_utils import _resnet_fpn_extractor
from torchvision.models.detection.retinanet import RetinaNetHead, _default_anchorgen
from torchvision.ops import FrozenBatchNorm2d
from torchvision.ops.boxes import box_iou
from torchvision.ops.feature_pyramid_network import LastLevelP6P7

from common import digest, distance, f32, hash_image, hash_tensor, number, summary, write
from golden_cases import CASES, CLASSES


def build(case):
    """The model with hashed weights. Version 2 is built as retinanet_resnet50_fpn_v2: P6 from C5, group norm in the
    heads, GIoU."""
    norm = FrozenBatchNorm2d if case["norm"] == "frozen" else nn.BatchNorm2d
    v2 = case.get("version") == 2
    body = getattr(resnet, case["backbone"])(weights=None, norm_layer=norm)
    p6 = LastLevelP6P7(2048 if v2 else 256, 256)
    backbone = _resnet_fpn_extractor(body, 5, returned_layers=[2, 3, 4], extra_blocks=p6)
    anchors = _default_anchorgen()
    classes = case.get("classes", CLASSES)
    head = RetinaNetHead(256, 9, classes, norm_layer=partial(nn.GroupNorm, 32) if v2 else None)
    if v2:
        head.regression_head._loss_type = "giou"
    model = RetinaNet(
        backbone,
        classes,
        case["minSize"],
        case["maxSize"],
        anchor_generator=anchors,
        head=head,
        topk_candidates=case.get("topk", 1000),
        detections_per_img=case.get("detections", 300),
        score_thresh=case.get("threshold", 0.05),
    )
    state = {k: torch.from_numpy(hash_tensor(k, list(v.shape), case["seed"])) for k, v in model.state_dict().items()}
    model.load_state_dict(state)
    return model, state


def inputs(case, name, dtype):
    """Images in [0, 1] and targets; bytes become float32 first, as ToTensor does."""
    images, targets = [], []
    for index, ((h, w), boxes) in enumerate(zip(case["images"], case["boxes"])):
        pixels = torch.from_numpy(hash_image(f"{name}.{index}", h, w)).permute(2, 0, 1).float() / 255
        images.append(pixels.to(dtype))
        table = torch.tensor(boxes, dtype=dtype).reshape(-1, 5)
        targets.append({"boxes": table[:, :4], "labels": table[:, 4].long()})
    return images, targets


def run(model, case, name, dtype, retain_graph=False):
    """One training forward and backward pass; returns what the fixture compares."""
    seen = {}
    hooks = [
        model.backbone.body.register_forward_hook(
            lambda m, i, out: seen.update({f"C{3 + k}": v for k, v in enumerate(out.values())})
        ),
        model.backbone.register_forward_hook(
            lambda m, i, out: seen.update({f"P{3 + k}": v for k, v in enumerate(out.values())})
        ),
        model.backbone.register_forward_pre_hook(lambda m, i: seen.update(batch=i[0])),
        model.head.register_forward_hook(lambda m, i, out: seen.update(out)),
    ]
    compute = model.head.compute_loss

    def spy(targets, outputs, anchors, matched):
        seen.update(targets=targets, anchors=anchors, matched=matched)
        return compute(targets, outputs, anchors, matched)

    model.head.compute_loss = spy
    images, targets = inputs(case, name, dtype)
    model.train()
    losses = model(images, targets)
    sum(losses.values()).backward(retain_graph=retain_graph)
    for hook in hooks:
        hook.remove()
    model.head.compute_loss = compute
    seen["losses"] = losses
    return seen


def detect(model, case, name, dtype):
    """Inference, with the head outputs that it decided on."""
    seen = {}
    post = model.postprocess_detections

    def spy(outputs, anchors, sizes):
        seen.update(outputs=outputs, anchors=anchors, sizes=[list(s) for s in sizes])
        return post(outputs, anchors, sizes)

    model.postprocess_detections = spy
    model.eval()
    with torch.no_grad():
        seen["detections"] = model(inputs(case, name, dtype)[0])
    model.postprocess_detections = post
    return seen


def runs(values):
    """Run lengths: value, count, value, count..."""
    values = np.asarray(values)
    starts = np.flatnonzero(np.concatenate([[True], values[1:] != values[:-1]]))
    counts = np.diff(np.append(starts, values.size))
    return [int(x) for pair in zip(values[starts], counts) for x in pair]


def matching(seen, index):
    """Counts of each kind of match, and how far the decisions are from the other side."""
    boxes, anchors, matched = seen["targets"][index]["boxes"], seen["anchors"][index], seen["matched"][index]
    if len(boxes) == 0:
        return {"positive": 0, "lowQuality": 0, "ignored": 0}
    iou = box_iou(boxes, anchors)
    best = iou.max(0).values
    top = iou.max(1).values
    # The runner-up of each box: equal values are ties and all match, so the margin is to the next distinct value.
    gap = min(float(t - row[row != t].max()) for t, row in zip(top, iou))
    second = iou.sort(0, descending=True).values
    rival = float((second[0] - second[1])[matched >= 0].min()) if len(boxes) > 1 else 1.0
    return {
        "positive": int((matched >= 0).sum()),
        "lowQuality": int(((matched >= 0) & (best < 0.5)).sum()),
        "ignored": int((matched == -2).sum()),
        "thresholdMargin": number(min(float((best - t).abs().min()) for t in (0.4, 0.5))),
        "runnerUpMargin": number(gap),
        "argmaxMargin": number(rival),
    }


def noisy_detections(model, seen):
    """How many of 20 runs decide alike when the head outputs carry noise of 5e-6 of their scale: same labels, boxes
    within a tenth of a pixel."""
    generator = torch.Generator().manual_seed(0)
    wanted = model.postprocess_detections(seen["outputs"], seen["anchors"], seen["sizes"])

    def alike(a, b):
        if sorted(a["labels"].tolist()) != sorted(b["labels"].tolist()):
            return False
        apart = (a["boxes"][:, None] - b["boxes"][None]).abs().amax(2)
        apart[a["labels"][:, None] != b["labels"][None]] = torch.inf
        return len(a["labels"]) == 0 or float(apart.amin(1).max()) < 0.1

    same = 0
    for _ in range(20):
        noisy = {
            k: [x + 5e-6 * x.abs().max() * (2 * torch.rand(x.shape, generator=generator) - 1) for x in v]
            for k, v in seen["outputs"].items()
        }
        result = model.postprocess_detections(noisy, seen["anchors"], seen["sizes"])
        same += all(alike(a, b) for a, b in zip(wanted, result))
    return same


def noisy_gradients(model, case, name, exact, trials=5):
    """Worst distance of a gradient, and of its norm, from `exact` (by name) over float32 runs in which every
    convolution is off by up to 2e-7 of its scale, as another correct implementation may be."""
    generator = torch.Generator().manual_seed(0)

    def disturb(module, args, out):
        return out + 2e-7 * out.detach().abs().max() * (2 * torch.rand(out.shape, generator=generator) - 1)

    worst = worst_norm = 0.0
    for _ in range(trials):
        copy = deepcopy(model)
        for module in copy.modules():
            if isinstance(module, nn.Conv2d):
                module.register_forward_hook(disturb)
        run(copy, case, name, torch.float32)
        for key, parameter in copy.named_parameters():
            worst = max(worst, distance(parameter.grad, exact[key]))
            worst_norm = max(worst_norm, abs(float(parameter.grad.double().norm() / exact[key].norm()) - 1))
    return number(worst), number(worst_norm)


def make_retinanet(case_name):
    case = CASES[case_name]
    name = f"retinanet-{case_name}"
    model, state = build(case)
    wide = deepcopy(model).double()
    eval_single, eval_double = detect(model, case, name, torch.float32), detect(wide, case, name, torch.float64)
    kept = noisy_detections(model, eval_single)
    fresh = deepcopy(model)
    single, double = run(model, case, name, torch.float32), run(wide, case, name, torch.float64)
    for a, b in zip(single["matched"], double["matched"]):
        if not torch.equal(a, b):
            raise SystemExit(f"{name}: float32 and float64 match anchors differently: move a box")

    exact = {n: p.grad for n, p in wide.named_parameters()}
    disturbed = noisy_gradients(fresh, case, name, exact)
    grads = [
        summary(n, p.grad, q.grad, 16) for (n, p), (_, q) in zip(model.named_parameters(), wide.named_parameters())
    ]
    buffers = []
    if case["norm"] == "batch":
        buffers = [
            summary(n, p, q, 16)
            for (n, p), (_, q) in zip(model.named_buffers(), wide.named_buffers())
            if n.endswith(("running_mean", "running_var"))
        ]
    features = [summary(k, single[k], double[k], 64) for k in ("C3", "C4", "C5", "P3", "P4", "P5", "P6", "P7")]
    outputs = [summary(k, single[k], double[k], 256) for k in ("cls_logits", "bbox_regression")]
    images = []
    for i, (size, boxes) in enumerate(zip(case["images"], case["boxes"])):
        a, b = eval_single["detections"][i], eval_double["detections"][i]
        if not torch.equal(a["labels"], b["labels"]) or distance(a["boxes"], b["boxes"]) > 1e-5:
            raise SystemExit(f"{name}: float32 and float64 detect differently: take another seed")
        gaps = (b["scores"][:-1] - b["scores"][1:]) if len(b["scores"]) > 1 else torch.ones(1)
        images.append(
            {
                "name": f"{name}.{i}",
                "size": list(size),
                "digest": digest(hash_image(f"{name}.{i}", *size)),
                "boxes": [list(x[:4]) for x in boxes],
                "labels": [x[4] for x in boxes],
                "resized": eval_single["sizes"][i],
                "resizedBoxes": f32(single["targets"][i]["boxes"]),
                "matched": runs(single["matched"][i]),
                "match": matching(single, i),
                "detections": {
                    "boxes": f32(b["boxes"]),
                    "scores": f32(b["scores"]),
                    "labels": b["labels"].tolist(),
                    "minScoreGap": number(gaps.min()),
                    "noise": distance(a["boxes"], b["boxes"]),
                },
            }
        )
    write(
        name,
        {
            "case": {
                "backbone": case["backbone"],
                "norm": case["norm"],
                "version": case.get("version", 1),
                "classes": CLASSES,
                "seed": case["seed"],
                "minSize": case["minSize"],
                "maxSize": case["maxSize"],
                "topkCandidates": case.get("topk", 1000),
                "detectionsPerImage": case.get("detections", 300),
                "scoreThreshold": case.get("threshold", 0.05),
            },
            "stateDict": {
                "digest": sum(digest(v.numpy()) for v in state.values() if v.dtype == torch.float32) & 0xFFFFFFFF,
                "tensors": [[k, list(v.shape)] for k, v in state.items()],
            },
            "batchShape": list(single["batch"].shape),
            "anchors": {"count": len(single["anchors"][0]), "digest": digest(single["anchors"][0].numpy())},
            "images": images,
            "losses": {
                k: {"value": number(double["losses"][k]), "float32": number(single["losses"][k])}
                for k in single["losses"]
            },
            "features": features,
            "outputs": outputs,
            "gradients": grads,
            "buffers": buffers,
            "disturbed": {"sameDetections": f"{kept}/20", "gradients": disturbed[0], "gradientNorms": disturbed[1]},
        },
    )
    report(name, images, features, outputs, grads, buffers, single, double, (kept, *disturbed))


def report(name, images, features, outputs, grads, buffers, single, double, disturbed):
    worst = max(grads, key=lambda g: g["noise"])
    print(
        f"  {name}: detections "
        + ", ".join(
            f"{len(i['detections']['labels'])} (gap {i['detections']['minScoreGap']:.1e})"
            for i in images
        )
        + f", disturbed {disturbed}"
    )
    for i in images:
        print("   match", i["resized"], i["match"])
    print(
        "   losses",
        {
            k: (float(double["losses"][k]), abs(float(single["losses"][k]) / float(double["losses"][k]) - 1))
            for k in single["losses"]
        },
    )
    print("   absmax", {f["name"]: round(f["absmax"], 2) for f in features + outputs})
    print(
        "   noise: features %.1e, outputs %.1e, gradients %.1e (%s), gradient norms %.1e, buffers %.1e"
        % (
            max(f["noise"] for f in features),
            max(f["noise"] for f in outputs),
            worst["noise"],
            worst["name"],
            max(g["l2Noise"] for g in grads),
            max([b["noise"] for b in buffers], default=0),
        )
    )
