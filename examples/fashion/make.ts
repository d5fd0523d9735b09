// Makes a detection task of several classes from real pixels: items of Fashion-MNIST (Xiao, Rasul, Vollgraf 2017) placed
// on photographs. Two Debian packages hold both; nothing else of the project needs them:
//   apt-get download dataset-fashion-mnist mate-backgrounds && for f in *.deb; do dpkg -x $f debian; done
//   npx tsx --conditions retinagrad-source examples/fashion/make.ts debian data/fashion
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import ndarray from 'ndarray';
import { packedBytes, Random, readImage, writePng } from 'retinagrad/data';

const SIZE = 128; // Pixels of a side of the images.
const MOST = 5; // Items in an image; one in ten images has none.
const SCALES = [0.9, 1.8] as const; // Items have 28 pixels before.
const CLASSES = ['T-shirt', 'trouser', 'pullover', 'dress', 'coat', 'sandal', 'shirt', 'sneaker', 'bag', 'ankle boot'];
/** Photographs and items of one side do not occur on the other. */
const SIDES = {
  train: { items: 'train', images: 800, photographs: (i: number) => i % 4 !== 3 },
  test: { items: 't10k', images: 200, photographs: (i: number) => i % 4 === 3 },
} as const;

interface Items {
  readonly count: number;
  readonly pixels: Uint8Array;
  readonly labels: Uint8Array;
}

/** Reads the IDX files of one side: a header of big-endian numbers, then the bytes. */
function readItems(folder: string, side: string): Items {
  const read = (name: string): Buffer => gunzipSync(readFileSync(join(folder, `${side}-${name}-ubyte.gz`)));
  const [images, labels] = [read('images-idx3'), read('labels-idx1')];
  return { count: images.readUInt32BE(4), pixels: images.subarray(16), labels: labels.subarray(8) };
}

interface Photograph {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8Array;
}

async function readPhotographs(folder: string): Promise<Photograph[]> {
  const files = readdirSync(folder).filter((file) => file.endsWith('.jpg'));
  const out: Photograph[] = [];
  for (const file of files.sort()) {
    const image = await readImage(join(folder, file));
    out.push({ width: image.shape[1]!, height: image.shape[0]!, data: packedBytes(image) });
  }
  return out;
}

type Box = readonly [number, number, number, number];

/** Places an item at a corner, and returns the box around what is seen of it. */
function place(
  canvas: Uint8Array,
  items: Items,
  item: number,
  x0: number,
  y0: number,
  scale: number,
  tint: number[],
): Box {
  const side = Math.round(28 * scale);
  let [x1, y1, x2, y2] = [SIZE, SIZE, 0, 0];
  for (let y = 0; y < side; y++) {
    for (let x = 0; x < side; x++) {
      const value = bilinear(items.pixels, item * 784, ((x + 0.5) * 28) / side - 0.5, ((y + 0.5) * 28) / side - 0.5);
      // The ground of an item is black: it becomes transparent, its edge half so.
      const alpha = Math.min(1, value / 48);
      if (alpha < 0.1) continue;
      const at = ((y0 + y) * SIZE + x0 + x) * 3;
      for (let c = 0; c < 3; c++) canvas[at + c] = canvas[at + c]! * (1 - alpha) + value * tint[c]! * alpha;
      if (alpha < 0.5) continue;
      [x1, y1] = [Math.min(x1, x0 + x), Math.min(y1, y0 + y)];
      [x2, y2] = [Math.max(x2, x0 + x + 1), Math.max(y2, y0 + y + 1)];
    }
  }
  return [x1, y1, x2, y2];
}

function bilinear(pixels: Uint8Array, start: number, x: number, y: number): number {
  const at = (column: number, row: number): number =>
    pixels[start + Math.min(Math.max(row, 0), 27) * 28 + Math.min(Math.max(column, 0), 27)]!;
  const [left, top] = [Math.floor(x), Math.floor(y)];
  const [h, v] = [x - left, y - top];
  const above = at(left, top) * (1 - h) + at(left + 1, top) * h;
  const below = at(left, top + 1) * (1 - h) + at(left + 1, top + 1) * h;
  return above * (1 - v) + below * v;
}

