"""Writes geotiff.json: GeoTIFF files by GDAL in every layout, compression and type, as zlib in base64. Run: python3 geotiff.py

The levels are those of `level` in test/imagery/geotiff.test.ts, which reads the files."""

import base64
import json
import os
import tempfile
import zlib

import numpy as np
from osgeo import gdal, osr

gdal.UseExceptions()
WIDTH, HEIGHT = 21, 18
TYPES = {
    "uint8": gdal.GDT_Byte,
    "uint16": gdal.GDT_UInt16,
    "int16": gdal.GDT_Int16,
    "uint32": gdal.GDT_UInt32,
    "int32": gdal.GDT_Int32,
    "float32": gdal.GDT_Float32,
    "float64": gdal.GDT_Float64,
}
folder = tempfile.mkdtemp()
files = {}


def levels(kind, bands):
    band, row, column = np.mgrid[0:bands, 0:HEIGHT, 0:WIDTH]
    base = (band * 40 + row * 3 + column * 2) % 251
    scaled = {"uint8": base, "uint16": base * 37 + 100, "int16": base * 37 - 4000, "uint32": base * 1000003}
    scaled.update({"int32": base * 1000003 - 70000000, "float32": base / 8 - 10, "float64": base / 8 - 10})
    return scaled[kind].astype(kind)


def inside():
    row, column = np.mgrid[0:HEIGHT, 0:WIDTH]
    return (row >= 5) & (column >= 7)


def save(name, kind, bands=3, options=(), array=None, nodata=None, colours=None, descriptions=None, mask=False):
    path = os.path.join(folder, name)
    array = levels(kind, bands) if array is None else array
    data = gdal.GetDriverByName("GTiff").Create(path, WIDTH, HEIGHT, array.shape[0], TYPES[kind], list(options))
    data.SetGeoTransform([500000.25, 0.5, 0, 4649776.5, 0, -0.5])
    system = osr.SpatialReference()
    system.ImportFromEPSG(32633)
    data.SetProjection(system.ExportToWkt())
    for i, values in enumerate(array):
        band = data.GetRasterBand(i + 1)
        band.WriteArray(values)
        if nodata is not None:
            band.SetNoDataValue(nodata)
        if colours is not None:
            band.SetColorInterpretation(colours[i])
        if descriptions is not None:
            band.SetDescription(descriptions[i])
    if mask:
        gdal.SetConfigOption("GDAL_TIFF_INTERNAL_MASK", "YES")
        data.CreateMaskBand(gdal.GMF_PER_DATASET)
        data.GetRasterBand(1).GetMaskBand().WriteArray((inside() * 255).astype("uint8"))
    data = None
    add(name, path)


def add(name, path):
    with open(path, "rb") as file:
        files[name] = base64.b64encode(zlib.compress(file.read(), 9)).decode()


TILED = ["TILED=YES", "BLOCKXSIZE=16", "BLOCKYSIZE=16"]
for compression in ["LZW", "DEFLATE", "ZSTD", "PACKBITS", "LERC", "LERC_DEFLATE", "LERC_ZSTD"]:
    save(f"uint8-{compression}-strips.tif", "uint8", options=[f"COMPRESS={compression}", "BLOCKYSIZE=4"])
    save(f"uint16-{compression}-tiles.tif", "uint16", options=[f"COMPRESS={compression}", *TILED])
for kind in TYPES:
    save(f"{kind}-planes.tif", kind, options=["INTERLEAVE=BAND", "BLOCKYSIZE=5"])
    if kind != "float64":
        save(f"{kind}-predictor2.tif", kind, options=["COMPRESS=LZW", "PREDICTOR=2", *TILED])
    if kind.startswith("float"):
        save(f"{kind}-predictor3.tif", kind, options=["COMPRESS=DEFLATE", "PREDICTOR=3"])
for kind in ["uint16", "float32"]:
    save(f"{kind}-big-endian.tif", kind, options=["ENDIANNESS=BIG", "BLOCKYSIZE=2"])
    save(f"{kind}-bigtiff.tif", kind, options=["BIGTIFF=YES", *TILED])
save("uint8-webp.tif", "uint8", options=["COMPRESS=WEBP", "WEBP_LOSSLESS=YES", *TILED])
save("uint8-16-bands.tif", "uint8", bands=16, options=["COMPRESS=DEFLATE"])
save("uint8-one-strip.tif", "uint8", options=[f"BLOCKYSIZE={HEIGHT}"])

RED, GREEN, BLUE = gdal.GCI_RedBand, gdal.GCI_GreenBand, gdal.GCI_BlueBand
GREY, ALPHA, NONE = gdal.GCI_GrayIndex, gdal.GCI_AlphaBand, gdal.GCI_Undefined
save("bgrn.tif", "uint16", bands=4, colours=[BLUE, GREEN, RED, NONE])
save("micasense.tif", "uint16", bands=5, colours=[BLUE, GREEN, RED, NONE, NONE])
save("sentinel2.tif", "uint16", bands=13, options=["COMPRESS=DEFLATE"],
     descriptions="B01 B02 B03 B04 B05 B06 B07 B08 B8A B09 B10 B11 B12".split())
save("superdove.tif", "uint16", bands=8, options=["COMPRESS=DEFLATE"],
     descriptions="coastal_blue blue green_i green yellow red rededge nir".split())

outside = ~inside()
alpha = (inside() * 255).astype("uint8")
save("alpha.tif", "uint8", array=np.concatenate([levels("uint8", 3), alpha[None]]), options=["ALPHA=YES"])
save("grey-alpha.tif", "uint8", array=np.stack([levels("uint8", 1)[0], alpha]), colours=[GREY, ALPHA])
for kind, value in [("uint16", 65535), ("int16", -32768), ("float32", -9999.9)]:
    array = levels(kind, 3)
    array[:, outside] = value
    save(f"nodata-{kind}.tif", kind, array=array, nodata=value)
array = levels("float32", 3)
array[:, outside] = np.nan
save("nodata-nan.tif", "float32", array=array)
save("mask.tif", "uint8", options=["COMPRESS=DEFLATE", *TILED], mask=True)
gdal.Translate(os.path.join(folder, "cog.tif"), os.path.join(folder, "uint8-one-strip.tif"), format="COG",
               creationOptions=["BLOCKSIZE=128", "OVERVIEWS=IGNORE_EXISTING"])
add("cog.tif", os.path.join(folder, "cog.tif"))

with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "geotiff.json"), "w") as file:
    json.dump(files, file, indent=0)
    file.write("\n")
