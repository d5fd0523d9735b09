"""COCO's box metrics from the published rules of COCOeval, in NumPy, and the cases of coco.json.

    python3 test/golden/coco_oracle.py                       writes coco.json (NumPy 1.24, Python 3.11)
    python3 test/golden/coco_oracle.py --check               compares every case with pycocotools, where that is installed

It was written from the rules, not from TypeScript, and keeps to whole arrays where src/evaluation/coco.ts counts.
The figures are exact: coco.test.ts asks for equality of every bit.
"""

import json
import random
import sys
from pathlib import Path

import numpy as np

IOUS = np.linspace(0.5, 0.95, 10)
RECALLS = np.linspace(0.0, 1.0, 101)
AREAS = {"all": (0, 1e10), "small": (0, 32**2), "medium": (32**2, 96**2), "large": (96**2, 1e10)}
LIMITS = (1, 10, 100)
STATS = ["ap", "ap50", "ap75", "apSmall", "apMedium", "apLarge", "ar1", "ar10", "ar100", "arSmall", "arMedium", "arLarge"]

# A case is (number of classes, images); an image is (truth, detections).
# Truth: [class, x, y, w, h, area, kind] with kind 0, 1 for a crowd, 2 for an ignored object that is no crowd.
# Detections: [class, x, y, w, h, score].


def iou(detections, truth):
    """IoU of every detection with every true box; for a crowd the share of the detection that lies in it."""
    d, g = (np.array([row[1:5] for row in rows], float).reshape(-1, 4) for rows in (detections, truth))
    crowd = np.array([row[6] == 1 for row in truth], bool)
    side = [
        np.minimum(d[:, None, k] + d[:, None, k + 2], g[None, :, k] + g[None, :, k + 2])
        - np.maximum(d[:, None, k], g[None, :, k])
        for k in (0, 1)
    ]
    both = np.where((side[0] > 0) & (side[1] > 0), side[0] * side[1], 0.0)
    d_area, g_area = d[:, 2] * d[:, 3], g[:, 2] * g[:, 3]
    either = np.where(crowd[None, :], d_area[:, None], d_area[:, None] + g_area[None, :] - both)
    return np.where(both > 0, both / np.where(either > 0, either, 1.0), 0.0)


def evaluate_image(truth, detections, area):
    """Of one class in one image: scores, matched and ignored [10, D] of at most 100 detections; ignored of the truth."""
    low, high = area
    ignored = np.array([row[6] != 0 or row[5] < low or row[5] > high for row in truth], bool)
    rank = np.argsort(ignored, kind="mergesort")
    truth, ignored = [truth[i] for i in rank], ignored[rank]
    order = np.argsort([-row[5] for row in detections], kind="mergesort")[: LIMITS[-1]]
    detections = [detections[i] for i in order]
    overlap = iou(detections, truth)
    matched = np.zeros((len(IOUS), len(detections)), bool)
    excused = np.zeros((len(IOUS), len(detections)), bool)
    for t, threshold in enumerate(IOUS):
        taken = [False] * len(truth)
        for d in range(len(detections)):
            best, found = min(threshold, 1 - 1e-10), -1
            for g, row in enumerate(truth):
                if taken[g] and row[6] != 1:
                    continue
                if found > -1 and not ignored[found] and ignored[g]:
                    break  # a true object beats the ignored ones, which come last
                if overlap[d, g] < best:
                    continue
                best, found = overlap[d, g], g
            if found > -1:
                taken[found] = True
                matched[t, d], excused[t, d] = True, ignored[found]
    size = np.array([row[3] * row[4] for row in detections])
    excused |= ~matched & ((size < low) | (size > high))
    return np.array([row[5] for row in detections], float), matched, excused, ignored


