"""Checks that PyTorch computes the same with an exported detector: `python3 test/golden/check_export.py FOLDER`.

FOLDER is what export-case.ts wrote. Each case is loaded strictly with its own detector.py; losses and detections must agree.
"""

import importlib.util
import json
import sys
from pathlib import Path

import torch


def check(folder):
    spec = importlib.util.spec_from_file_location("detector", folder / "detector.py")
    detector = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(detector)
    model = detector.load(str(folder / "detector.pth"))
    expected = json.loads((folder / "expected.json").read_text())
    side = expected["side"]
    image = torch.tensor(expected["image"]).reshape(side, side, 3).permute(2, 0, 1).float() / 255
    boxes = torch.tensor(expected["boxes"], dtype=torch.float32).reshape(-1, 4)
    with torch.no_grad():
        found = model.eval()([image])[0]
        losses = model.train()([image], [{"boxes": boxes, "labels": torch.tensor(expected["labels"])}])
    for name, value in expected["losses"].items():
        error = abs(losses[name].item() - value) / abs(value)
        print(f"{folder.name}: loss {name} {value:.6f}, off by {error:.1e}")
        assert error < 1e-4, name
    ours = expected["detections"]
    scores, boxes = torch.tensor(ours["scores"]), torch.tensor(ours["boxes"]).reshape(-1, 4)
    assert len(found["scores"]) == len(scores) > 0, (len(found["scores"]), len(scores))
    worst = 0
    for score, box, label in zip(scores, boxes, ours["labels"]):
        # Neighbours with scores that are as good as equal may change places.
        near = (found["scores"] - score).abs() < 1e-4
        distance = (found["boxes"] - box).abs().amax(1)
        distance[~near | (found["labels"] != label)] = float("inf")
        worst = max(worst, distance.min().item())
    print(f"{folder.name}: {len(scores)} detections, boxes off by {worst:.1e} pixels")
    assert worst < 0.05


for case in sorted(path for path in Path(sys.argv[1]).iterdir() if (path / "expected.json").exists()):
    check(case)