/** Fills an image with a piece of a photograph at a smaller scale, so that there is something to see in it. */
function cutGround(canvas: Uint8Array, { width, height, data }: Photograph, random: Random): void {
  const most = Math.floor(Math.min(width, height) / SIZE);
  const step = 1 + random.int(Math.min(most, 6));
  const [left, top] = [random.int(width - SIZE * step + 1), random.int(height - SIZE * step + 1)];
  for (let i = 0; i < canvas.length; i++) {
    const [x, y, c] = [Math.floor(i / 3) % SIZE, Math.floor(i / 3 / SIZE), i % 3];
    let sum = 0;
    for (let k = 0; k < step * step; k++) {
      const row = top + y * step + Math.floor(k / step);
      sum += data[(row * width + left + x * step + (k % step)) * 3 + c]!;
    }
    canvas[i] = sum / (step * step);
  }
}

/** One image: a piece of a photograph with items that do not cover each other. */
function makeImage(random: Random, photographs: readonly Photograph[], items: Items) {
  const canvas = new Uint8Array(SIZE * SIZE * 3);
  const photograph = photographs[random.int(photographs.length)]!;
  cutGround(canvas, photograph, random);
  const objects: { readonly box: Box; readonly label: number }[] = [];
  const wanted = random.uniform() < 0.1 ? 0 : 1 + random.int(MOST);
  for (let attempt = 0; attempt < 20 && objects.length < wanted; attempt++) {
    const item = random.int(items.count);
    const scale = random.uniform(...SCALES);
    const side = Math.round(28 * scale);
    const [x, y] = [random.int(SIZE - side + 1), random.int(SIZE - side + 1)];
    const overlaps = objects.some(({ box }) => box[0] < x + side && x < box[2] && box[1] < y + side && y < box[3]);
    if (overlaps) continue;
    const tint = [0, 1, 2].map(() => random.uniform(0.6, 1));
    objects.push({ box: place(canvas, items, item, x, y, scale, tint), label: items.labels[item]! });
  }
  return { canvas, objects };
}

const [debian, out] = process.argv.slice(2);
if (debian === undefined || out === undefined) throw new Error('usage: make.ts FOLDER_OF_UNPACKED_PACKAGES OUT');
if (existsSync(out)) throw new Error(`${out} exists`);
const photographs = await readPhotographs(join(debian, 'usr/share/backgrounds/mate/nature'));
for (const [name, side] of Object.entries(SIDES)) {
  const items = readItems(join(debian, 'usr/share/datasets/fashion-mnist'), side.items);
  const own = photographs.filter((_, i) => side.photographs(i));
  const coco = {
    images: [] as object[],
    annotations: [] as object[],
    categories: CLASSES.map((category, i) => ({ id: i + 1, name: category })),
  };
  mkdirSync(join(out, name, 'images'), { recursive: true });
  for (let i = 0; i < side.images; i++) {
    const { canvas, objects } = makeImage(new Random('fashion', name, i), own, items);
    const file = `${String(i).padStart(4, '0')}.png`;
    await writePng(join(out, name, 'images', file), ndarray(canvas, [SIZE, SIZE, 3]));
    coco.images.push({ id: i + 1, file_name: file, width: SIZE, height: SIZE });
    for (const { box, label } of objects) {
      const [x1, y1, x2, y2] = box;
      coco.annotations.push({
        id: coco.annotations.length + 1,
        image_id: i + 1,
        category_id: label + 1,
        bbox: [x1, y1, x2 - x1, y2 - y1],
        area: (x2 - x1) * (y2 - y1),
        iscrowd: 0,
      });
    }
  }
  writeFileSync(join(out, name, 'instances.json'), JSON.stringify(coco));
  console.log(`${join(out, name)}: ${side.images} images, ${coco.annotations.length} objects`);
}