def accumulate(images, limit):
    """Precision [10, 101] and recall [10] of one class over its images; None without objects."""
    objects = sum(int(np.count_nonzero(~ignored)) for *_, ignored in images)
    if objects == 0:
        return None
    scores = np.concatenate([s[:limit] for s, *_ in images])
    order = np.argsort(-scores, kind="mergesort")
    matched, excused = (np.concatenate([e[k][:, :limit] for e in images], axis=1)[:, order] for k in (1, 2))
    right = np.cumsum(matched & ~excused, axis=1).astype(float)
    wrong = np.cumsum(~matched & ~excused, axis=1).astype(float)
    precision = np.zeros((len(IOUS), len(RECALLS)))
    recall = np.zeros(len(IOUS))
    for t in range(len(IOUS)):
        reached = right[t] / objects
        envelope = right[t] / (wrong[t] + right[t] + np.spacing(1))
        envelope = np.maximum.accumulate(envelope[::-1])[::-1]
        at = np.searchsorted(reached, RECALLS, side="left")
        there = at < len(envelope)
        precision[t, there] = envelope[at[there]]
        recall[t] = reached[-1] if len(reached) else 0.0
    return precision, recall


def mean(arrays):
    """np.mean over classes as the last axis, which is how the summary of COCOeval adds; None without classes."""
    return float(np.mean(np.stack(arrays, axis=-1).reshape(-1))) if arrays else None


def evaluate(case):
    """The twelve figures, and AP of each class."""
    classes, images = case
    results = {}
    for area, limit in [("all", 1), ("all", 10), ("all", 100), ("small", 100), ("medium", 100), ("large", 100)]:
        per_class = []
        for label in range(classes):
            parts = [[[row for row in rows if row[0] == label] for rows in image] for image in images]
            parts = [evaluate_image(*part, AREAS[area]) for part in parts if part[0] or part[1]]
            per_class.append(accumulate(parts, limit) if parts else None)
        results[area, limit] = per_class
    there = {key: [entry for entry in value if entry is not None] for key, value in results.items()}
    full = [entry[0] for entry in there["all", 100]]
    stats = [mean(full), mean([p[:1] for p in full]), mean([p[5:6] for p in full])]
    stats += [mean([p for p, _ in there[area, 100]]) for area in ("small", "medium", "large")]
    stats += [mean([r for _, r in there["all", limit]]) for limit in LIMITS]
    stats += [mean([r for _, r in there[area, 100]]) for area in ("small", "medium", "large")]
    return stats, [None if entry is None else float(np.mean(entry[0])) for entry in results["all", 100]]


def truth(label, x, y, w, h, kind=0, area=None):
    return [label, x, y, w, h, w * h if area is None else area, kind]


