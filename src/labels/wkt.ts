import type { Point, Polygon, Ring } from '../imagery/geometry.ts';

const TYPES = ['POLYGON', 'MULTIPOLYGON', 'POINT', 'MULTIPOINT', 'LINESTRING', 'MULTILINESTRING'];
const TOKEN = /\s*([A-Za-z]+|[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?|[(),])/y;

/** A geometry with its type in upper case. */
export interface WktGeometry {
  readonly type: string;
  /** Empty unless the type is POLYGON or MULTIPOLYGON. */
  readonly polygons: readonly Polygon[];
  /** The points of POINT, MULTIPOINT, LINESTRING and MULTILINESTRING. */
  readonly points: readonly Point[];
}

/** Reads `POLYGON` and `MULTIPOLYGON` text as `parseWktGeometry` does. Throws a RangeError for other geometries too. */
export function parseWkt(text: string): Polygon[] {
  return [...parseWktGeometry(text, ['POLYGON', 'MULTIPOLYGON']).polygons];
}

/**
 * Reads text of a geometry (OGC 06-103r4, section 7), with holes, `EMPTY` and Z or M values (which are dropped). Throws a
 * RangeError with the position of the first invalid token.
 */
export function parseWktGeometry(text: string, types: readonly string[] = TYPES): WktGeometry {
  const tokens: string[] = [];
  const starts: number[] = [];
  const length = text.trimEnd().length;
  TOKEN.lastIndex = 0;
  for (let end = 0; end < length; end = TOKEN.lastIndex) {
    const match = TOKEN.exec(text);
    if (match === null) throw new RangeError(`parseWkt: unexpected text at character ${end + 1} of ${excerpt(text)}`);
    tokens.push(match[1]!.toUpperCase());
    starts.push(TOKEN.lastIndex - match[1]!.length);
  }
  let next = 0;

  const fail = (expected: string): never => {
    const found = next < tokens.length ? `"${tokens[next]}" at character ${starts[next]! + 1}` : 'the end';
    throw new RangeError(`parseWkt: expected ${expected} but found ${found} of ${excerpt(text)}`);
  };
  const accept = (token: string): boolean => tokens[next] === token && ++next > 0;
  const expect = (token: string): void => {
    if (!accept(token)) fail(`"${token}"`);
  };
  function list<T>(item: () => T): T[] {
    expect('(');
    const items = [item()];
    while (accept(',')) items.push(item());
    if (!accept(')')) fail('"," or ")"');
    return items;
  }
  function point(): Point {
    const values: number[] = [];
    while (values.length < 4 && /^[-+.\d]/.test(tokens[next] ?? '')) values.push(Number(tokens[next++]));
    const [x, y] = values;
    if (x === undefined || y === undefined) return fail('two, three or four numbers');
    if (!Number.isFinite(x) || !Number.isFinite(y)) return fail('finite coordinates before it');
    return [x, y];
  }
  const ring = (): Ring => list(point);
  const polygon = (): Polygon => (accept('EMPTY') ? [] : list(ring));

  // A point of a MULTIPOINT may be in parentheses of its own.
  const member = (): Point => {
    if (!accept('(')) return point();
    const own = point();
    expect(')');
    return own;
  };

  const type = tokens[next] ?? '';
  if (types.includes(type)) next++;
  else fail(types.join(' or '));
  if (!accept('Z') && !accept('M')) accept('ZM');
  const empty = accept('EMPTY');
  let [polygons, points]: [Polygon[], Point[]] = [[], []];
  if (!empty) {
    if (type === 'POLYGON') polygons = [list(ring)];
    else if (type === 'MULTIPOLYGON') polygons = list(polygon);
    else points = type === 'MULTILINESTRING' ? list(ring).flat() : list(member);
  }
  if (next < tokens.length) fail('nothing more');
  return { type, polygons: polygons.filter((rings) => rings.length > 0), points };
}

function excerpt(text: string): string {
  return text.length > 60 ? `"${text.slice(0, 57)}..."` : `"${text}"`;
}
