"""The RetinaNet cases. Seeds are those for which float32 rounding decides nothing; see README.md."""

CLASSES = 3

# images: (height, width); boxes: x1, y1, x2, y2, label. Short sides equal to min_size are not resized.
CASES = {
    "r18-frozen": {
        "backbone": "resnet18",
        "norm": "frozen",
        "seed": 13,
        "minSize": 100,
        "maxSize": 160,
        "images": [(100, 141), (123, 100)],
        "boxes": [[(12, 20, 50, 52, 0), (70.5, 31, 90, 75.25, 2), (100, 60, 112, 71, 1), (30, 55, 139, 70, 1)], []],
    },
    "r18-bn": {
        "backbone": "resnet18",
        "norm": "batch",
        "seed": 12,
        "minSize": 96,
        "maxSize": 160,
        "images": [(96, 125), (117, 96)],
        "boxes": [[(5, 8, 42, 40, 1), (60, 40, 75, 90, 0)], [(20, 30, 83, 101, 2), (3, 100, 12, 112, 0)]],
    },
    "r34-frozen-resize": {
        "backbone": "resnet34",
        "norm": "frozen",
        "seed": 7,
        "minSize": 96,
        "maxSize": 150,
        "topk": 100,
        "detections": 40,
        "images": [(75, 120), (150, 131)],
        "boxes": [
            [(10, 12, 38, 40, 0), (50, 20, 62, 51, 2), (45, 15, 80, 60, 1)],
            [(20, 30, 120, 121, 1), (7, 9, 23, 20, 2)],
        ],
    },
    "r50-frozen": {
        "backbone": "resnet50",
        "norm": "frozen",
        "seed": 17,
        "threshold": 0.3,
        "minSize": 96,
        "maxSize": 160,
        "images": [(96, 131), (127, 96)],
        "boxes": [[(12, 20, 50, 52, 2), (70, 31, 90, 75, 0), (99, 60, 110, 70, 0)], [(10, 11, 80, 100, 1)]],
    },
    "r50-bn-resize": {
        "backbone": "resnet50",
        "norm": "batch",
        "seed": 1,
        "threshold": 0.3,
        "minSize": 88,
        "maxSize": 128,
        "images": [(80, 110), (140, 100)],
        "boxes": [[(5, 8, 42, 40, 1), (60, 40, 75, 78, 0)], [(20, 30, 83, 101, 2), (3, 100, 12, 112, 0)]],
    },
    "r50-v2": {
        "backbone": "resnet50",
        "norm": "batch",
        "version": 2,
        "seed": 10,
        "threshold": 0.02,
        "minSize": 96,
        "maxSize": 160,
        "images": [(96, 125), (117, 96)],
        "boxes": [[(5, 8, 42, 40, 1), (60, 40, 75, 90, 0), (80, 10, 120, 90, 2)], []],
    },
}
