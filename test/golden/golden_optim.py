"""optim.json: optimisers, schedules, gradient clipping, and ten steps of training a small network."""

import torch
from torch import nn
from torch.nn import functional as F
from torch.optim import lr_scheduler as schedules

from common import distance, f32, hash_uniform, number, write

PARAMETERS = [("optim.weight", [3, 4]), ("optim.bias", [4])]

OPTIMISERS = [
    ("sgd", "SGD", {"lr": 0.1}),
    ("sgd-momentum", "SGD", {"lr": 0.1, "momentum": 0.9}),
    ("sgd-nesterov", "SGD", {"lr": 0.1, "momentum": 0.9, "nesterov": True}),
    ("sgd-decay", "SGD", {"lr": 0.1, "momentum": 0.9, "weight_decay": 0.05}),
    ("sgd-nesterov-decay", "SGD", {"lr": 0.1, "momentum": 0.8, "nesterov": True, "weight_decay": 0.05}),
    ("sgd-dampening", "SGD", {"lr": 0.1, "momentum": 0.9, "dampening": 0.5}),
    ("adam", "Adam", {"lr": 0.05}),
    ("adam-decay", "Adam", {"lr": 0.05, "betas": [0.8, 0.99], "eps": 1e-6, "weight_decay": 0.1}),
    ("adamw", "AdamW", {"lr": 0.05}),
    ("adamw-decay", "AdamW", {"lr": 0.05, "betas": [0.8, 0.99], "eps": 1e-6, "weight_decay": 0.1}),
    ("rmsprop", "RMSprop", {"lr": 0.01}),
    ("rmsprop-momentum", "RMSprop", {"lr": 0.02, "alpha": 0.9, "eps": 1e-6, "weight_decay": 0.1, "momentum": 0.8}),
]

SCHEDULES = [
    ("step", "StepLR", {"step_size": 7, "gamma": 0.3}),
    ("multi-step", "MultiStepLR", {"milestones": [5, 6, 20], "gamma": 0.1}),
    ("cosine", "CosineAnnealingLR", {"T_max": 30, "eta_min": 0.01}),
    ("one-cycle", "OneCycleLR", {"max_lr": 0.5, "total_steps": 30}),
    (
        "one-cycle-linear",
        "OneCycleLR",
        {
            "max_lr": 0.5,
            "total_steps": 30,
            "pct_start": 0.4,
            "anneal_strategy": "linear",
            "div_factor": 10,
            "final_div_factor": 100,
        },
    ),
    ("one-cycle-three", "OneCycleLR", {"max_lr": 0.5, "total_steps": 31, "three_phase": True}),
    ("warmup", "LinearLR", {"start_factor": 0.001, "total_iters": 10}),
    ("warmup-default", "LinearLR", {}),
    ("plateau", "ReduceLROnPlateau", {"factor": 0.5, "patience": 2}),
    (
        "plateau-max-cooldown",
        "ReduceLROnPlateau",
        {
            "mode": "max",
            "factor": 0.1,
            "patience": 1,
            "cooldown": 3,
            "threshold": 0.05,
            "threshold_mode": "abs",
            "min_lr": 0.0005,
        },
    ),
]


def optimise(kind, options, dtype):
    parameters = [nn.Parameter(torch.from_numpy(hash_uniform(n, s)).to(dtype)) for n, s in PARAMETERS]
    optimiser = getattr(torch.optim, kind)(parameters, **options)
    history = []
    for step in range(10):
        for (name, shape), parameter in zip(PARAMETERS, parameters):
            parameter.grad = torch.from_numpy(hash_uniform(f"{name}.grad.{step}", shape)).to(dtype)
        optimiser.step()
        history.append([p.detach().clone() for p in parameters])
    return [torch.stack(column) for column in zip(*history)]


def make_optimisers():
    out = []
    for name, kind, options in OPTIMISERS:
        options = {k: tuple(v) if isinstance(v, list) else v for k, v in options.items()}
        single, double = optimise(kind, options, torch.float32), optimise(kind, options, torch.float64)
        out.append(
            {
                "name": name,
                "kind": kind,
                "options": options,
                "steps": [f32(x) for x in double],
                "noise": max(distance(a, b) for a, b in zip(single, double)),
            }
        )
    print("  optimisers: noise %.1e" % max(o["noise"] for o in out))
    return out


