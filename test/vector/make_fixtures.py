"""Makes test/vector/fixtures with GDAL 3.6 (ogr2ogr, gdaltransform):

    python3 test/vector/make_fixtures.py

`formats/`: one layer of four features in every format; `placed.json`: rectangles of known pixels of georeferenced images in
the coordinates of layers in other systems, as GDAL converts them.
"""

import gzip
import json
import pathlib
import shutil
import sqlite3
import subprocess
import tempfile

OUT = pathlib.Path(__file__).parent / "fixtures"
FEATURES = [
    ("Haus Süd", 1, {"type": "Polygon", "coordinates": [[[10, 50], [10.25, 50], [10.25, 50.5], [10, 50.5], [10, 50]]]}),
    (
        "yard",
        2,
        {
            "type": "MultiPolygon",
            "coordinates": [
                [
                    [[11, 50], [12, 50], [12, 51], [11, 51], [11, 50]],
                    [[11.25, 50.25], [11.25, 50.5], [11.5, 50.5], [11.5, 50.25], [11.25, 50.25]],
                ],
                [[[13, 50], [13.5, 50], [13.5, 50.5], [13, 50]]],
            ],
        },
    ),
    ("high", 3, {"type": "Polygon", "coordinates": [[[14, 50, 7], [14.5, 50, 7], [14.5, 50.5, 7], [14, 50, 7]]]}),
    ("nowhere", 4, None),
]
# Images (EPSG code, affine transform) and the system of the layer that is placed on them.
CASES = [
    (3035, [0.5, 0, 4551800, 0, -0.5, 3271100], 4326),
    (2193, [0.3, 0, 1756900, 0, -0.3, 5920400], 4326),
    (26917, [1, 0, 629000, 0, -1, 4834300], 4326),
    (32616, [0.4, 0.1, 733600, 0.1, -0.4, 3725100], 4326),
    (4326, [1e-5, 0, 13.4, 0, -1e-5, 52.5], 32633),
    (32633, [0.5, 0, 391390, 0, -0.5, 5817855], 25832),
    (32630, [0.5, 0, 699300, 0, -0.5, 5710200], 27700),
    (2154, [0.2, 0, 652300, 0, -0.2, 6861300], 3857),
    (3857, [0.6, 0, 545400, 0, -0.6, 6868900], 28992),
    (26918, [0.5, 0, 586000, 0, -0.5, 4511300], 2263),
]
RECTANGLES = [[10, 20, 40, 70], [100.25, 3.5, 180.75, 90], [60, 110, 63, 190.5]]


def run(*command, text=None):
    return subprocess.run(command, input=text, capture_output=True, text=True, check=True).stdout


def formats(folder):
    shutil.rmtree(OUT / "formats", ignore_errors=True)
    (OUT / "formats").mkdir(parents=True)
    features = [
        {"type": "Feature", "properties": {"name": name, "species": number}, "geometry": geometry}
        for name, number, geometry in FEATURES
    ]
    source = folder / "layer.geojson"
    source.write_text(json.dumps({"type": "FeatureCollection", "features": features}, ensure_ascii=False))
    shutil.copy(source, OUT / "formats")
    run("ogr2ogr", OUT / "formats/layer.shp", source, "-lco", "ENCODING=UTF-8", "-nlt", "MULTIPOLYGONZ")
    run("ogr2ogr", OUT / "formats/latin.shp", source, "-lco", "ENCODING=ISO-8859-1", "-nlt", "MULTIPOLYGON", "-t_srs", "EPSG:3035")
    run("ogr2ogr", OUT / "formats/layer.fgb", source)
    run("ogr2ogr", OUT / "formats/layer.kml", source)
    package = folder / "layers.gpkg"
    run("ogr2ogr", package, source, "-nln", "places", "-lco", "SPATIAL_INDEX=NO")
    run("ogr2ogr", package, source, "-nln", "metres", "-update", "-t_srs", "EPSG:32633", "-lco", "SPATIAL_INDEX=NO")
    database = sqlite3.connect(package)
    database.execute("PRAGMA page_size = 512")
    database.execute("VACUUM")
    database.close()
    (OUT / "formats/layers.gpkg.gz").write_bytes(gzip.compress(package.read_bytes(), mtime=0))
    for name in ("layer.shx", "latin.shx"):
        (OUT / "formats" / name).unlink()


def placed():
    cases = []
    for image, (a, b, c, d, e, f), layer in CASES:
        rings = []
        for x1, y1, x2, y2 in RECTANGLES:
            corners = [(x1, y1), (x2, y1), (x2, y2), (x1, y2), (x1, y1)]
            lines = "".join(f"{a * x + b * y + c!r} {d * x + e * y + f!r}\n" for x, y in corners)
            answer = run("gdaltransform", "-s_srs", f"EPSG:{image}", "-t_srs", f"EPSG:{layer}", "-output_xy", text=lines)
            rings.append([[float(v) for v in line.split()] for line in answer.splitlines()])
        cases.append({"image": image, "affine": [a, b, c, d, e, f], "layer": layer, "rings": rings})
    lines = ",\n".join(json.dumps(case) for case in cases)
    (OUT / "placed.json").write_text(f'{{"boxes": {json.dumps(RECTANGLES)}, "cases": [\n{lines}\n]}}\n')


with tempfile.TemporaryDirectory() as name:
    formats(pathlib.Path(name))
    placed()
