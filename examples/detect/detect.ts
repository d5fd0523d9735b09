// Finds objects in images with a trained detector: a CSV of boxes, and each image with its boxes drawn.
import { mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { init, type Detections } from 'retinagrad';
import { readImage, writePng } from 'retinagrad/data';
import { detectionPicture } from 'retinagrad/report';
import { loadDetector } from 'retinagrad/train';
import { newestWeights, number, printFacts, runCommand, text, UsageError, type Values } from '../shared/cli.ts';
import { Progress } from '../shared/progress.ts';

const options = {
  weights: { type: 'string' },
  out: { type: 'string' },
  threshold: { type: 'string' },
  scale: { type: 'string' },
  adapter: { type: 'string' },
} as const;

const help = `Finds objects in images with a detector that npm start trained.

  npm run detect -- tile.png                      the weights of the newest run
  npm run detect -- --weights best.safetensors chips/ more/*.jpg

Arguments are PNG, JPEG or TIFF files, and folders of them. Each is processed whole, at the resolution (size of a pixel
on the ground) that the detector was trained for.

  --weights FILE    best.safetensors or last.safetensors of a run (best.safetensors of the newest one in runs/)
  --out PATH        folder of the results (detections)
  --threshold X     smallest score of a detection (that of the best F1 in training)
  --scale N         enlarges the pictures N times (2)
  --adapter NAME    hardware, lavapipe, swiftshader, or a part of an adapter's name (the best there is)
  --help            this text

Writes detections.csv (image, x1, y1, x2, y2 in pixels, label, score) and a PNG per image with its boxes drawn.
`;

await runCommand({ help, options, allowPositionals: true }, main);

async function main(values: Values, paths: readonly string[]): Promise<number> {
  if (paths.length === 0) throw new UsageError('name at least one image or folder');
  const files = paths.flatMap(imagesIn);
  const out = text(values, 'out') ?? 'detections';
  const scale = number(values, 'scale', { min: 1, max: 16, whole: true }) ?? 2;
  const weights = text(values, 'weights') ?? newestWeights();
  const device = await init(values['adapter'] === undefined ? {} : { adapter: text(values, 'adapter')! });
  const { model, classes, scoreThreshold, reading } = loadDetector(weights);
  const threshold = number(values, 'threshold', { min: 0, max: 1 }) ?? scoreThreshold;
  printFacts([
    ['adapter', `${device.adapter.name} (${device.adapter.kind})`],
    ['weights', weights],
    ['finds', `${classes.join(', ')}, at scores from ${threshold.toFixed(2)}`],
  ]);

  const progress = new Progress();
  const lines = ['image,x1,y1,x2,y2,label,score'];
  const pictures = pictureNames(files);
  mkdirSync(out, { recursive: true });
  for (const [i, file] of files.entries()) {
    progress.show('detecting', i, files.length, basename(file));
    const image = await readImage(file, reading);
    const [found] = (await model.detect([image])).map((all) => atLeast(all, threshold));
    const { boxes, labels, scores } = found!;
    labels.forEach((label, k) => {
      const box = Array.from(boxes.subarray(4 * k, 4 * k + 4), (value) => value.toFixed(2));
      lines.push([csvField(file), ...box, csvField(classes[label]!), scores[k]!.toFixed(4)].join(','));
    });
    // Nothing is known about what is there, so every detection is drawn as one that stands by itself.
    await writePng(join(out, pictures[i]!), detectionPicture(image, null, found!, { scale, classes }));
  }
  progress.stop();
  model.dispose();
  const table = join(out, 'detections.csv');
  writeFileSync(table, `${lines.join('\n')}\n`);
  console.log(`\n${lines.length - 1} detections in ${files.length} images: ${table} and pictures beside it`);
  return 0;
}

/** The image files that an argument names. */
function imagesIn(path: string): string[] {
  const entry = statSync(path, { throwIfNoEntry: false });
  if (entry === undefined) throw new UsageError(`there is no ${path}`);
  if (!entry.isDirectory()) return [path];
  const images = readdirSync(path, { recursive: true, encoding: 'utf8' }).filter((file) =>
    /\.(png|jpe?g|tiff?)$/i.test(file),
  );
  if (images.length === 0) throw new UsageError(`the folder ${path} holds no .png, .jpg or .tif`);
  return images.sort().map((file) => join(path, file));
}

/** A name for the picture of each file: its own, numbered where two files have the same. */
function pictureNames(files: readonly string[]): string[] {
  const used = new Map<string, number>();
  return files.map((file) => {
    const name = basename(file).replace(/\.\w+$/, '');
    const count = (used.get(name) ?? 0) + 1;
    used.set(name, count);
    return `${name}${count === 1 ? '' : `-${count}`}.png`;
  });
}

/** Detections whose score is at least a threshold. */
function atLeast({ boxes, labels, scores }: Detections, threshold: number): Detections {
  const kept = [...scores.keys()].filter((k) => scores[k]! >= Math.fround(threshold));
  return {
    boxes: Float32Array.from(kept.flatMap((k) => [...boxes.subarray(4 * k, 4 * k + 4)])),
    labels: Int32Array.from(kept, (k) => labels[k]!),
    scores: Float32Array.from(kept, (k) => scores[k]!),
  };
}

function csvField(value: string): string {
  return /[",\n]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value;
}
