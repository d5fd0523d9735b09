// Label files by their paths, and the images that they name.

/** A file's path and text. */
export interface TextFile {
  readonly path: string;
  readonly text: string;
}

export const stem = (path: string): string => path.replace(/\.[^./]*$/, '');
export const baseName = (path: string): string => path.slice(path.lastIndexOf('/') + 1);

/** Finds an image by its path, or by its file name, with or without extension, if only one has it. */
export function finder(files: readonly string[]): (path: string) => string | undefined {
  const paths = new Set(files);
  const byName = new Map<string, string | null>();
  for (const file of files) {
    for (const name of new Set([baseName(file), stem(baseName(file))]))
      byName.set(name, byName.has(name) ? null : file);
  }
  return (path) => (paths.has(path) ? path : (byName.get(baseName(path)) ?? undefined));
}