def hand_made():
    """Cases in which one rule at a time decides."""
    box = (10, 10, 20, 20)
    yield "nothing at all", (1, [])
    yield "empty images", (2, [([], []), ([], [])])
    yield "no detections", (1, [([truth(0, *box)], [])])
    yield "no truth", (1, [([], [[0, *box, 0.9]])])
    yield "perfect", (2, [([truth(0, *box), truth(1, 50, 50, 120, 100)], [[0, *box, 0.9], [1, 50, 50, 120, 100, 0.8]])])
    yield "a class without truth", (3, [([truth(0, *box)], [[0, *box, 0.9], [1, *box, 0.95]])])
    yield "duplicates", (1, [([truth(0, *box)], [[0, *box, 0.5], [0, 10, 10, 20, 19, 0.9], [0, *box, 0.4]])])
    yield "iou of exactly 0.5 and 0.75", (1, [([truth(0, *box), truth(0, 50, 10, 20, 20)], [[0, 10, 10, 10, 20, 0.9], [0, 50, 10, 20, 15, 0.8]])])
    yield "iou of 1 - 1e-11", (1, [([truth(0, 0, 0, 1e6, 1e5)], [[0, 0, 0, 1e6, 1e5 - 1e-6, 0.9]])])
    yield "of equal ious the last is taken", (1, [([truth(0, 0, 0, 20, 10), truth(0, 0, 10, 20, 10)], [[0, 0, 0, 20, 20, 0.9], [0, 0, 0, 20, 10, 0.8], [0, 0, 10, 20, 10, 0.7]])])
    yield "ties of scores within an image", (1, [([truth(0, *box), truth(0, 50, 50, 30, 30)], [[0, 100, 100, 5, 5, 0.5], [0, *box, 0.5], [0, 50, 50, 30, 28, 0.5], [0, 50, 50, 30, 30, 0.5]])])
    for name, flip in (("right first", 1), ("wrong first", -1)):
        pair = [([truth(0, *box)], [[0, *box, 0.5]]), ([truth(0, *box)], [[0, 60, 60, 20, 20, 0.5]])][::flip]
        yield f"ties of scores between images, {name}", (1, pair)
    crowd = truth(0, 0, 0, 200, 200, 1)
    inside = [[0, 20 * i, 20 * i, 30, 30, 0.9 - i / 10] for i in range(5)]
    yield "a crowd takes any number", (1, [([truth(0, 300, 0, 30, 30), crowd], [*inside, [0, 300, 0, 30, 30, 0.1]])])
    yield "only a crowd", (1, [([crowd], inside)])
    yield "a crowd does not excuse what lies half outside", (1, [([crowd, truth(0, 300, 0, 30, 30)], [[0, 190, 0, 30, 30, 0.9], [0, 185, 50, 30, 30, 0.8], [0, 300, 0, 30, 30, 0.7]])])
    yield "a true object in a crowd is found first", (1, [([crowd, truth(0, 20, 20, 30, 30)], [[0, 20, 20, 30, 29, 0.9], [0, 20, 20, 30, 30, 0.8]])])
    hard = truth(0, *box, 2)
    yield "an ignored object excuses one detection", (1, [([hard, truth(0, 50, 50, 30, 30)], [[0, *box, 0.9], [0, *box, 0.8], [0, 50, 50, 30, 30, 0.7]])])
    yield "a true object beats an ignored one that fits better", (1, [([hard, truth(0, 10, 10, 20, 15)], [[0, *box, 0.9], [0, *box, 0.8]])])
    for side, area in ((32, "small, medium"), (96, "medium, large")):
        sizes = [(side, side), (side, side + 0.5), (side, side - 0.5)]
        rows = [truth(0, 200 * i, 0, w, h) for i, (w, h) in enumerate(sizes)]
        found = [[0, 200 * i, 0, w, h, 0.9 - i / 10] for i, (w, h) in enumerate(sizes)]
        lost = [[0, 200 * i, 500, w, h, 0.95 - i / 10] for i, (w, h) in enumerate(sizes)]
        yield f"areas at the border of {area}", (1, [(rows, found + lost)])
    yield "the area of the outline decides, not the box", (1, [([truth(0, 0, 0, 100, 100, 0, 900), truth(0, 200, 0, 40, 40, 0, 1024)], [[0, 0, 0, 100, 100, 0.9], [0, 200, 0, 40, 40, 0.8], [0, 300, 300, 10, 10, 0.85]])])
    rows = [truth(0, 12 * i, 0, 10, 10) for i in range(130)]
    many = [[0, 12 * i, 0, 10, 10 - i % 3, (i * 37 % 130) / 130] for i in range(130)]
    yield "more than 100 detections", (1, [(rows, many)])
    yield "more than 100 detections of two classes", (2, [(rows + [truth(1, 0, 50, 9, 9)], many + [[1, 0, 50, 9, 9, 0.001]])])
    yield "more than 10 in one image, fewer in another", (1, [(rows[:15], many[:14]), (rows[:3], many[:3])])
    yield "a box without area", (1, [([truth(0, *box)], [[0, 10, 10, 0, 20, 0.9], [0, *box, 0.8]])])