def make_schedules():
    """lr[k] is the rate that the optimiser uses in step k: the scheduler steps after the optimiser."""
    out = []
    for name, kind, options in SCHEDULES:
        optimiser = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=0.2)
        schedule = getattr(schedules, kind)(optimiser, **options)
        # A metric that falls, rests and jumps, so that patience, cooldown and threshold all matter.
        metrics = [
            number(x)
            for x in 1.0 - 0.05 * torch.arange(30).clamp(max=8) + 0.03 * torch.from_numpy(hash_uniform("metric", [30]))
        ]
        rates = []
        for step in range(30):
            rates.append(optimiser.param_groups[0]["lr"])
            optimiser.step()
            schedule.step(metrics[step]) if kind == "ReduceLROnPlateau" else schedule.step()
        entry = {"name": name, "kind": kind, "options": options, "baseLr": 0.2, "lr": rates}
        if kind == "ReduceLROnPlateau":
            entry["metrics"] = metrics
        out.append(entry)
    return out


def make_clipping():
    out = []
    for kind, limit, options in [
        ("norm", 1.0, {}),
        ("norm", 100.0, {}),
        ("norm", 0.5, {"norm_type": float("inf")}),
        ("value", 0.25, {}),
    ]:
        parameters = [nn.Parameter(torch.zeros(s)) for _, s in PARAMETERS]
        for (name, shape), parameter in zip(PARAMETERS, parameters):
            parameter.grad = torch.from_numpy(hash_uniform(name + ".clip", shape))
        clip = nn.utils.clip_grad_norm_ if kind == "norm" else nn.utils.clip_grad_value_
        total = clip(parameters, limit, **options)
        out.append(
            {
                "kind": kind,
                "limit": limit,
                "normType": "inf" if options else 2,
                "total": number(total) if total is not None else None,
                "gradients": [f32(p.grad) for p in parameters],
            }
        )
    return out


class Small(nn.Module):
    """Convolution, batch norm, ReLU, max pooling, linear layer on the flattened NCHW activations."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 6, 3, stride=1, padding=1)
        self.bn = nn.BatchNorm2d(6)
        self.fc = nn.Linear(6 * 4 * 4, 5)

    def forward(self, x):
        return self.fc(F.max_pool2d(F.relu(self.bn(self.conv(x))), 2).flatten(1))


def train(dtype):
    model = Small()
    shapes = {k: list(v.shape) for k, v in model.state_dict().items()}
    for k, v in model.named_parameters():
        v.data = torch.from_numpy(hash_uniform(f"small.{k}", list(v.shape), 0, 0.25, 1.0 if k == "bn.weight" else 0.0))
    model = model.to(dtype)
    x = torch.from_numpy(hash_uniform("small.input", [7, 3, 8, 8])).to(dtype)
    target = torch.arange(7) % 5
    optimiser = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9, weight_decay=1e-3)
    losses = []
    for _ in range(10):
        optimiser.zero_grad()
        loss = F.cross_entropy(model(x), target)
        loss.backward()
        optimiser.step()
        losses.append(loss.detach())
    model.eval()
    return torch.stack(losses), {k: v.detach() for k, v in model.state_dict().items()}, shapes, model(x).detach()


def make_training():
    single, double = train(torch.float32), train(torch.float64)
    noise = max(distance(single[1][k], double[1][k]) for k in double[1] if not k.endswith("tracked"))
    print(
        "  training: losses",
        [round(float(x), 4) for x in double[0]],
        "noise %.1e %.1e" % (distance(single[0], double[0]), noise),
    )
    return {
        "input": {"name": "small.input", "shape": [7, 3, 8, 8]},
        "targets": [k % 5 for k in range(7)],
        "initial": [
            {"name": f"small.{k}", "shape": s, "scale": 0.25, "centre": 1 if k == "bn.weight" else 0}
            for k, s in double[2].items()
            if "running" not in k and "tracked" not in k
        ],
        "optimiser": {"kind": "SGD", "lr": 0.05, "momentum": 0.9, "weight_decay": 1e-3},
        "losses": [number(x) for x in double[0]],
        "final": {k: f32(v) for k, v in double[1].items() if not k.endswith("tracked")},
        "evalOutput": f32(double[3]),
        "noise": max(noise, distance(single[0], double[0])),
    }


def make_optim():
    write(
        "optim",
        {
            "parameters": [{"name": n, "shape": s} for n, s in PARAMETERS],
            "optimisers": make_optimisers(),
            "schedules": make_schedules(),
            "clipping": make_clipping(),
            "training": make_training(),
        },
    )
