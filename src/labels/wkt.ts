import type { Point, Polygon, Ring } from '../imagery/geometry.ts';

const TOKEN = /\s*([A-Za-z]+|[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?|[(),])/y;

/**
 * Reads `POLYGON` and `MULTIPOLYGON` text (OGC 06-103r4, section 7), with holes, `EMPTY` and Z or M values (which are
 * dropped), into a list of polygons. Throws a RangeError with the position of the first invalid token.
 */
export function parseWkt(text: string): Polygon[] {
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

  const kind = tokens[next++];
  if (kind !== 'POLYGON' && kind !== 'MULTIPOLYGON') {
    next--;
    fail('POLYGON or MULTIPOLYGON');
  }
  if (!accept('Z') && !accept('M')) accept('ZM');
  const empty = accept('EMPTY');
  const polygons = empty ? [] : kind === 'POLYGON' ? [list(ring)] : list(polygon);
  if (next < tokens.length) fail('nothing more');
  return polygons.filter((rings) => rings.length > 0);
}

function excerpt(text: string): string {
  return text.length > 60 ? `"${text.slice(0, 57)}..."` : `"${text}"`;
}
