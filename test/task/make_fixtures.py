"""Makes test/task/fixtures with GDAL 3.6 (ogr2ogr): python3 test/task/make_fixtures.py

Truth in UTM (EPSG:32633), detections and an area of interest in it, as GDAL converts them to other systems. The figures that
follow from these numbers are in test/task/judge-layers.test.ts.
"""

import json
import pathlib
import subprocess
import tempfile

OUT = pathlib.Path(__file__).parent / "fixtures"
X, Y = 460000, 5400000


def ring(x, y, width, height):
    return [[X + a, Y + b] for a, b in [(x, y), (x + width, y), (x + width, y + height), (x, y + height), (x, y)]]


def layer(features):
    return {
        "type": "FeatureCollection",
        "crs": {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::32633"}},
        "features": [
            {"type": "Feature", "properties": properties, "geometry": {"type": "Polygon", "coordinates": rings}}
            for properties, rings in features
        ],
    }


TRUTH = [
    ({"use": "house"}, [ring(10, 10, 20, 20)]),
    ({"use": "house"}, [ring(60, 10, 20, 20)]),
    ({"use": "pool"}, [ring(10, 60, 10, 10)]),
    ({"use": "house"}, [ring(110, 110, 20, 20)]),  # In the hole of the area.
    ({"use": "house"}, [ring(210, 10, 20, 20)]),  # Outside.
]
FOUND = [
    ({"label": "house", "score": 0.9}, [ring(12, 10, 20, 20)]),  # IoU 360 / 440.
    ({"label": "house", "score": 0.8}, [ring(68, 10, 20, 20)]),  # IoU 240 / 560.
    ({"label": "house", "score": 0.7}, [ring(10, 60, 10, 10)]),  # Of another class.
    ({"label": "house", "score": 0.6}, [ring(110, 110, 20, 20)]),
    ({"label": "house", "score": 0.5}, [ring(260, 10, 20, 20)]),
]
AREA = [({}, [ring(0, 0, 200, 200), ring(100, 100, 50, 50)])]

with tempfile.TemporaryDirectory() as folder:
    for name, features in [("truth", TRUTH), ("found", FOUND), ("area", AREA)]:
        source = pathlib.Path(folder) / f"{name}.geojson"
        source.write_text(json.dumps(layer(features)))
        for epsg, digits in [(32633, 3), (4326, 10), (3857, 4)]:
            if name != "found" and epsg == 4326:
                continue
            target = OUT / f"{name}-{epsg}.geojson"
            target.unlink(missing_ok=True)
            options = ["-t_srs", f"EPSG:{epsg}", "-lco", f"COORDINATE_PRECISION={digits}"]
            subprocess.run(["ogr2ogr", *options, target, source], check=True)
