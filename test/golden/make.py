"""Makes the fixtures of this folder with PyTorch: `python3 test/golden/make.py [NAME...]`.

NAME is weights, optim, ops, layers, special, selection, transform, edges, files, layouts or retinanet-CASE; without a name
it makes all. Same input, same bytes on the same machine; another CPU or build of PyTorch may change the float32 figures
("noise") in their last digits.
"""

import sys

import torch

from common import digest, f32, hash_image, hash_tensor, hash_uniform, write
from golden_cases import CASES
from golden_edges import make_edges
from golden_files import make_files
from golden_layers import make_layers
from golden_layouts import make_layouts
from golden_ops import make_ops
from golden_optim import make_optim
from golden_retinanet import make_retinanet
from golden_selection import make_selection
from golden_special import make_special
from golden_transform import make_transform

TENSORS = [
    ("backbone.body.conv1.weight", [64, 3, 7, 7], 1),
    ("backbone.body.bn1.weight", [64], 1),
    ("backbone.body.bn1.bias", [64], 1),
    ("backbone.body.bn1.running_mean", [64], 1),
    ("backbone.body.bn1.running_var", [64], 1),
    ("backbone.body.layer2.0.bn2.weight", [128], 2),
    ("backbone.body.layer2.0.downsample.0.weight", [128, 64, 1, 1], 2),
    ("backbone.body.layer2.0.downsample.1.weight", [128], 2),
    ("backbone.fpn.inner_blocks.0.0.weight", [256, 128, 1, 1], 3),
    ("head.classification_head.conv.0.0.weight", [256, 256, 3, 3], 3),
    ("head.classification_head.cls_logits.weight", [27, 256, 3, 3], 4),
    ("head.classification_head.cls_logits.bias", [27], 4),
    ("head.regression_head.bbox_reg.weight", [36, 256, 3, 3], 4294967295),
]


def make_weights():
    """First values and digests of hashed tensors and images: what read.ts must reproduce bit for bit."""
    tensors = []
    for name, shape, seed in TENSORS:
        values = hash_tensor(name, shape, seed)
        head = f32(values.reshape(-1)[:8])["f32"]
        tensors.append({"name": name, "shape": shape, "seed": seed, "digest": digest(values), "head": head})
    uniform = hash_uniform("uniform", [1000], 7, 0.3, 0.7)
    images = []
    for name, h, w in [("image.0", 100, 141), ("image.1", 33, 16)]:
        image = hash_image(name, h, w)
        images.append({"name": name, "size": [h, w], "digest": digest(image), "head": image.reshape(-1)[:12].tolist()})
    write(
        "weights",
        {
            "tensors": tensors,
            "images": images,
            "uniform": {
                "name": "uniform",
                "shape": [1000],
                "seed": 7,
                "scale": 0.3,
                "centre": 0.7,
                "digest": digest(uniform),
            },
        },
    )


def main():
    torch.manual_seed(0)
    torch.set_num_threads(2)
    makers = {
        "weights": make_weights,
        "optim": make_optim,
        "ops": make_ops,
        "layers": make_layers,
        "special": make_special,
        "selection": make_selection,
        "transform": make_transform,
        "edges": make_edges,
        "files": make_files,
        "layouts": make_layouts,
    }
    makers.update({f"retinanet-{case}": lambda case=case: make_retinanet(case) for case in CASES})
    for name in sys.argv[1:] or makers:
        if name not in makers:
            sys.exit(f"make.py: no fixture is called {name}; there are {', '.join(makers)}")
        makers[name]()


if __name__ == "__main__":
    main()
