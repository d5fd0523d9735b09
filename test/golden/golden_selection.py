"""selection.json: shape operations, selection, reductions and einsum on small inputs, with the gradients of every float input.

The scalar that is differentiated is sum(output * upstream), upstream = hash_uniform("upstream", output shape). Results are
computed in float64 from float32 inputs. `nms` has the picks of torchvision, computed in float32.
"""

import numpy as np
import torch
from torch.nn import functional as F
from torchvision.ops import batched_nms, nms

from common import f32, hash_bits, hash_uniform, i32, write

NAN, INF = float("nan"), float("inf")


def floats(name, *shape):
    return hash_uniform(name, list(shape), 0, 2)


def below(name, n, *shape):
    return (hash_bits(name, 0, int(np.prod(shape))) % n).astype(np.int32).reshape(shape)


def cases():
    """(op, options, inputs, function of the tensors and options); the options are torch's."""
    out = []

    def add(op, options, inputs, function):
        arrays = [np.asarray(x) for x in inputs]
        arrays = [x if x.dtype == np.int32 else x.astype(np.float32) for x in arrays]
        out.append((op, options, arrays, function))

    special = [[1, NAN, -1, INF], [0, -0.0, -INF, NAN], [2, 2, 1, 2]]
    for options in ({"dim": -1, "descending": False}, {"dim": -1, "descending": True}, {"dim": 0, "descending": True}):
        for x in (floats("sort", 5, 7), special):
            add("sort", options, [x], lambda t, o: torch.sort(t[0], stable=True, **o))
    for options in ({"k": 3, "dim": 1, "largest": True}, {"k": 2, "dim": 0, "largest": False}):
        add("topk", options, [floats("topk", 5, 7)], lambda t, o: torch.topk(t[0], **o))
    add("gather", {"dim": 1}, [floats("gather", 4, 6), below("gather", 6, 4, 9)], lambda t, o: torch.gather(t[0], 1, t[1]))
    add("gather", {"dim": 0}, [floats("gather", 4, 6), below("gather", 4, 7, 6)], lambda t, o: torch.gather(t[0], 0, t[1]))
    add(
        "take_along_dim",
        {"dim": 1},
        [floats("take", 4, 6), below("take", 6, 1, 3)],
        lambda t, o: torch.take_along_dim(t[0], t[1], 1),
    )
    distinct = np.stack([hash_bits(f"scatter.{i}", 0, 6).argsort()[:4] for i in range(3)]).astype(np.int32)
    add(
        "scatter",
        {"dim": 1},
        [floats("scatter", 3, 6), distinct, floats("source", 3, 4)],
        lambda t, o: torch.scatter(t[0], 1, t[1], t[2]),
    )
    for dim, index, source in (
        (1, below("add", 6, 3, 9), floats("source", 3, 9)),
        (0, below("add", 4, 5, 2), floats("source", 5, 2)),
    ):
        add(
            "scatter_add",
            {"dim": dim},
            [floats("add", 4, 6), index, source],
            lambda t, o: torch.scatter_add(t[0], o["dim"], t[1], t[2]),
        )
    add("masked_fill", {"value": 0.5}, [floats("mask", 4, 6), below("mask", 2, 6)], lambda t, o: t[0].masked_fill(t[1] != 0, 0.5))
    add("one_hot", {"num_classes": 5}, [below("hot", 5, 2, 3)], lambda t, o: F.one_hot(t[0], **o))

    rows = [[1, NAN, 2], [INF, 1, 2], [-INF, 1, 1], [-INF, -INF, -INF], [INF, -INF, 0], [0, 0, 0], [3, 3, 3], [-0.0, 0, -0.0]]
    def selected(x, dim):
        add("logsumexp", {"dim": dim}, [x], lambda t, o: torch.logsumexp(t[0], **o))
        for p in (1, 2, "inf"):
            add(
                "vector_norm",
                {"dim": dim, "ord": p},
                [x],
                lambda t, o: torch.linalg.vector_norm(t[0], float(o["ord"]), o["dim"]),
            )

    for x, dims in ((floats("reduce", 3, 4, 5), ([0, 2], [1], [0, 1, 2])), (rows, ([1],)), (floats("one", 3, 1), ([1],))):
        for dim in dims:
            for correction in (1, 0, 2):
                for op in ("var", "std"):
                    add(
                        op,
                        {"dim": dim, "correction": correction},
                        [x],
                        lambda t, o, op=op: getattr(torch, op)(t[0], keepdim=False, **o),
                    )
            if x is not rows:
                selected(x, dim)
    # Two gradients differ on purpose: 0 where all of logsumexp's elements are -inf (torch: NaN), NaN of a NaN's norm (torch: 0).
    selected([row for row in rows if row != [-INF, -INF, -INF] and not any(np.isnan(row))], [1])
    products = [[2, 0, 3, 4], [0, 0, 1, 2], [1, 2, 3, 4], [0, 0, 0, 0], [1, INF, 2, 3], [0, INF, 1, 1], [NAN, 0, 1, 2]]
    for x, dim in ((products, 1), (floats("prod", 3, 4, 5), 1), (np.zeros([3, 0], np.float32), 1)):
        add("prod", {"dim": dim}, [x], lambda t, o: torch.prod(t[0], **o))
    for x, dim in ((floats("cumsum", 3, 130), 1), (floats("cumsum", 7, 3), 0), (rows, 1), (below("cumsum", 9, 3, 5), -1)):
        add("cumsum", {"dim": dim}, [x], lambda t, o: torch.cumsum(t[0], **o))
    truths = [[0, 0, 0], [0, 1, 0], [1, 2, 3], [NAN, 0, 0], [-0.0, 0, 0], [INF, 1e-30, 1]]
    for op in ("any", "all"):
        add(op, {"dim": 1}, [truths], lambda t, o, op=op: getattr(torch, op)(t[0], **o).long())
        add(op, {"dim": 1}, [np.zeros([2, 0], np.float32)], lambda t, o, op=op: getattr(torch, op)(t[0], **o).long())
    for x in (floats("argmin", 4, 9), [[1, NAN, -1, NAN], [-INF, 0, -INF, 1], [2, 2, 1, 1]]):
        add("argmin", {"dim": 1}, [x], lambda t, o: torch.argmin(t[0], **o))

    x = floats("shape", 2, 3, 4)
    add("flip", {"dims": [0, 2]}, [x], lambda t, o: torch.flip(t[0], o["dims"]))
    add("repeat", {"repeats": [2, 1, 3, 2]}, [x], lambda t, o: t[0].repeat(o["repeats"]))
    for size in (3, [1, 0, 3]):
        add("split", {"size": size, "dim": 2}, [x], lambda t, o: torch.split(t[0], o["size"], o["dim"]))
    for chunks in (2, 3, 5):
        add("chunk", {"chunks": chunks, "dim": 2}, [x], lambda t, o: torch.chunk(t[0], o["chunks"], o["dim"]))
    add("chunk", {"chunks": 3, "dim": 0}, [np.zeros([0, 2], np.float32)], lambda t, o: torch.chunk(t[0], 3, 0))
    add("flatten", {"start_dim": 1, "end_dim": -1}, [x], lambda t, o: torch.flatten(t[0], **o))
    add("flatten", {"start_dim": 0, "end_dim": -1}, [np.float32(3)], lambda t, o: torch.flatten(t[0]))
    add("stack", {"dim": 1}, [floats("a", 2, 3), floats("b", 2, 3)], lambda t, o: torch.stack(t, 1))

    for op in ("tril", "triu"):
        for shape, diagonal in (((3, 4), 0), ((4, 3), 1), ((2, 5, 3), -2), ((3, 3), -9), ((3, 3), 9)):
            add(op, {"diagonal": diagonal}, [floats(op, *shape)], lambda t, o, op=op: getattr(torch, op)(t[0], **o))
        add(op, {"diagonal": 0}, [special], lambda t, o, op=op: getattr(torch, op)(t[0], **o))
    for n, m in ((3, 3), (2, 4), (4, 2), (0, 2)):
        add("eye", {"n": n, "m": m}, [], lambda t, o: torch.eye(**o))
    for start, end, steps in ((0, 1, 11), (-3, 7.5, 4), (2, 2, 3), (5, -5, 6), (1, 9, 1), (1, 9, 0), (0.1, 0.7, 100)):
        add("linspace", {"start": start, "end": end, "steps": steps}, [], lambda t, o: torch.linspace(**o))

    def einsum(equation, *shapes):
        inputs = [floats(f"{equation}.{i}", *shape) for i, shape in enumerate(shapes)]
        add("einsum", {"equation": equation}, inputs, lambda t, o: torch.einsum(o["equation"], *t))

    einsum("ij,jk->ik", (3, 4), (4, 5))
    einsum("bij,bjk->bik", (2, 3, 4), (2, 4, 5))
    einsum("ij,jk", (3, 4), (4, 5))
    einsum("ba", (3, 4))
    einsum("i,i->", (7,), (7,))
    einsum("i,j->ij", (3,), (4,))
    einsum("ij->ji", (3, 4))
    einsum("ijk->j", (2, 3, 4))
    einsum("ii->i", (4, 4))
    einsum("ii", (4, 4))
    einsum("iji->j", (3, 4, 3))
    einsum("...ij,...jk->...ik", (2, 3, 4), (4, 5))
    einsum("...ij,...jk->...ik", (2, 1, 3, 4), (5, 4, 2))
    einsum("...i,...i", (2, 3), (2, 3))
    einsum("bhqd,bhkd->bhqk", (2, 3, 4, 5), (2, 3, 6, 5))
    einsum("ij,kl->il", (2, 3), (4, 5))
    einsum("i,ij,j->", (3,), (3, 4), (4,))
    einsum("ij,ij,jk->k", (3, 4), (3, 4), (4, 2))
    einsum(" i j , j -> i ", (3, 4), (4,))
    einsum("ij,jk->ik", (3, 1), (4, 5))
    einsum("aBc->Bca", (2, 3, 4))
    einsum("ij,jk->ik", (3, 0), (0, 5))
    return out