def seeded(seed):
    """Random boxes: detections are true boxes that have moved, with few or many distinct scores."""
    r = random.Random(seed)
    classes = r.choice([1, 2, 3, 7])
    digits = r.choice([0, 1, 2])
    steps = r.choice([5, 50, 10000])
    images = []
    for _ in range(r.randint(1, 7)):
        rows, found = [], []
        for _ in range(r.randint(0, 9)):
            x, y = (round(r.uniform(0, 400), digits) for _ in range(2))
            w, h = (round(r.choice([20, 40, 110]) * r.uniform(0.6, 1.5), digits) for _ in range(2))
            kind = r.choices([0, 1, 2], [12, 1, 1 if seed % 2 else 0])[0]
            label = r.randrange(classes)
            area = round(w * h * r.uniform(0.5, 1), 1) if r.random() < 0.3 else w * h
            rows.append(truth(label, x, y, w, h, kind, area))
            for _ in range(r.choice([0, 1, 1, 2, 3])):
                move = lambda v, by: round(v + r.uniform(-by, by), digits)
                found.append([label if r.random() < 0.9 else r.randrange(classes), move(x, w / 8), move(y, h / 8), move(w, w / 8), move(h, h / 8), r.randrange(steps) / steps])
        for _ in range(r.randint(0, 4)):
            w = round(r.uniform(5, 150), digits)
            found.append([r.randrange(classes), round(r.uniform(0, 400), digits), 0, w, w, r.randrange(steps) / steps])
        r.shuffle(found)
        images.append((rows, found))
    return classes, images


def cases():
    yield from hand_made()
    for seed in range(40):
        yield f"seed {seed}", seeded(seed)


def pycocotools(case):
    """The same figures by pycocotools; None where a case needs what it does not read (`ignore` without `iscrowd`)."""
    import contextlib
    import io

    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    classes, images = case
    if any(row[6] == 2 for rows, _ in images for row in rows) or not any(found for _, found in images):
        return None
    annotations = [(i, row) for i, (rows, _) in enumerate(images) for row in rows]
    with contextlib.redirect_stdout(io.StringIO()):
        coco = COCO()
        coco.dataset = {
            "images": [{"id": i + 1} for i in range(len(images))],
            "categories": [{"id": k + 1} for k in range(classes)],
            "annotations": [
                {"id": n + 1, "image_id": i + 1, "category_id": row[0] + 1, "bbox": row[1:5], "area": row[5], "iscrowd": row[6]}
                for n, (i, row) in enumerate(annotations)
            ],
        }
        coco.createIndex()
        found = coco.loadRes(
            [
                {"image_id": i + 1, "category_id": row[0] + 1, "bbox": row[1:5], "score": row[5]}
                for i, (_, rows) in enumerate(images)
                for row in rows
            ]
        )
        run = COCOeval(coco, found, "bbox")
        run.evaluate()
        run.accumulate()
        run.summarize()
    by_class = [run.eval["precision"][:, :, k, 0, -1] for k in range(classes)]
    by_class = [float(np.mean(p[p > -1])) if (p > -1).any() else None for p in by_class]
    return [None if s == -1 else float(s) for s in run.stats], by_class


def check():
    compared = 0
    for name, case in cases():
        theirs = pycocotools(case)
        if theirs is None:
            continue
        ours = evaluate(case)
        if ours != theirs:
            sys.exit(f"{name}: {ours}, pycocotools {theirs}")
        compared += 1
    print(f"{compared} cases equal to pycocotools")


def write():
    rows = []
    for name, case in cases():
        stats, by_class = evaluate(case)
        classes, images = case
        compact = [[[r if r[6] or r[5] != r[3] * r[4] else r[:5] for r in t], d] for t, d in images]
        rows.append({"name": name, "classes": classes, "images": compact, "stats": stats, "byClass": by_class})
    head = {"numpy": np.__version__, "script": "test/golden/coco_oracle.py", "stats": STATS}
    text = ",\n ".join(json.dumps(row, separators=(",", ":")) for row in rows)
    path = Path(__file__).resolve().with_name("coco.json")
    path.write_text('{"made":' + json.dumps(head) + ',"cases":[\n ' + text + "\n]}\n")
    print(f"{path.name}: {len(rows)} cases, {path.stat().st_size} bytes")


if __name__ == "__main__":
    check() if "--check" in sys.argv else write()
