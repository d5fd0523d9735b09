// Label files by their paths, and the images that they name.

/** A file's path and text. */
export interface TextFile {
  readonly path: string;
  readonly text: string;
}

export const stem = (path: string): string => path.replace(/\.[^./]*$/, '');
export const baseName = (path: string): string => path.slice(path.lastIndexOf('/') + 1);

/** Folders of labels, which stand beside those of the images. */
const LABEL_FOLDER = /(^|\/)(?:labels|labelTxt[^/]*|Annotations)\/(?!.*\/(?:labels|labelTxt[^/]*|Annotations)\/)/i;

/**
 * Finds an image by its path, with or without extension, also in `images` instead of `labels`; otherwise by its file name, if
 * only one image has it.
 */
export function finder(files: readonly string[]): (path: string) => string | undefined {
  const byPath = new Map<string, string | null>();
  const byName = new Map<string, string | null>();
  const add = (names: Map<string, string | null>, name: string, file: string): void => {
    names.set(name, names.has(name) && names.get(name) !== file ? null : file);
  };
  for (const file of files) {
    for (const path of [file, stem(file)]) {
      add(byPath, path, file);
      add(byName, baseName(path), file);
    }
  }
  return (path) =>
    byPath.get(path) ?? byPath.get(path.replace(LABEL_FOLDER, '$1images/')) ?? byName.get(baseName(path)) ?? undefined;
}
