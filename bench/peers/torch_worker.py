"""PyTorch on the CPU as one of the workers; worker.mjs describes the conversation. Images are NCHW here, filters OIHW."""

import json
import os
import resource
import sys
import time

import numpy as np
import torch

EPS = 1e-5
CHANNELS_FIRST = (0, 3, 1, 2)
CHANNELS_LAST = (0, 2, 3, 1)
FILTERS_FIRST = (3, 2, 0, 1)
FILTERS_LAST = (2, 3, 1, 0)


# Those of retinanet.ts.
PROBED = (
    "backbone.body.layer1.0.bn3.bias",
    "backbone.body.layer3.0.bn3.bias",
    "backbone.body.layer4.2.bn3.bias",
    "backbone.fpn.layer_blocks.0.0.bias",
    "head.classification_head.conv.0.0.bias",
    "head.regression_head.bbox_reg.bias",
)


class Unsupported(Exception):
    """A case that there is no operation for."""


def load(operand, order=None):
    count = int(np.prod(operand["shape"]))
    values = np.fromfile(operand["file"], np.float32, count, offset=operand["offset"]).reshape(operand["shape"])
    return torch.from_numpy(np.ascontiguousarray(values if order is None else values.transpose(order)))


def store(tensor, order=None):
    values = tensor.detach()
    return np.ascontiguousarray((values if order is None else values.permute(order)).numpy())


class Kernel:
    """A case that runs `op`; `orders` say how the axes of each result are turned back."""

    def __init__(self, op, orders):
        self.run = op
        self.orders = orders

    def results(self):
        return [store(tensor, order) for tensor, order in zip(self.run(), self.orders)]


def matmul(task, operands):
    a, b = load(operands["a"]), load(operands["b"])
    return Kernel(lambda: [torch.matmul(a, b)], [None])


def conv(task, operands):
    shape = task["conv"]
    x, dy = load(operands["x"], CHANNELS_FIRST), load(operands["dy"], CHANNELS_FIRST)
    w = load(operands["w"], FILTERS_FIRST)
    stride, padding = [shape["stride"]] * 2, [shape["padding"]] * 2
    if shape["kind"] == "forward":
        return Kernel(lambda: [torch.conv2d(x, w, None, stride, padding)], [CHANNELS_LAST])
    wanted = [shape["kind"] == "dx", shape["kind"] == "dw", False]

    def backward():
        gradients = torch.ops.aten.convolution_backward(
            dy, x, w, None, stride, padding, [1, 1], False, [0, 0], 1, wanted
        )
        return [gradient for gradient in gradients if gradient is not None]

    return Kernel(backward, [CHANNELS_LAST if wanted[0] else FILTERS_LAST])


def batch_norm(task, operands):
    x, dy = load(operands["x"], CHANNELS_FIRST).requires_grad_(), load(operands["dy"], CHANNELS_FIRST)
    gamma, beta = load(operands["gamma"]).requires_grad_(), load(operands["beta"]).requires_grad_()

    def both():
        y = torch.nn.functional.batch_norm(x, None, None, gamma, beta, True, 0, EPS)
        return [y, *torch.autograd.grad(y, [x, gamma, beta], dy)]

    return Kernel(both, [CHANNELS_LAST, CHANNELS_LAST, None, None])


def max_pool(task, operands):
    x = load(operands["x"], CHANNELS_FIRST)
    return Kernel(lambda: [torch.nn.functional.max_pool2d(x, 3, 2, 1)], [CHANNELS_LAST])


def upsample(task, operands):
    x = load(operands["x"], CHANNELS_FIRST)
    return Kernel(lambda: [torch.nn.functional.interpolate(x, scale_factor=2)], [CHANNELS_LAST])


