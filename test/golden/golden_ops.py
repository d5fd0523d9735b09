"""ops.json: layers and losses on small hashed inputs, with the gradients of every input.

The scalar that is differentiated is sum(output * upstream), upstream = hash_uniform("upstream", output shape).
All arrays are in torch's order of axes: images NCHW, filters OIHW.
"""

import numpy as np
import torch
from torch.nn import functional as F
from torchvision.ops import generalized_box_iou_loss, sigmoid_focal_loss

from common import distance, f32, hash_uniform, write


def boxes(name, count):
    """Boxes x1, y1, x2, y2 of at least 2 pixels in [0, 32)."""
    raw = hash_uniform(name, [count, 4], 0, 0.5, 0.5)
    x1, y1 = raw[:, 0] * 16, raw[:, 1] * 16
    return torch.from_numpy(np.stack([x1, y1, x1 + 2 + raw[:, 2] * 14, y1 + 2 + raw[:, 3] * 14], 1))


def cases():
    """(name, op, options, inputs {name: (shape, scale, centre)}, function of the inputs and options)."""
    out = []

    def add(name, op, options, inputs, function):
        out.append((name, op, options, inputs, function))

    def conv(name, x, w, bias=True, **options):
        inputs = {"x": (x, 1, 0), "w": (w, 1, 0)}
        if bias:
            inputs["bias"] = ([w[0]], 1, 0)
        add(name, "conv2d", options, inputs, lambda t, o: F.conv2d(t["x"], t["w"], t.get("bias"), **o))

    conv("conv2d-1x1", [2, 5, 4, 3], [7, 5, 1, 1])
    conv("conv2d-3x3", [2, 3, 7, 6], [4, 3, 3, 3], padding=1)
    conv("conv2d-stride-2", [1, 4, 9, 8], [5, 4, 3, 3], bias=False, stride=2, padding=1)
    conv("conv2d-7x7", [1, 3, 13, 12], [4, 3, 7, 7], bias=False, stride=2, padding=3)
    conv("conv2d-per-axis", [2, 3, 11, 9], [4, 3, 3, 2], stride=[2, 1], padding=[1, 2], dilation=[1, 3])
    conv("conv2d-dilation", [1, 2, 10, 9], [3, 2, 3, 3], dilation=2, padding=2)
    conv("conv2d-same", [2, 3, 6, 7], [4, 3, 3, 3], padding="same")
    conv("conv2d-same-even", [1, 2, 6, 9], [3, 2, 2, 4], padding="same", dilation=[3, 1])
    conv("conv2d-groups", [2, 6, 7, 6], [4, 3, 3, 3], groups=2, padding=1)
    conv("conv2d-groups-stride", [1, 9, 8, 9], [6, 3, 2, 3], groups=3, stride=[2, 3], padding=1, dilation=[1, 2])
    conv("conv2d-depthwise", [2, 5, 7, 6], [5, 1, 3, 3], groups=5, padding=1)
    conv("conv2d-depthwise-multiplier", [1, 3, 9, 8], [6, 1, 3, 3], groups=3, stride=2, dilation=2, padding=2)
    conv("conv2d-stride-over-kernel", [1, 3, 9, 8], [4, 3, 2, 2], stride=3)

    def transposed(name, x, w, bias=True, **options):
        inputs = {"x": (x, 1, 0), "w": (w, 1, 0)}
        if bias:
            inputs["bias"] = ([w[1] * options.get("groups", 1)], 1, 0)
        add(
            name,
            "conv_transpose2d",
            options,
            inputs,
            lambda t, o: F.conv_transpose2d(t["x"], t["w"], t.get("bias"), **o),
        )

    transposed("conv_transpose2d-3x3", [2, 4, 5, 6], [4, 3, 3, 3])
    transposed("conv_transpose2d-stride", [1, 3, 4, 5], [3, 5, 4, 4], stride=2, padding=1)
    transposed("conv_transpose2d-output-padding", [2, 4, 3, 4], [4, 2, 3, 2], stride=[2, 3], padding=[1, 0], output_padding=[1, 2], dilation=[2, 1])
    transposed("conv_transpose2d-groups", [1, 6, 4, 3], [6, 2, 3, 3], stride=2, padding=1, output_padding=1, groups=3)
    transposed("conv_transpose2d-depthwise", [1, 4, 4, 3], [4, 1, 4, 4], bias=False, stride=2, padding=1, groups=4)

    def sequence(name, x, w, bias=True, **options):
        inputs = {"x": (x, 1, 0), "w": (w, 1, 0)}
        if bias:
            inputs["bias"] = ([w[0]], 1, 0)
        add(name, "conv1d", options, inputs, lambda t, o: F.conv1d(t["x"], t["w"], t.get("bias"), **o))

    sequence("conv1d", [2, 3, 9], [4, 3, 3])
    sequence("conv1d-stride", [1, 4, 11], [6, 2, 3], stride=2, padding=2, dilation=2, groups=2)
    sequence("conv1d-same", [2, 3, 7], [5, 3, 4], bias=False, padding="same")

    def pool(name, x, **options):
        add(name, "max_pool2d", options, {"x": (x, 1, 0)}, lambda t, o: F.max_pool2d(t["x"], **o))

    pool("max_pool2d-3-2-1", [2, 3, 9, 8], kernel_size=3, stride=2, padding=1)
    pool("max_pool2d-per-axis", [1, 3, 9, 11], kernel_size=[2, 3], stride=[2, 1], padding=[0, 1])
    pool("max_pool2d-dilation", [1, 2, 9, 8], kernel_size=2, stride=1, dilation=3)
    pool("max_pool2d-ceil", [2, 3, 8, 9], kernel_size=3, stride=2, padding=1, ceil_mode=True)
    pool("max_pool2d-ceil-start", [1, 2, 7, 6], kernel_size=2, stride=3, padding=1, ceil_mode=True)
    pool("max_pool2d-ceil-dilation", [1, 2, 10, 9], kernel_size=3, stride=3, dilation=2, ceil_mode=True)
    for include in (True, False):
        for name, size, kernel, stride in [("", [8, 9], 3, 2), ("-start", [7, 6], 2, 3), ("-wide", [5, 6], 4, 3)]:
            add(
                f"avg_pool2d-ceil{name}-include-{include}".lower(),
                "avg_pool2d",
                {"kernel_size": kernel, "stride": stride, "padding": 1, "ceil_mode": True, "count_include_pad": include},
                {"x": ([2, 3, *size], 1, 0)},
                lambda t, o: F.avg_pool2d(t["x"], **o),
            )
    for include in (True, False):
        add(
            f"avg_pool2d-include-{include}".lower(),
            "avg_pool2d",
            {"kernel_size": 3, "stride": 2, "padding": 1, "count_include_pad": include},
            {"x": ([2, 3, 8, 9], 1, 0)},
            lambda t, o: F.avg_pool2d(t["x"], **o),
        )
    add(
        "avg_pool2d-per-axis",
        "avg_pool2d",
        {"kernel_size": [2, 3], "stride": [1, 2], "padding": [1, 0]},
        {"x": ([1, 2, 6, 7], 1, 0)},
        lambda t, o: F.avg_pool2d(t["x"], **o),
    )

    for size, to in [([7, 10], [3, 4]), ([4, 3], [4, 6]), ([6, 5], [1, 1]), ([2, 9], [5, 2])]:
        add(
            f"adaptive_avg_pool2d-{size[0]}x{size[1]}-{to[0]}x{to[1]}",
            "adaptive_avg_pool2d",
            {"output_size": to},
            {"x": ([2, 3, *size], 1, 0)},
            lambda t, o: F.adaptive_avg_pool2d(t["x"], **o),
        )

    norm = {"x": ([3, 5, 4, 3], 2, 0.5), "weight": ([5], 0.5, 1), "bias": ([5], 0.5, 0)}

    def batch_norm(t, o):
        buffers = torch.from_numpy(hash_uniform("running_mean", [5])).to(t["x"].dtype), torch.from_numpy(
            hash_uniform("running_var", [5], 0, 0.5, 1)
        ).to(t["x"].dtype)
        y = F.batch_norm(t["x"], *buffers, t["weight"], t["bias"], **o)
        return y, {"running_mean": buffers[0], "running_var": buffers[1]}

    add("batch_norm-train", "batch_norm", {"training": True, "momentum": 0.1, "eps": 1e-5}, norm, batch_norm)
    add("batch_norm-train-momentum", "batch_norm", {"training": True, "momentum": 0.3, "eps": 1e-3}, norm, batch_norm)
    add("batch_norm-eval", "batch_norm", {"training": False, "momentum": 0.1, "eps": 1e-5}, norm, batch_norm)
    add(
        "group_norm",
        "group_norm",
        {"num_groups": 3, "eps": 1e-5},
        {"x": ([2, 6, 5, 3], 2, 0.5), "weight": ([6], 0.5, 1), "bias": ([6], 0.5, 0)},
        lambda t, o: F.group_norm(t["x"], weight=t["weight"], bias=t["bias"], **o),
    )

    for mode in ("nearest", "bilinear"):
        for (h, w), size in [
            ((13, 7), (25, 14)),
            ((4, 5), (7, 9)),
            ((3, 4), (8, 11)),
            ((9, 8), (5, 3)),
            ((2, 2), (4, 4)),
            ((1, 3), (5, 7)),
        ]:
            add(
                f"interpolate-{mode}-{h}x{w}-{size[0]}x{size[1]}",
                "interpolate",
                {"mode": mode, "size": list(size)},
                {"x": ([2, 2, h, w], 1, 0)},
                lambda t, o: F.interpolate(t["x"], **o),
            )

    pair = {"x": ([4, 6], 2, 0), "y": ([4, 6], 2, 0)}
    for beta in (0, 0.11, 1):
        add(
            f"smooth_l1-{beta}",
            "smooth_l1",
            {"beta": beta},
            pair,
            lambda t, o: F.smooth_l1_loss(t["x"], t["y"], reduction="none", **o),
        )
    for alpha, gamma in ((0.25, 2), (0.5, 0), (-1, 3)):
        add(
            f"focal-{alpha}-{gamma}",
            "sigmoid_focal_loss",
            {"alpha": alpha, "gamma": gamma},
            {"x": ([8, 3], 6, 0)},
            lambda t, o: sigmoid_focal_loss(t["x"], (torch.arange(24).reshape(8, 3) % 4 == 0).to(t["x"].dtype), **o),
        )
    add(
        "focal-extreme",
        "sigmoid_focal_loss",
        {"alpha": 0.25, "gamma": 2},
        {"x": ([8, 3], 100, 0)},
        lambda t, o: sigmoid_focal_loss(t["x"], (torch.arange(24).reshape(8, 3) % 4 == 0).to(t["x"].dtype), **o),
    )
    add(
        "giou",
        "generalized_box_iou_loss",
        {"eps": 1e-7},
        {"a": "boxes", "b": "boxes"},
        lambda t, o: generalized_box_iou_loss(t["a"], t["b"], **o),
    )
    for op in ("softmax", "log_softmax"):
        add(op, op, {"dim": -1}, {"x": ([5, 7], 4, 0)}, lambda t, o, op=op: getattr(F, op)(t["x"], **o))
        add(f"{op}-axis-1", op, {"dim": 1}, {"x": ([2, 5, 3], 40, 0)}, lambda t, o, op=op: getattr(F, op)(t["x"], **o))
    for reduction in ("none", "mean"):
        add(
            f"cross_entropy-{reduction}",
            "cross_entropy",
            {"reduction": reduction},
            {"x": ([6, 5], 4, 0)},
            lambda t, o: F.cross_entropy(t["x"], torch.arange(6) * 2 % 5, **o),
        )
    add(
        "bce_with_logits",
        "bce_with_logits",
        {},
        {"x": ([4, 6], 6, 0), "target": ([4, 6], 0.5, 0.5)},
        lambda t, o: F.binary_cross_entropy_with_logits(t["x"], t["target"], reduction="none"),
    )
    return out


