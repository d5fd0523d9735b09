"""Writes src/vector/epsg-table.ts from the EPSG data set in PROJ's database (libproj 8 or later):

    python3 scripts/epsg.py

A line is a projection, the number of a datum and the EPSG codes that have both, with ESRI's names, by which the .prj file of
a shapefile names its system. proj4js has no shift grids, so a datum is
an ellipsoid with the seven parameters of PROJ's preferred shift to WGS84 that needs no grid, and its accuracy in metres.
Left out are deprecated codes, projections without a PROJ.4 string or unknown to proj4js, other orders of axes, and datums with
another ellipsoid than WGS84's and GRS80's for which no shift is known.
"""

import ctypes as c
import ctypes.util
import pathlib
import re
import sqlite3

CRS, PROJ_4, PARTIAL_INTERSECTION, DISCARD_IF_MISSING_GRID, ZERO = 3, 1, 1, 1, (0.0,) * 7
proj = c.CDLL(ctypes.util.find_library("proj") or "libproj.so.25")
for name, result in {
    "proj_context_create": c.c_void_p,
    "proj_create_from_database": c.c_void_p,
    "proj_crs_get_geodetic_crs": c.c_void_p,
    "proj_create_operation_factory_context": c.c_void_p,
    "proj_create_operations": c.c_void_p,
    "proj_list_get": c.c_void_p,
    "proj_as_proj_string": c.c_char_p,
    "proj_context_get_database_path": c.c_char_p,
    "proj_context_get_database_metadata": c.c_char_p,
    "proj_coordoperation_get_accuracy": c.c_double,
}.items():
    getattr(proj, name).restype = result
context = c.c_void_p(proj.proj_context_create())
proj.proj_log_level(context, 0)


def system(code):
    return c.c_void_p(proj.proj_create_from_database(context, b"EPSG", str(code).encode(), CRS, 0, None))


WGS84 = system(4326)


def best_shift(pj):
    """The first shift to WGS84 in PROJ's order that has seven parameters: (parameters, metres); None without one."""
    geodetic = c.c_void_p(proj.proj_crs_get_geodetic_crs(context, pj))
    factory = c.c_void_p(proj.proj_create_operation_factory_context(context, None))
    area = [c.c_double() for _ in range(4)]
    if proj.proj_get_area_of_use(context, pj, *map(c.byref, area), None):
        proj.proj_operation_factory_context_set_area_of_interest(context, factory, *area)
    proj.proj_operation_factory_context_set_spatial_criterion(context, factory, PARTIAL_INTERSECTION)
    proj.proj_operation_factory_context_set_grid_availability_use(context, factory, DISCARD_IF_MISSING_GRID)
    operations = c.c_void_p(proj.proj_create_operations(context, geodetic, WGS84, factory))
    for i in range(proj.proj_list_get_count(operations)):
        operation = c.c_void_p(proj.proj_list_get(context, operations, i))
        values = (c.c_double * 7)()
        if not proj.proj_coordoperation_has_ballpark_transformation(
            context, operation
        ) and proj.proj_coordoperation_get_towgs84_values(context, operation, values, 7, 0):
            return tuple(values), max(0, proj.proj_coordoperation_get_accuracy(context, operation))
    return None


def split(text):
    """A PROJ.4 string as the projection and the ellipsoid."""
    text = re.sub(r" \+(no_defs|wktext|type=crs|nadgrids=@null|towgs84=\S+)", "", text)
    text = re.sub(r" \+datum=WGS84", " +ellps=WGS84", text)
    text = re.sub(r" \+datum=NAD83", " +ellps=GRS80", text)
    text = re.sub(r" \+datum=NAD27", " +ellps=clrk66", text)
    text = re.sub(r"(\d+\.\d{9,})", lambda match: f"{float(match[1]):.13g}", text)
    shape = re.findall(r" \+(?:ellps|a|b|rf|R|pm|datum)=\S+", text)
    for part in shape:
        text = text.replace(part, "", 1)
    return text.replace("+", ""), "".join(shape).strip()


def main():
    database = sqlite3.connect(proj.proj_context_get_database_path(context).decode())
    rows = database.execute(
        "SELECT code FROM projected_crs WHERE auth_name = 'EPSG' AND deprecated = 0 "
        "UNION SELECT code FROM geodetic_crs WHERE auth_name = 'EPSG' AND deprecated = 0 AND type = 'geographic 2D'"
    )
    esri = dict(
        database.execute(
            "SELECT CAST(code AS INTEGER), alt_name FROM alias_name WHERE auth_name = 'EPSG' AND source = 'ESRI' "
            "AND table_name IN ('projected_crs', 'geodetic_crs')"
        )
    )
    datums, groups, count = {}, {}, 0
    for code in sorted(int(code) for (code,) in rows):
        pj = system(code)
        text = proj.proj_as_proj_string(context, pj, PROJ_4, None)
        if text is None or b"+axis=" in text or b"+proj=col_urban" in text:
            continue
        projection, shape = split(text.decode())
        shift = best_shift(pj)
        if shift is None and (re.search(r"ellps=(WGS84|GRS80)", shape) or code == 3857):
            shift = ZERO, 0 if code == 3857 or "ellps=WGS84" in shape else 2
        if shift is None or "datum=" in shape:
            continue
        parameters, accuracy = shift
        towgs84 = "towgs84=" + ",".join(f"{value:.10g}" for value in parameters)
        # Web Mercator takes the latitudes of WGS84 for those of a sphere.
        datum = f"{shape} {'nadgrids=@null' if code == 3857 else towgs84}|{accuracy:g}".replace("+", "")
        number = datums.setdefault(datum, len(datums))
        groups.setdefault((projection, number), []).append(
            f"{code} {esri[code]}" if code in esri else str(code)
        )
        count += 1
    version = proj.proj_context_get_database_metadata(context, b"EPSG.VERSION").decode()
    lines = [
        f"// Generated by scripts/epsg.py from EPSG {version} ({count} codes): do not edit.",
        "",
        "/** Datums: ellipsoid and shift to WGS84 of a PROJ string, and the accuracy of the shift in metres. */",
        "export const epsgDatums = `\\",
        *datums,
        "`;",
        "",
        "/** Projection of a PROJ string, number of its datum (from 0), EPSG codes of the system with their names in .prj files. */",
        "export const epsgSystems = `\\",
        *(f"{projection}|{number}|{','.join(codes)}" for (projection, number), codes in groups.items()),
        "`;",
    ]
    path = pathlib.Path(__file__).parent.parent / "src/vector/epsg-table.ts"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n")
    print(f"{count} codes, {len(datums)} datums, {len(groups)} systems, {path.stat().st_size} bytes")


main()
