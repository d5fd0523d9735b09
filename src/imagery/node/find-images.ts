import { stat } from 'node:fs/promises';
import { dirname, isAbsolute, join, normalize, resolve } from 'node:path';
import { escapePath, glob, isDynamicPattern } from 'tinyglobby';
import { InputError } from '../../common/errors.ts';
import { readUtf8 } from '../../common/node/read-file.ts';
import { isUrl } from './byte-source.ts';
import { listFiles } from './files.ts';
import { imageEnding } from './image-size.ts';

const EXTENSIONS = '.png, .jpg, .jpeg, .webp, .avif, .tif, .tiff';
const fail = (reason: string, cause?: unknown): never => {
  throw new InputError('findImages', reason, cause === undefined ? {} : { cause });
};

/**
 * Finds images from files, URLs, folders (recursively), patterns such as `tiles/*.png`, and list files (`@list` or any `.txt`
 * with a file, folder or pattern on each line, relative to the list or else to the working directory; lines that start
 * with `#` are comments). The result is sorted and has no duplicates. Rejects with an `InputError` for an input without
 * any image.
 */
export async function findImages(inputs: readonly string[]): Promise<string[]> {
  if (inputs.length === 0) fail('no inputs, expected files, folders, patterns or list files');
  const found = new Map<string, string>();
  for (const input of inputs) {
    const isList = input.startsWith('@') ? (await kindOf(input)) === null : /\.txt$/i.test(input);
    const paths = await (isList ? readList(input.replace(/^@/, '')) : expand(input, input));
    for (const path of paths) {
      const key = isUrl(path) ? path : resolve(path);
      if (!found.has(key)) found.set(key, isUrl(path) ? path : normalize(path));
    }
  }
  return [...found.values()].sort();
}

/** The images of one file, folder or pattern; `origin` names it in errors. */
async function expand(input: string, origin: string): Promise<string[]> {
  const kind = await kindOf(input);
  if (isUrl(input)) return [input];
  // A file is taken as an image, whatever its extension: reading it will tell.
  if (kind === 'file') return [input];
  if (kind === 'folder') {
    const files = (await listFiles(input)).filter((file) => imageEnding.test(file));
    if (files.length === 0) fail(`${origin} is a folder without images (${EXTENSIONS})`);
    return files.map((file) => join(input, file));
  }
  if (!isDynamicPattern(input)) fail(`${origin} does not exist`);
  const files = (await matches(input)).filter((file) => imageEnding.test(file));
  if (files.length === 0) fail(`no image (${EXTENSIONS}) matches ${origin}`);
  return files;
}

async function readList(list: string): Promise<string[]> {
  const text = await readUtf8(list).catch((error: unknown) => {
    return fail(`list file ${list} cannot be read`, error);
  });
  const lines = text.replace(/^\ufeff/, '').split(/\r?\n/);
  const images: string[] = [];
  for (const [i, line] of lines.entries()) {
    const entry = line.trim();
    if (entry === '' || entry.startsWith('#')) continue;
    const beside = besideList(list, entry);
    const path = (await kindOf(beside)) !== null || (await matches(beside)).length > 0 ? beside : entry;
    images.push(...(await expand(path, `${list}:${i + 1}: ${entry}`)));
  }
  if (images.length === 0) fail(`list file ${list} contains no image`);
  return images;
}

/** An entry of a list file relative to the folder of the list, whose own name must not act as a pattern. */
function besideList(list: string, entry: string): string {
  if (isAbsolute(entry)) return entry;
  const folder = dirname(list);
  return isDynamicPattern(entry) ? `${escapePath(folder)}/${entry}` : join(folder, entry);
}

/** The files that match a pattern; none if `path` is not a pattern. */
async function matches(path: string): Promise<string[]> {
  const pattern = process.platform === 'win32' ? path.replaceAll('\\', '/') : path;
  return isDynamicPattern(pattern) ? glob(pattern, { expandDirectories: false, absolute: isAbsolute(path) }) : [];
}

async function kindOf(path: string): Promise<'file' | 'folder' | null> {
  const found = await stat(path).catch(() => null);
  return found === null ? null : found.isDirectory() ? 'folder' : 'file';
}
