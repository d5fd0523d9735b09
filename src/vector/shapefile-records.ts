import type { Box, Polygon } from '../imagery/geometry.ts';
import { closedRings, featureBounds, type OutputFeature, type OutputField, type FieldValue } from './output-layer.ts';

// The bytes of shapefiles: "ESRI Shapefile Technical Description" (1998), and dBASE III for attributes. Written here
// because the npm packages that write shapefiles keep all features in memory several times, take time that grows faster than
// the square of their number, and write text as Latin-1.

const POLYGON_TYPE = 5;
export const HEADER_BYTES = 100;
/** Lengths are stored as signed 32-bit counts of 16-bit words, but many programs do not read beyond 2^31 bytes. */
export const MAX_BYTES = 2 ** 31 - 1;

/** The header of a .shp or .shx file of `fileBytes` bytes. */
export function shapeHeader(fileBytes: number, bounds: Box | null): Uint8Array {
  const view = new DataView(new ArrayBuffer(HEADER_BYTES));
  view.setInt32(0, 9994);
  view.setInt32(24, fileBytes / 2);
  view.setInt32(28, 1000, true);
  view.setInt32(32, POLYGON_TYPE, true);
  (bounds ?? [0, 0, 0, 0]).forEach((value, i) => view.setFloat64(36 + 8 * i, value, true));
  return new Uint8Array(view.buffer);
}

/** Bytes of the records of features in the .shp file. */
export const recordBytes = (features: number, rings: number, points: number): number =>
  52 * features + 4 * rings + 16 * points;

/** The record of a feature in the .shp file; records are numbered from 1. */
export function shapeRecord(number: number, polygons: readonly Polygon[]): Uint8Array {
  const rings = polygons.flatMap((polygon) => closedRings(polygon, 'clockwise'));
  const points = rings.reduce((sum, ring) => sum + ring.length, 0);
  const view = new DataView(new ArrayBuffer(recordBytes(1, rings.length, points)));
  view.setInt32(0, number);
  view.setInt32(4, (view.byteLength - 8) / 2);
  view.setInt32(8, POLYGON_TYPE, true);
  featureBounds(polygons).forEach((value, i) => view.setFloat64(12 + 8 * i, value, true));
  view.setInt32(44, rings.length, true);
  view.setInt32(48, points, true);
  let part = 52;
  let at = 52 + 4 * rings.length;
  let first = 0;
  for (const ring of rings) {
    view.setInt32(part, first, true);
    part += 4;
    first += ring.length;
    for (const [x, y] of ring) {
      view.setFloat64(at, x, true);
      view.setFloat64(at + 8, y, true);
      at += 16;
    }
  }
  return new Uint8Array(view.buffer);
}

/** The entry of the .shx file for a record of `recordBytes` bytes that begins at byte `offset` of the .shp file. */
export function indexRecord(offset: number, recordBytes: number): Uint8Array {
  const view = new DataView(new ArrayBuffer(8));
  view.setInt32(0, offset / 2);
  view.setInt32(4, (recordBytes - 8) / 2);
  return new Uint8Array(view.buffer);
}

/** A column of the .dbf file. */
interface Column {
  readonly name: string;
  readonly type: 'C' | 'N';
  readonly bytes: number;
  readonly decimals: number;
}

export const MAX_TEXT_BYTES = 254;

/** Columns for fields, of which texts have at most `textBytes` bytes. Numbers keep all their digits. */
export function dbfColumns(fields: readonly OutputField[], textBytes: ReadonlyMap<string, number>): Column[] {
  return fields.map(({ name, type }) => {
    if (type === 'text') return { name, type: 'C', bytes: Math.max(1, textBytes.get(name) ?? 0), decimals: 0 };
    // The longest double is -1.2345678901234567e-308.
    return { name, type: 'N', bytes: type === 'integer' ? 18 : 24, decimals: type === 'integer' ? 0 : 15 };
  });
}

/** The header of the .dbf file. The text is ASCII; the date is that of the last change. */
export function dbfHeader(columns: readonly Column[], records: number, date: Date): Uint8Array {
  const bytes = new Uint8Array(32 + 32 * columns.length + 1);
  const view = new DataView(bytes.buffer);
  bytes.set([3, date.getFullYear() - 1900, date.getMonth() + 1, date.getDate()]);
  view.setUint32(4, records, true);
  view.setUint16(8, bytes.length, true);
  view.setUint16(10, rowBytes(columns), true);
  columns.forEach((column, i) => {
    const at = 32 * (i + 1);
    bytes.set(utf8.encode(column.name), at);
    bytes.set([column.type.charCodeAt(0)], at + 11);
    bytes.set([column.bytes, column.decimals], at + 16);
  });
  bytes[bytes.length - 1] = 0x0d;
  return bytes;
}

/** One byte says that the row is not deleted. */
export const rowBytes = (columns: readonly Column[]): number => columns.reduce((sum, { bytes }) => sum + bytes, 1);

/** The row of a feature in the .dbf file. */
export function dbfRow(columns: readonly Column[], properties: OutputFeature['properties']): Uint8Array {
  const row = new Uint8Array(rowBytes(columns)).fill(SPACE);
  let at = 1;
  for (const { name, type, bytes } of columns) {
    const text = cellText(properties[name] ?? null);
    const cell = utf8.encode(type === 'N' ? text.padStart(bytes) : text);
    row.set(cell, at);
    at += bytes;
  }
  return row;
}

/** Nothing but spaces is null. */
const cellText = (value: FieldValue): string => (value === null ? '' : String(value));

const SPACE = 0x20;
const utf8 = new TextEncoder();
/** Marks the end of the .dbf file. */
export const DBF_END = new Uint8Array([0x1a]);
