/** A path without its extension. */
export const withoutExtension = (path: string): string => path.replace(/\.[^./]*$/, '');

/** File name without folders and extension. */
export function stem(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1).replace(/\.[^.]*$/, '');
}
