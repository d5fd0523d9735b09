"""Values from hashes, and the encoding of the fixtures. read.ts is the same in TypeScript, bit for bit.

Weights, images and gradients are functions of (name, seed, index), so that fixtures hold only results.
"""

import base64
import json
import math
import re
from pathlib import Path

import numpy as np
import torch

HERE = Path(__file__).resolve().parent


def fnv1a(name):
    """FNV-1a, 32 bit, of the bytes of an ASCII name."""
    h = 0x811C9DC5
    for byte in name.encode("ascii"):
        h = (h ^ byte) * 0x01000193 & 0xFFFFFFFF
    return h


def mix(x):
    """Integer hash "lowbias32" of every element (https://nullprogram.com/blog/2018/07/31/)."""
    x = np.array(x, dtype=np.uint32, ndmin=1)
    x ^= x >> np.uint32(16)
    x *= np.uint32(0x7FEB352D)
    x ^= x >> np.uint32(15)
    x *= np.uint32(0x846CA68B)
    x ^= x >> np.uint32(16)
    return x


def hash_bits(name, seed, count):
    """`count` words of 32 random bits."""
    key = mix(fnv1a(name) ^ int(mix((seed + 0x9E3779B9) & 0xFFFFFFFF)[0]))
    return mix(np.arange(count, dtype=np.uint32) + key)


def hash_uniform(name, shape, seed=0, scale=1.0, centre=0.0):
    """float32 values in [centre - scale, centre + scale). Every step is exact or rounds once to float32."""
    bits = hash_bits(name, seed, math.prod(shape))
    unit = ((bits >> np.uint32(8)).astype(np.float64) * 2.0**-23 - 1.0).astype(np.float32)  # exact
    return (np.float32(centre) + unit * np.float32(scale)).astype(np.float32).reshape(shape)


def hash_tensor(name, shape, seed):
    """The weights that a torchvision RetinaNet gets for this entry of its state dict.

    Ranges are such that activations keep their size through 50 layers, with frozen and with trained batch norm.
    """
    if name.endswith("num_batches_tracked"):
        return np.zeros(shape, np.int64)
    if name.endswith("running_mean"):
        return hash_uniform(name, shape, seed, 0.25)
    if name.endswith("running_var"):
        return hash_uniform(name, shape, seed, 0.5, 1.0)
    if name.endswith("cls_logits.bias"):
        return hash_uniform(name, shape, seed, 0.5, -4.5)
    if name.endswith("bias"):
        if not re.search(r"\.bn\d\.", name):
            return hash_uniform(name, shape, seed, 0.125)
        # A channel is mostly on or mostly off after batch norm and ReLU, and the same in all layers: float32 rounding
        # then seldom turns a ReLU, which changes gradients by more than any tolerance for rounding.
        on = hash_bits("on", seed, shape[0]) >> np.uint32(31)
        return hash_uniform(name, shape, seed, 0.25) + np.where(on, np.float32(1.25), np.float32(-1.25))
    if len(shape) == 1:  # gamma of a norm layer; small where branches are added
        gain = 0.25 if re.search(r"\.bn3\.|\.downsample\.", name) else 0.5 if ".bn" in name else 1.0
        return hash_uniform(name, shape, seed, 0.25 * gain, gain)
    gain = 6.0  # variance 2 / fan_in keeps the second moment through convolution + ReLU
    if name.endswith("body.conv1.weight"):
        gain = 1.5  # the image comes with larger values
    elif ".fpn." in name:
        gain = 3.0
    elif name.endswith("cls_logits.weight"):
        gain = 0.2
    elif name.endswith("bbox_reg.weight"):
        gain = 0.1875
    return hash_uniform(name, shape, seed, math.sqrt(gain / math.prod(shape[1:])))


def hash_image(name, height, width):
    """Bytes [H, W, 3]: blocks of 16 x 16 pixels of one colour, with noise over them."""
    columns = (width + 15) // 16
    blocks = hash_bits(name + ".block", 0, (height + 15) // 16 * columns * 3).reshape(-1, columns, 3) >> np.uint32(24)
    pixels = hash_bits(name + ".pixel", 0, height * width * 3).reshape(height, width, 3) >> np.uint32(24)
    blocks = blocks.repeat(16, 0).repeat(16, 1)[:height, :width]
    return ((3 * blocks + pixels) >> np.uint32(2)).astype(np.uint8)


def digest(array):
    """Order-dependent 32-bit sum over the bits of a float32 or the bytes of an image, to compare two languages."""
    array = np.ascontiguousarray(array).reshape(-1)
    words = array.view(np.uint32) if array.dtype == np.float32 else array.astype(np.uint32)
    return int(mix(words + np.arange(words.size, dtype=np.uint32)).sum(dtype=np.uint64) & np.uint64(0xFFFFFFFF))


def sample_positions(name, size, count):
    """Flat indices (in torch's order of axes) at which a fixture keeps the values of a large tensor."""
    return hash_bits("sample." + name, 0, count).astype(np.int64) % size


def f32(array):
    """Encodes as little-endian float32 in base64 with the shape."""
    array = np.asarray(array.detach().numpy() if isinstance(array, torch.Tensor) else array)
    return {"shape": list(array.shape), "f32": base64.b64encode(array.astype("<f4").tobytes()).decode()}


def i32(array):
    """Encodes as little-endian int32 in base64 with the shape."""
    array = np.asarray(array.detach().numpy() if isinstance(array, torch.Tensor) else array)
    return {"shape": list(array.shape), "i32": base64.b64encode(array.astype("<i4").tobytes()).decode()}


def number(x):
    """A number with nine significant digits, enough for every float32."""
    return float(f"{float(x):.9g}")


def distance(a, b):
    """Largest difference relative to the largest value of b."""
    a, b = a.detach().double(), b.detach().double()
    if b.numel() == 0:
        return 0.0
    return number((a - b).abs().max() / b.abs().max().clamp(min=1e-30))


def summary(name, single, double, count):
    """What a fixture keeps of a large tensor: from the float64 run, with the distance of torch's float32 run."""
    flat = double.detach().reshape(-1)
    norm = flat.norm()
    single_norm = single.detach().double().norm()
    values = flat[torch.from_numpy(sample_positions(name, flat.numel(), count))]
    return {
        "name": name,
        "shape": list(double.shape),
        "absmax": number(flat.abs().max()),
        "l2": number(norm),
        "samples": f32(values)["f32"],
        "noise": distance(single, double),
        "l2Noise": number((single_norm / norm.clamp(min=1e-30) - 1).abs()),
    }


def write(name, value):
    """Writes NAME.json, one line per entry of a list."""

    def dump(v, depth):
        pad = " " * depth
        if isinstance(v, dict) and depth < 2:
            inner = ",\n".join(f"{pad} {json.dumps(k)}: {dump(x, depth + 1)}" for k, x in v.items())
            return "{\n" + inner + "\n" + pad + "}"
        if isinstance(v, list) and v and isinstance(v[0], dict):
            return "[\n" + ",\n".join(pad + " " + json.dumps(x, separators=(",", ":")) for x in v) + "\n" + pad + "]"
        return json.dumps(v, separators=(",", ":"))

    value = {"made": {"torch": torch.__version__, "script": "test/golden/make.py"}, **value}
    path = HERE / f"{name}.json"
    path.write_text(dump(value, 0) + "\n")
    print(f"{path.name}: {path.stat().st_size} bytes", flush=True)
