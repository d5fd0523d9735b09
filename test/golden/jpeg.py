"""Writes jpeg.json: JPEG files, and GeoTIFF files with JPEG blocks, by GDAL, each with the pixels that GDAL reads from it, as zlib
in base64. Needs gdal_translate. Run: python3 jpeg.py"""

import base64
import json
import os
import subprocess
import tempfile
import zlib

WIDTH, HEIGHT = 40, 24
folder = tempfile.mkdtemp()
files = {}


def translate(*options):
    subprocess.run(["gdal_translate", "-q", *options], check=True, stderr=subprocess.DEVNULL)


def packed(path):
    with open(path, "rb") as file:
        return base64.b64encode(zlib.compress(file.read(), 9)).decode()


def save(name, *options):
    path, pixels = os.path.join(folder, name), os.path.join(folder, "pixels.raw")
    translate(*options, source, path)
    translate("-of", "ENVI", "-co", "INTERLEAVE=BIP", path, pixels)
    files[name] = {"file": packed(path), "pixels": packed(pixels)}


def create(*options):
    return [part for option in ["COMPRESS=JPEG", *options] for part in ["-co", option]]


# Gradients with an edge across, so that the interpolation of chroma shows.
source = os.path.join(folder, "source.ppm")
with open(source, "wb") as file:
    file.write(f"P6 {WIDTH} {HEIGHT} 255\n".encode())
    for row in range(HEIGHT):
        for column in range(WIDTH):
            flip = 255 if row * 2 > column + 3 else 0
            file.write(bytes(value ^ flip for value in (column * 6, row * 10, (row + column) * 4)))

JPEG, TILED = ["-of", "JPEG"], ["TILED=YES", "BLOCKXSIZE=16", "BLOCKYSIZE=16"]
save("baseline.jpg", *JPEG)
save("progressive.jpg", *JPEG, "-co", "PROGRESSIVE=YES")
save("grey.jpg", *JPEG, "-b", "1")
save("cmyk.jpg", *JPEG, "-b", "1", "-b", "2", "-b", "3", "-b", "1")
save("ycbcr.tif", *create("PHOTOMETRIC=YCBCR", *TILED))
save("ycbcr-strips.tif", *create("PHOTOMETRIC=YCBCR", "BLOCKYSIZE=16"))
save("rgb.tif", *create("PHOTOMETRIC=RGB", *TILED))
save("planes.tif", *create("INTERLEAVE=BAND", *TILED))

with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "jpeg.json"), "w") as file:
    json.dump(files, file, indent=0)
    file.write("\n")
