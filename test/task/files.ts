import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { writePng, type RgbImage } from '../../src/data-node.ts';

/** Writes PNG files below a folder, by path, and returns their paths. */
export async function writeImages(folder: string, images: Readonly<Record<string, RgbImage>>): Promise<string[]> {
  const files = Object.keys(images).map((name) => join(folder, name));
  for (const file of files) mkdirSync(dirname(file), { recursive: true });
  await Promise.all(Object.values(images).map((image, i) => writePng(files[i]!, image)));
  return files;
}

/** Writes a label file with a line for each box, such as `a.png,1,2,30,40,car`, and returns its path. */
export function writeCsv(file: string, lines: readonly string[]): string {
  writeFileSync(file, `${['image,x1,y1,x2,y2,label', ...lines].join('\n')}\n`);
  return file;
}
