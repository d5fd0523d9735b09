"""layers.json: losses with all their options, layer norm, attention and a LSTM cell on small hashed inputs, with gradients.

As ops.json. Classes are the second axis in PyTorch and the last in this library: the inputs here have two axes.
"""

import torch
from torch import nn
from torch.nn import functional as F

from common import write
from golden_ops import collect

TARGETS = [0, 2, 4, 1, 3, 0]
IGNORING = [0, 2, -1, 1, -1, 0]


def cases():
    out = []
    pair = {"x": ([4, 6], 2, 0), "target": ([4, 6], 2, 0)}
    for reduction in ("none", "sum", "mean"):
        for op, options in [
            ("mse_loss", {}),
            ("l1_loss", {}),
            ("huber_loss", {"delta": 0.7}),
            ("smooth_l1_loss", {"beta": 0.4}),
        ]:
            options = {**options, "reduction": reduction}
            function = lambda t, o, op=op: getattr(F, op)(t["x"], t["target"], **o)
            out.append((f"{op}-{reduction}", op, options, pair, function))
    bce = {"x": ([4, 3], 6, 0), "target": ([4, 3], 0.5, 0.5)}
    weights = {"pos_weight": [0.5, 2.0, 3.0], "weight": [1.5, 1.0, 0.25]}
    for keys in ([], ["pos_weight"], ["weight"], ["pos_weight", "weight"]):
        options = {k: weights[k] for k in keys}

        def function(t, o):
            factors = {k: torch.tensor(v).to(t["x"].dtype) for k, v in o.items()}
            return F.binary_cross_entropy_with_logits(t["x"], t["target"], **factors)

        out.append(("-".join(["bce_with_logits", *keys]), "bce_with_logits", options, bce, function))
    for op in ("cross_entropy", "nll_loss"):
        for reduction in ("none", "sum", "mean"):
            for smoothing in (0, 0.3) if op == "cross_entropy" else (0,):
                for weight in (None, [0.5, 1.0, 2.0, 0.1, 3.0]):
                    for targets in (TARGETS, IGNORING):
                        options = {"reduction": reduction, "targets": targets}
                        options.update({"label_smoothing": smoothing} if smoothing else {})
                        options.update({"weight": weight} if weight else {})

                        def function(t, o, op=op):
                            target = torch.tensor(o.pop("targets"))
                            w = torch.tensor(o.pop("weight")).to(t["x"].dtype) if "weight" in o else None
                            return getattr(F, op)(t["x"], target, weight=w, ignore_index=-1, **o)

                        out.append((f"{op}-{len(out)}", op, options, {"x": ([6, 5], 4, 0)}, function))
    for shape in ([5], [3, 5]):
        out.append(
            (
                f"layer_norm-{len(shape)}",
                "layer_norm",
                {"normalized_shape": shape, "eps": 1e-3},
                {"x": ([2, 4, 3, 5], 2, 0.5), "weight": (shape, 0.5, 1), "bias": (shape, 0.5, 0)},
                lambda t, o: F.layer_norm(t["x"], o["normalized_shape"], t["weight"], t["bias"], o["eps"]),
            )
        )
    heads = {"q": ([2, 3, 4, 5], 2, 0), "k": ([2, 3, 6, 5], 2, 0), "v": ([2, 3, 6, 7], 2, 0)}
    mask = [[(i * j + i) % 3 != 1 for j in range(6)] for i in range(4)]
    for name, options in [("plain", {}), ("causal", {"is_causal": True}), ("mask", {"mask": mask})]:

        def function(t, o):
            m = torch.tensor(o["mask"]) if "mask" in o else None
            causal = o.get("is_causal", False)
            return F._scaled_dot_product_attention(t["q"], t["k"], t["v"], m, 0.0, False, causal)[0]

        out.append((f"attention-{name}", "scaled_dot_product_attention", options, heads, function))
    cell = {
        "x": ([3, 4], 2, 0),
        "h": ([3, 5], 1, 0),
        "c": ([3, 5], 2, 0),
        "weight_ih": ([20, 4], 1, 0),
        "weight_hh": ([20, 5], 1, 0),
        "bias_ih": ([20], 1, 0),
        "bias_hh": ([20], 1, 0),
    }

    def lstm(t, o):
        state = (t["h"], t["c"])
        parameters = (t["weight_ih"], t["weight_hh"], t["bias_ih"], t["bias_hh"])
        for _ in range(2):
            state = torch._VF.lstm_cell(t["x"], state, *parameters)
        return torch.cat(state, 1)

    out.append(("lstm_cell", "lstm_cell", {}, cell, lstm))
    multihead = {
        "x": ([2, 4, 6], 2, 0),
        "y": ([2, 3, 6], 2, 0),
        **{f"{n}_weight": ([6, 6], 0.5, 0) for n in ("query", "key", "value", "out")},
        # A bias of the keys changes nothing, so that its gradient is only rounding.
        **{f"{n}_bias": ([6], 0.5, 0) for n in ("query", "value", "out")},
    }

    def attend(t, o):
        module = nn.MultiheadAttention(6, o["heads"], batch_first=True)
        names = ("query", "key", "value")
        parameters = {
            "in_proj_weight": torch.cat([t[f"{n}_weight"] for n in names]),
            "in_proj_bias": torch.cat([t["query_bias"], torch.zeros_like(t["query_bias"]), t["value_bias"]]),
            "out_proj.weight": t["out_weight"],
            "out_proj.bias": t["out_bias"],
        }
        return torch.nn.utils.stateless.functional_call(module, parameters, (t["x"], t["y"], t["y"]))[0]

    out.append(("multihead_attention", "multihead_attention", {"heads": 2}, multihead, attend))
    return out


def make_layers():
    write("layers", {"cases": collect(cases())})
