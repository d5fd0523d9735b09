import { InputError } from '../../../common/errors.ts';

/** A tile of the XYZ scheme: zoom level `z` has 2^z x 2^z tiles, `x` counts from the west and `y` from the north. */
export interface TileAddress {
  readonly z: number;
  readonly x: number;
  readonly y: number;
}

/** A tile in messages. */
export const describeTile = ({ z, x, y }: TileAddress): string => `tile ${z}/${x}/${y}`;

/** Each placeholder in lower case, with its value for a tile. */
const PLACEHOLDERS: Readonly<Record<string, (tile: TileAddress) => string | number>> = {
  z: ({ z }) => z,
  x: ({ x }) => x,
  y: ({ y }) => y,
  // TMS counts rows from the south.
  '-y': ({ y, z }) => 2 ** z - 1 - y,
  quadkey: quadkeyOf,
  // The names of WMTS (OGC 07-057r7, section 8.2 and annex D), whose rows also count from the north.
  tilematrix: ({ z }) => z,
  tilerow: ({ y }) => y,
  tilecol: ({ x }) => x,
};
const LISTED = '{z}, {x}, {y}, {-y}, {quadkey}, {TileMatrix}, {TileRow}, {TileCol}, {s}, {switch:a,b,c} and {key}';
const PLACEHOLDER = /\{([^{}]*)\}/g;

/**
 * Checks that each placeholder of a template is known, and that column, row and zoom level are among them.
 *
 * @param shown the template as messages may show it
 * @throws InputError
 */
export function checkTemplate(template: string, shown: string): void {
  const names = new Set<string>();
  for (const [whole, name] of template.matchAll(PLACEHOLDER)) {
    const lower = name!.toLowerCase();
    if (lower === 'tilematrixset' || lower === 'style' || lower === 'layer' || lower === 'time') {
      throw new InputError('openTiles', `replace ${whole} with its value, as the capabilities of the service list it`, {
        file: shown,
      });
    }
    if (!Object.hasOwn(PLACEHOLDERS, lower) && lower !== 'key' && hostsOf(lower) === null) {
      throw new InputError('openTiles', `unknown placeholder ${whole}, expected ${LISTED}`, { file: shown });
    }
    names.add(lower);
  }
  const has = (...some: readonly string[]): boolean => some.some((name) => names.has(name));
  const isComplete = has('quadkey') || (has('z', 'tilematrix') && has('x', 'tilecol') && has('y', '-y', 'tilerow'));
  if (!isComplete) {
    const expected = 'expected {z}, {x} and {y}, or {quadkey}, or {TileMatrix}, {TileRow} and {TileCol}';
    throw new InputError('openTiles', `the template does not name every tile: ${expected}`, { file: shown });
  }
  if (isRemote(template) && !URL.canParse(expandTemplate(template, { z: 0, x: 0, y: 0 }, 'key'))) {
    throw new InputError('openTiles', 'the template is not a valid URL', { file: shown });
  }
}

/** Whether a template is a URL of HTTP, not a path. */
export const isRemote = (template: string): boolean => /^https?:\/\//i.test(template);

/** Whether a text has the placeholder of the key. */
export const takesKey = (text: string): boolean => /\{key\}/i.test(text);

/** The URL or path of a tile. `key` is inserted as it is given. */
export function expandTemplate(template: string, tile: TileAddress, key = ''): string {
  return template.replaceAll(PLACEHOLDER, (_, name: string) => {
    const lower = name.toLowerCase();
    if (lower === 'key') return key;
    const hosts = hostsOf(name);
    // The same tile always comes from the same host, so that caches on the way can answer.
    if (hosts !== null) return hosts[(tile.x + tile.y) % hosts.length]!;
    return String(PLACEHOLDERS[lower]!(tile));
  });
}

/** The names of equivalent hosts: Leaflet's `{s}`, JOSM's `{switch:a,b,c}`. */
function hostsOf(name: string): readonly string[] | null {
  if (/^s$/i.test(name)) return ['a', 'b', 'c'];
  const list = /^switch:(.+)$/i.exec(name)?.[1];
  return list === undefined ? null : list.split(',').map((host) => host.trim());
}

/** One digit per level, from the coarsest: 1 for the eastern half plus 2 for the southern (Bing Maps tile system). */
function quadkeyOf({ z, x, y }: TileAddress): string {
  return Array.from({ length: z }, (_, i) => {
    const bit = 2 ** (z - 1 - i);
    return (Math.floor(x / bit) % 2) + 2 * (Math.floor(y / bit) % 2);
  }).join('');
}
