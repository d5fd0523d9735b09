"""Files of torch.save with all that a reader meets: types, views, shared storages, containers, both formats."""

import base64
import io
import zlib
from collections import OrderedDict

import torch

from common import f32, hash_uniform, write


def tensor(name, shape):
    return torch.from_numpy(hash_uniform(name, shape))


def types():
    """A tensor of each type."""
    state = OrderedDict()
    state["float"] = tensor("float", [2, 3])
    state["double"] = tensor("double", [4]).double() / 3
    state["half"] = tensor("half", [3, 2]).half()
    state["bfloat16"] = tensor("bfloat16", [5]).bfloat16()
    for dtype in [torch.int64, torch.int32, torch.int16, torch.int8]:
        state[str(dtype)[6:]] = torch.tensor([-100, 0, 77], dtype=dtype)
    state["uint8"] = torch.tensor([0, 200, 255], dtype=torch.uint8)
    state["bool"] = torch.tensor([True, False, True])
    state["scalar"] = torch.tensor(7)
    state["empty"] = torch.zeros(0, 3)
    return state


def views():
    """Views of storages that they share, and a parameter."""
    base = tensor("base", [4, 6])
    return {
        "base": base,
        "transposed": base.t(),
        "column": base[:, 2],
        "inner": base[1:3, 1:6:2],
        "expanded": tensor("expanded", [3, 1]).expand(3, 4),
        "half": tensor("views.half", [6, 4]).half()[1::2].t(),
        "parameter": torch.nn.Parameter(tensor("parameter", [2, 2]).t()),
        "filters": tensor("filters", [2, 3, 2, 2]).to(memory_format=torch.channels_last),
    }


def network():
    torch.manual_seed(0)
    return torch.nn.Sequential(torch.nn.Conv2d(2, 3, 1), torch.nn.BatchNorm2d(3))


def state_of(module, prefix=""):
    """The state dict of a module with hashed values, with its versions."""
    state = module.state_dict(prefix=prefix)
    for name, value in state.items():
        if value.is_floating_point():
            value.copy_(tensor(name, list(value.shape)))
    return state


def training():
    """As training programs save: the state with optimizer and settings."""
    model = network()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    model(torch.ones(2, 2, 4, 4)).sum().backward()
    optimizer.step()
    schedule = torch.optim.lr_scheduler.StepLR(optimizer, 2)
    return {
        "epoch": 3,
        "model": state_of(model),
        "optimizer": optimizer.state_dict(),
        "lr_scheduler": schedule.state_dict(),
        "best": 0.5,
        "args": None,
    }


def parallel():
    return {"epoch": 1, "arch": "net", "state_dict": state_of(torch.nn.DataParallel(network()))}


def lightning():
    """The keys of a checkpoint of Lightning 2 for DeepForest, whose network is the field `model`."""
    state = state_of(network(), "model.")
    return {
        "epoch": 9,
        "global_step": 1230,
        "pytorch-lightning_version": "2.4.0",
        "state_dict": state,
        "loops": {"fit_loop": {"state_dict": {}, "epoch_progress": {"total": {"ready": 10, "completed": 10}}}},
        "callbacks": {"ModelCheckpoint{'monitor': 'box_recall'}": {"best_model_score": torch.tensor(0.75)}},
        "optimizer_states": [{"state": {0: {"momentum_buffer": torch.ones(2)}}, "param_groups": [{"lr": 0.001}]}],
        "lr_schedulers": [],
        "hparams_name": "kwargs",
        "hyper_parameters": {"num_classes": 1, "label_dict": {"Tree": 0}, "config": {"score_thresh": 0.1}},
    }


def saved(value, **options):
    out = io.BytesIO()
    torch.save(value, out, **options)
    return out.getvalue()


def make_files():
    legacy = {"_use_new_zipfile_serialization": False}
    contents = {
        "types": (types(), types(), {}),
        "types-legacy": (types(), types(), legacy),
        "types-protocol-4": (types(), types(), {"pickle_protocol": 4}),
        "views": (views(), views(), {}),
        "views-legacy": (views(), views(), legacy),
        "training": (training(), training()["model"], {}),
        "parallel": (parallel(), parallel()["state_dict"], {}),
        "lightning": (lightning(), lightning()["state_dict"], {}),
    }
    files = {}
    for name, (value, state, options) in contents.items():
        tensors = {key: f32(tensor.detach().float().contiguous().numpy()) for key, tensor in state.items()}
        files[name] = {"zlib": encoded(saved(value, **options)), "tensors": tensors}
    refused = {"module": saved(network()), "module-legacy": saved(network(), **legacy)}
    write("pytorch-files", {"files": files, "refused": {name: encoded(file) for name, file in refused.items()}})


def encoded(file):
    return base64.b64encode(zlib.compress(file, 9)).decode("ascii")
