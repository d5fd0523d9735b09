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

/** Writes a data set as Roboflow exports it for YOLO: two images a split, with one box each. */
export async function writeYoloExport(folder: string, image: RgbImage): Promise<void> {
  for (const [split, names] of Object.entries({ train: ['a', 'b'], valid: ['c', 'd'], test: ['e', 'f'] })) {
    await writeImages(folder, Object.fromEntries(names.map((name) => [`${split}/images/${name}.png`, image])));
    mkdirSync(join(folder, split, 'labels'), { recursive: true });
    for (const name of names) writeFileSync(join(folder, split, 'labels', `${name}.txt`), '0 0.5 0.5 0.4 0.4\n');
  }
  const yaml = ['train: ../train/images', 'val: ../valid/images', 'test: ../test/images', 'nc: 1', 'names: [car]'];
  writeFileSync(join(folder, 'data.yaml'), `${yaml.join('\n')}\n`);
}

/** Writes a data set as Roboflow exports it for COCO: two images a split, with one box each, and a category 0 without any. */
export async function writeCocoExport(folder: string, image: RgbImage): Promise<void> {
  for (const [split, names] of Object.entries({ train: ['a', 'b'], valid: ['a', 'c'], test: ['a', 'd'] })) {
    await writeImages(folder, Object.fromEntries(names.map((name) => [`${split}/${name}.png`, image])));
    const coco = {
      images: names.map((name, id) => ({ id, file_name: `${name}.png` })),
      categories: [
        { id: 0, name: 'cars-1', supercategory: 'none' },
        { id: 1, name: 'car', supercategory: 'cars-1' },
      ],
      annotations: names.map((_, id) => ({ id, image_id: id, category_id: 1, bbox: [8, 8, 20, 24], iscrowd: 0 })),
    };
    writeFileSync(join(folder, split, '_annotations.coco.json'), JSON.stringify(coco));
  }
}
