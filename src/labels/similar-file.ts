const normal = (path: string): string => path.normalize('NFC');
const lower = (path: string): string => normal(path).toLowerCase();
const bare = (path: string): string => lower(path).replace(/\.[^./]*$/, '');
const base = (path: string): string => path.slice(path.lastIndexOf('/') + 1);

/** What may distinguish two paths of one file, from the smallest difference on, with the part that remains the same. */
const DIFFERENCES: readonly (readonly [what: string, same: (path: string) => string])[] = [
  ['Unicode form (NFC or NFD)', normal],
  ['case', lower],
  ['extension', bare],
  ['folder', (path) => base(lower(path))],
  ['folder and extension', (path) => base(bare(path))],
];

/**
 * `; there is X, which differs in case`, for the only file that a path of the labels probably means; an empty string if there
 * is none.
 */
export function similarFile(path: string, files: readonly string[]): string {
  for (const [what, same] of DIFFERENCES) {
    const wanted = same(path);
    const [found, ...others] = files.filter((file) => same(file) === wanted);
    if (found !== undefined) return others.length > 0 ? '' : `; there is ${found}, which differs in ${what}`;
  }
  return '';
}