def evaluate(name, inputs, options, function, dtype):
    tensors = {}
    for key, spec in inputs.items():
        values = (
            boxes(f"{name}.{key}", 12)
            if spec == "boxes"
            else torch.from_numpy(hash_uniform(f"{name}.{key}", spec[0], 0, *spec[1:]))
        )
        tensors[key] = values.to(dtype).requires_grad_(key != "target")
    result = function(tensors, dict(options))
    y, extra = result if isinstance(result, tuple) else (result, {})
    upstream = torch.from_numpy(hash_uniform("upstream", list(y.shape))).to(dtype)
    (y * upstream).sum().backward()
    return {"y": y, **{f"d{k}": v.grad for k, v in tensors.items() if v.requires_grad}, **extra}, tensors


def collect(cases):
    """What a fixture keeps of each case: inputs, results and gradients from the float64 run, with float32's distance."""
    out = []
    for name, op, options, inputs, function in cases:
        single, _ = evaluate(name, inputs, options, function, torch.float32)
        double, tensors = evaluate(name, inputs, options, function, torch.float64)
        described = {
            k: f32(tensors[k].detach().float()) if v == "boxes" else {"shape": v[0], "scale": v[1], "centre": v[2]}
            for k, v in inputs.items()
        }
        out.append(
            {
                "name": name,
                "op": op,
                "options": options,
                "inputs": described,
                "results": {k: f32(v) for k, v in double.items()},
                "noise": max(distance(single[k], double[k]) for k in double),
            }
        )
    worst = max(out, key=lambda c: c["noise"])
    print(f"  {len(out)} ops: noise {worst['noise']:.1e} ({worst['name']})")
    return out


def make_ops():
    write("ops", {"cases": collect(cases())})
