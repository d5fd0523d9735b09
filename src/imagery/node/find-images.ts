import { readFile, stat } from 'node:fs/promises';
import { dirname, isAbsolute, join, normalize, resolve } from 'node:path';
import { escapePath, glob, isDynamicPattern } from 'tinyglobby';
import { listFiles } from './files.ts';
import { imageEnding } from './image-size.ts';

/**
 * The images that are meant by files, folders (with those below), patterns such as `tiles/*.png`, and list files
 * (`@list`, or any `.txt`: a file, folder or pattern on each line, relative to the list or else to the working folder;
 * lines that begin with `#` are left out). Sorted, each once. Rejects, naming it, for what means no image at all.
 */
export async function findImages(inputs: readonly string[]): Promise<string[]> {
  if (inputs.length === 0)
    throw new Error('findImages: nothing given, expected files, folders, patterns or list files');
  const found = new Map<string, string>();
  const add = (path: string): unknown => found.has(resolve(path)) || found.set(resolve(path), normalize(path));
  for (const input of inputs) {
    const isList = input.startsWith('@') ? (await kindOf(input)) === null : /\.txt$/i.test(input);
    (await (isList ? readList(input.replace(/^@/, '')) : expand(input, input))).forEach(add);
  }
  return [...found.values()].sort();
}

/** The images of one file, folder or pattern; `source` names it in errors. */
async function expand(input: string, source: string): Promise<string[]> {
  const kind = await kindOf(input);
  // A file that is named is taken as an image, whatever its ending: reading it tells.
  if (kind === 'file') return [input];
  if (kind === 'folder') {
    const files = (await listFiles(input)).filter((file) => imageEnding.test(file));
    if (files.length > 0) return files.map((file) => join(input, file));
    throw new Error(`findImages: ${source} is a folder without images (.png, .jpg, .jpeg, .webp, .tif, .tiff)`);
  }
  if (!isDynamicPattern(input)) throw new Error(`findImages: ${source} does not exist`);
  const files = (await matches(input)).filter((file) => imageEnding.test(file));
  if (files.length > 0) return files;
  throw new Error(`findImages: no image (.png, .jpg, .jpeg, .webp, .tif, .tiff) matches ${source}`);
}

async function readList(list: string): Promise<string[]> {
  const text = await readFile(list, 'utf8').catch((error: unknown) => {
    throw new Error(`findImages: list file ${list} cannot be read`, { cause: error });
  });
  const images: string[] = [];
  for (const [i, line] of text
    .replace(/^\ufeff/, '')
    .split(/\r?\n/)
    .entries()) {
    const entry = line.trim();
    if (entry === '' || entry.startsWith('#')) continue;
    const folder = dirname(list);
    // The folder's own name may hold what would be a pattern.
    const beside = isAbsolute(entry)
      ? entry
      : isDynamicPattern(entry)
        ? `${escapePath(folder)}/${entry}`
        : join(folder, entry);
    const path = (await kindOf(beside)) !== null || (await matches(beside)).length > 0 ? beside : entry;
    images.push(...(await expand(path, `${list}:${i + 1}: ${entry}`)));
  }
  if (images.length === 0) throw new Error(`findImages: list file ${list} names no image`);
  return images;
}

/** The files that a pattern matches; none where it is no pattern. */
async function matches(path: string): Promise<string[]> {
  const pattern = process.platform === 'win32' ? path.replaceAll('\\', '/') : path;
  return isDynamicPattern(pattern) ? glob(pattern, { expandDirectories: false, absolute: isAbsolute(path) }) : [];
}

async function kindOf(path: string): Promise<'file' | 'folder' | null> {
  const found = await stat(path).catch(() => null);
  return found === null ? null : found.isDirectory() ? 'folder' : 'file';
}
