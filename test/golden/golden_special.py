"""special.json: element-wise functions and reductions at NaN, infinities, signed zeros and the largest numbers.

Computed in float32, as the library does, because what overflows differs in float64. The scalar that is differentiated is the
sum of the outputs.
"""

import torch
from torch.nn import functional as F

from common import f32, write

INF, NAN = float("inf"), float("nan")
LARGEST = torch.finfo(torch.float32).max
VALUES = [0.0, -0.0, 1.0, -1.0, 0.5, -2.5, 4.0, INF, -INF, NAN, LARGEST, -LARGEST, 1e-30, -1e-30]

UNARY = {
    "abs": torch.abs,
    "acos": torch.acos,
    "asin": torch.asin,
    "atan": torch.atan,
    "ceil": torch.ceil,
    "clamp": lambda x: torch.clamp(x, -1, 1),
    "cos": torch.cos,
    "cosh": torch.cosh,
    "elu": F.elu,
    "erf": torch.erf,
    "exp": torch.exp,
    "expm1": torch.expm1,
    "floor": torch.floor,
    "gelu": F.gelu,
    "leakyRelu": F.leaky_relu,
    "log": torch.log,
    "log1p": torch.log1p,
    "neg": torch.neg,
    "reciprocal": torch.reciprocal,
    "relu": torch.relu,
    "round": torch.round,
    "rsqrt": torch.rsqrt,
    "sigmoid": torch.sigmoid,
    "sign": torch.sign,
    "silu": F.silu,
    "sin": torch.sin,
    "sinh": torch.sinh,
    "softplus": F.softplus,
    "sqrt": torch.sqrt,
    "square": torch.square,
    "tan": torch.tan,
    "tanh": torch.tanh,
    "trunc": torch.trunc,
    "sqrtOfRelu": lambda x: torch.sqrt(torch.relu(x)),
    "sqrtOfClamp": lambda x: torch.sqrt(torch.clamp(x, 0, 1)),
    "pow0": lambda x: torch.pow(x, 0),
    "pow2": lambda x: torch.pow(x, 2),
    "pow3": lambda x: torch.pow(x, 3),
    "powHalf": lambda x: torch.pow(x, 2.5),
    "powMinus1": lambda x: torch.pow(x, -1),
    "amax": lambda x: torch.amax(x.reshape(2, 7), 1),
    "amin": lambda x: torch.amin(x.reshape(2, 7), 1),
    "softmax": lambda x: torch.softmax(x.reshape(7, 2), 1),
}
BINARY = {
    "add": torch.add,
    "atan2": torch.atan2,
    "div": torch.div,
    "maximum": torch.maximum,
    "minimum": torch.minimum,
    "mul": torch.mul,
    "pow": torch.pow,
    "sub": torch.sub,
}
COMPARISONS = {
    "equal": torch.eq,
    "greater": torch.gt,
    "greaterEqual": torch.ge,
    "less": torch.lt,
    "lessEqual": torch.le,
    "logicalAnd": torch.logical_and,
    "logicalOr": torch.logical_or,
    "logicalXor": torch.logical_xor,
    "notEqual": torch.ne,
}


def make_special():
    out = []
    for name, function in UNARY.items():
        x = torch.tensor(VALUES, requires_grad=True)
        y = function(x)
        y.sum().backward()
        out.append({"op": name, "y": f32(y), "dx": f32(x.grad)})
    count = len(VALUES)
    for name, function in (BINARY | COMPARISONS).items():
        a = torch.tensor(VALUES).repeat_interleave(count).requires_grad_()
        b = torch.tensor(VALUES).repeat(count).requires_grad_()
        y = function(a, b)
        if name in COMPARISONS:
            out.append({"op": name, "y": f32(y.float())})
            continue
        y.sum().backward()
        out.append({"op": name, "y": f32(y), "da": f32(a.grad), "db": f32(b.grad)})
    print(f"  {len(out)} functions at {count} special values")
    write("special", {"values": f32(torch.tensor(VALUES)), "cases": out})
