"""edges.json: the ReLU inputs of a RetinaNet that lie so near zero that rounding may decide them, and what each of them
does to the gradients.

A ReLU passes the gradient where its input is positive. Two correct float32 implementations differ in the sign of an input
that is smaller than their rounding, and then in gradients by much more than rounding. The fixture says where every ReLU of
the float64 model is on or off, and how all gradients change if one of the doubtful ones is the other way.
"""

from copy import deepcopy
from unittest.mock import patch

import torch
import torch.nn.functional as F

from common import digest, f32, hash_image, number, sample_positions, write
from golden_retinanet import build, run

NAME = "edges"
CASE = {
    "backbone": "resnet18",
    "norm": "frozen",
    "classes": 1,
    "seed": 39,
    "minSize": 48,
    "maxSize": 64,
    "images": [(51, 63), (63, 45), (57, 57), (39, 61)],
    "boxes": [
        [(5, 8, 42, 40, 0), (30, 20, 60, 49, 0)],
        [(3, 9, 40, 57, 0)],
        [(20, 22, 50, 55, 0), (2, 3, 22, 27, 0)],
        [(11, 6, 55, 34, 0)],
    ],
}

EDGE = 3e-5  # of the root mean square: twice what float32 kernels were seen to be off by
NEGLIGIBLE = 1e-6  # of the largest gradient of a tensor
MARGIN = 3e-6  # of the root mean square: how far the largest of a pooling window must be from the next


def rms(x):
    return float(x.square().mean().sqrt())


def train(model):
    """One training pass. Returns what `run` saw, the input and output of every ReLU in the order of calls, and all tensors
    whose gradients are compared, by name."""
    relus, levels = [], {}

    def relu(x, inplace=False):
        y = torch.relu(x)
        y.retain_grad()
        relus.append((x, y))
        return y

    def keep(module, args, out):
        for i, value in enumerate(out.values()):
            value.retain_grad()
            levels[f"P{3 + i}"] = value

    hook = model.backbone.register_forward_hook(keep)
    with patch("torch.nn.functional.relu", relu):
        seen = run(model, CASE, NAME, next(model.parameters()).dtype, retain_graph=True)
    hook.remove()
    return seen, relus, {**levels, **dict(model.named_parameters())}


def turn(relus, tensors, call, position):
    """How all gradients change if this ReLU passes the gradient though it did not, or the other way round."""
    x, y = relus[call]
    through = torch.zeros_like(x)
    sign = -1 if x.view(-1)[position] > 0 else 1
    through.view(-1)[position] = sign * y.grad.view(-1)[position]
    changes = torch.autograd.grad(x, list(tensors.values()), through, retain_graph=True, allow_unused=True)
    return {k: torch.zeros_like(t) if c is None else c for (k, t), c in zip(tensors.items(), changes)}


def edges_of(relus):
    """(call, position) of every input that rounding may decide."""
    return [
        (call, int(position))
        for call, (x, _) in enumerate(relus)
        for position in (x.abs().view(-1) <= EDGE * rms(x)).nonzero().view(-1)
    ]


def check_pooling(stem):
    """Stops unless max pooling decides by more than rounding."""
    x = F.pad(stem.clamp(min=0), (1, 1, 1, 1))
    windows = x.unfold(2, 3, 2).unfold(3, 3, 2).flatten(4).sort(-1, descending=True).values
    gaps = windows[..., 0] - windows[..., 1]
    # Equal pixels are the constant border of a smaller image: equal in every implementation, and the first one counts.
    gap = float(gaps[(windows[..., 0] > 0) & (gaps > 0)].min()) / rms(stem)
    if gap < MARGIN:
        raise SystemExit(f"{NAME}: two pixels of a pooling window are {gap:.1e} apart: take another seed")


def choose_positions(name, gradient, changes):
    """Where a fixture keeps a gradient: some positions of a hash, and those that the edges change most."""
    chosen = list(sample_positions(name, gradient.numel(), 8))
    most = torch.stack([c.view(-1).abs() for c in changes]).amax(0).topk(min(8, gradient.numel())).indices
    return sorted({int(i) for i in [*chosen, *most]})


def make_edges():
    model, state = build(CASE)
    single, _, _ = train(model)
    seen, relus, tensors = train(deepcopy(model).double())
    for a, b in zip(single["matched"], seen["matched"]):
        if not torch.equal(a, b):
            raise SystemExit(f"{NAME}: float32 and float64 match anchors differently: move a box")
    check_pooling(relus[0][0].detach())

    exact = {k: t.grad for k, t in tensors.items()}
    edges = edges_of(relus)
    changes = [turn(relus, tensors, *edge) for edge in edges]
    effect = [max(float(c[k].abs().max() / exact[k].abs().max()) for k in exact) for c in changes]
    positions = {k: choose_positions(k, exact[k], [c[k] for c in changes]) for k in exact}

    def kept(gradients):
        return f32(torch.cat([gradients[k].view(-1)[positions[k]] for k in exact]))["f32"]

    inputs = [x.detach() for x, _ in relus]
    on = [(x > 0).to(torch.uint8).view(-1) for x in inputs]
    write(
        NAME,
        {
            "case": {k: CASE[k] for k in ("seed", "classes", "minSize", "maxSize")},
            "stateDict": [[k, list(v.shape)] for k, v in state.items()],
            "batchShape": list(seen["batch"].shape),
            "images": [
                {
                    "name": f"{NAME}.{i}",
                    "size": list(size),
                    "digest": digest(hash_image(f"{NAME}.{i}", *size)),
                    "boxes": [list(x[:4]) for x in boxes],
                    "labels": [x[4] for x in boxes],
                }
                for i, (size, boxes) in enumerate(zip(CASE["images"], CASE["boxes"]))
            ],
            "relus": [{"shape": list(x.shape), "digest": digest(m.numpy())} for x, m in zip(inputs, on)],
            "edges": [
                {
                    "relu": call,
                    "position": position,
                    "isOn": int(on[call][position]),
                    "input": number(inputs[call].view(-1)[position] / rms(inputs[call])),
                    "effect": number(effect[i]),
                    "changes": kept(changes[i]) if effect[i] > NEGLIGIBLE else None,
                }
                for i, (call, position) in enumerate(edges)
            ],
            "gradients": [
                {"name": k, "shape": list(g.shape), "absmax": number(g.abs().max()), "positions": positions[k]}
                for k, g in exact.items()
            ],
            "samples": kept(exact),
        },
    )
    print(f"  {sum(x.numel() for x in inputs)} ReLU inputs, {len(edges)} within {EDGE:.0e}, effects up to {max(effect):.1e}")
    for (call, position), size in sorted(zip(edges, effect), key=lambda x: -x[1])[:12]:
        print(f"   relu {call} at {position}: {float(inputs[call].view(-1)[position]) / rms(inputs[call]):.1e}, {size:.1e}")