def evaluate(op, options, inputs, function):
    tensors = [torch.from_numpy(x).to(torch.int64 if x.dtype == np.int32 else torch.float64) for x in inputs]
    for t in tensors:
        if t.dtype == torch.float64:
            t.requires_grad_()
    result = function(tensors, options)
    results = list(result) if isinstance(result, tuple) else [result]
    gradients = [None for _ in tensors]
    if results[0].requires_grad:
        upstream = torch.from_numpy(hash_uniform("upstream", list(results[0].shape))).double()
        (results[0] * upstream).sum().backward()
        gradients = [None if t.grad is None else f32(t.grad) for t in tensors]
    encode = lambda array: i32(array) if array.dtype in (torch.int64, np.int32) else f32(array)
    return {
        "op": op,
        "options": options,
        "inputs": [encode(x) for x in inputs],
        "results": [encode(r) for r in results],
        "gradients": gradients,
    }


def make_nms():
    out = []
    for name, n, threshold, classes in (("few", 8, 0.5, 0), ("many", 120, 0.3, 0), ("classes", 120, 0.5, 3), ("none", 0, 0.5, 0)):
        raw = hash_uniform(f"nms.{name}", [n, 4], 0, 0.5, 0.5)
        corner, size = raw[:, :2] * 60, 4 + raw[:, 2:] * 28
        boxes = np.concatenate([corner, corner + size], 1).astype(np.float32)
        scores = ((hash_bits(f"nms.{name}.scores", 0, n) % 64) / 64).astype(np.float32)
        if n > 4:
            boxes[3] = boxes[1]
            boxes[4] = [5, 5, 5, 9]
        labels = (hash_bits(f"nms.{name}.classes", 0, n) % max(classes, 1)).astype(np.int64)
        # torchvision does not say in which order equal scores come: a stable sort decides it here.
        order = np.argsort(-scores, kind="stable")
        arguments = (torch.from_numpy(boxes[order]), torch.from_numpy(-np.arange(n, dtype=np.float32)))
        kept = (
            batched_nms(*arguments, torch.from_numpy(labels[order]), threshold) if classes else nms(*arguments, threshold)
        )
        out.append(
            {
                "name": f"nms-{name}",
                "boxes": f32(boxes),
                "scores": f32(scores),
                "classes": labels.tolist() if classes else None,
                "iouThreshold": threshold,
                "picks": order[kept.numpy()].tolist(),
            }
        )
    return out


def make_selection():
    write("selection", {"cases": [evaluate(*case) for case in cases()], "nms": make_nms()})