def network(operands):
    """torchvision's network with the weights given, and the image before its own normalisation."""
    try:
        from torchvision.models.detection import retinanet_resnet50_fpn
    except ImportError as error:
        raise Unsupported(f"torchvision: {error}") from error
    size = operands["image"]["shape"][0]
    model = retinanet_resnet50_fpn(
        weights=None, weights_backbone=None, num_classes=2, min_size=size, max_size=size, trainable_backbone_layers=5
    )
    # torchvision 0.14 has no activation modules of its own between the convolutions of a subnet: names are the same.
    state = {name: load(operand) for name, operand in operands.items() if "." in name}
    missing, unexpected = model.load_state_dict(state, strict=False)
    missing = [name for name in missing if not name.endswith("num_batches_tracked")]
    if missing or unexpected:
        raise RuntimeError(f"names differ: missing {missing[:3]}, unexpected {unexpected[:3]}")
    mean, std = (torch.tensor(values) for values in (model.transform.image_mean, model.transform.image_std))
    image = (load(operands["image"]) * std + mean).permute(2, 0, 1).contiguous()
    return model, image


class TrainStep:
    def __init__(self, task, operands):
        self.model, self.image = network(operands)
        size = self.image.shape[-1]
        boxes = torch.tensor([[0.1, 0.1, 0.5, 0.6], [0.3, 0.2, 0.8, 0.7]]) * size
        self.target = {"boxes": boxes, "labels": torch.tensor([0, 1])}
        self.optimizer = torch.optim.SGD(self.model.parameters(), lr=1e-4, momentum=0.9)
        self.probes = None
        self.model.train()

    def run(self):
        loss = sum(self.model([self.image], [self.target]).values())
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        self.optimizer.step()
        value = loss.item()
        if self.probes is None:
            parameters = dict(self.model.named_parameters())
            self.probes = [np.array([value], np.float32), *(parameters[name].detach().numpy().copy() for name in PROBED)]

    def results(self):
        return self.probes


class Detect:
    def __init__(self, task, operands):
        self.model, self.image = network(operands)
        self.model.eval()

    @torch.no_grad()
    def run(self):
        self.model([self.image])

    @torch.no_grad()
    def results(self):
        kept = []
        handle = self.model.head.register_forward_hook(lambda module, inputs, outputs: kept.append(outputs))
        self.run()
        handle.remove()
        return [store(kept[0][name][0]) for name in ("cls_logits", "bbox_regression")]


OPERATIONS = {
    "matmul": matmul,
    "conv": conv,
    "batchNorm": batch_norm,
    "maxPool": max_pool,
    "upsample": upsample,
    "trainStep": TrainStep,
    "detect": Detect,
}


class Worker:
    def __init__(self):
        self.prepared = None

    def prepare(self, command):
        self.prepared = OPERATIONS[command["case"]["operation"]](command["case"], command["operands"])
        return {}

    def sample(self, command):
        start, before = time.perf_counter(), time.process_time()
        for _ in range(command["count"]):
            self.prepared.run()
        wall, processor = time.perf_counter() - start, time.process_time() - before
        return {"wall": 1000 * wall, "processor": 1000 * processor}

    def results(self, command):
        resident = 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        files = []
        for i, values in enumerate(self.prepared.results()):
            files.append(os.path.join(command["folder"], f"{i}.f32"))
            values.tofile(files[-1])
        return {"files": files, "residentBytes": resident}

    def release(self, command):
        self.prepared = None
        return {}


def main():
    worker = Worker()
    answers = os.fdopen(3, "w")

    def answer(message):
        print(json.dumps(message), file=answers, flush=True)

    versions = {"torch": torch.__version__}
    try:
        import torchvision

        versions["torchvision"] = torchvision.__version__
    except ImportError:
        pass
    answer({"versions": versions, "adapter": None})
    for line in sys.stdin:
        command = json.loads(line)
        try:
            answer(getattr(worker, command["do"])(command))
        except Unsupported as error:
            answer({"unsupported": str(error)})
        except Exception as error:  # The next case may work.
            answer({"error": f"{type(error).__name__}: {error}"})


main()
