// Somebody's own data as a data set to train on, from storage.
import type { Dataset } from 'retinagrad';
import { clipAnnotations, groundResolution, type Raster } from 'retinagrad/data';
import { imageFile, ownData, type OwnData, type OwnImage } from './data-store.ts';
import { openRaster, wholeOf } from './rasters.ts';

/** Opened rasters that are kept: many tiles are cut from each. */
const KEPT = 4;

/** Opens the annotated images of a data set in storage. Rejects if it is not there. */
export async function openOwnData(id: string): Promise<Dataset> {
  const data = await ownData(id);
  if (data === null)
    throw new Error('the images of this run or link are not in this browser: choose their files again');
  const images = data.images.filter(({ objects }) => objects !== null);
  if (images.length === 0) throw new Error(`no image of ${data.name} has labels: draw boxes first`);
  const annotations = images.map(({ width, height, objects }) => {
    const kept = objects!.filter(({ crowd }) => crowd !== true);
    const boxes = Float32Array.from(kept.flatMap(({ box }) => [...box]));
    return clipAnnotations({ boxes, labels: Int32Array.from(kept, ({ label }) => label) }, width, height);
  });
  const open = keepingOpen(data, images);
  const dataset: Dataset = {
    classes: data.classes,
    ids: images.map(({ file }) => file),
    decoding: data.decoding ?? {},
    async get(index) {
      const raster = await open(index);
      const { image } = await raster.read(wholeOf(raster));
      const resolution = groundResolution(raster);
      const known = resolution === null ? {} : { groundResolution: resolution };
      return { id: images[index]!.file, image, ...known, ...annotations[index]! };
    },
    async describe(index) {
      const { file: id, width, height } = images[index]!;
      return { id, width, height, ...annotations[index]! };
    },
  };
  // Only TIFF files have blocks to decode alone; another format would be decoded as a whole for each window.
  if (!images.every(({ facts }) => facts.kind === 'tiff')) return dataset;
  return {
    ...dataset,
    window: async (index, x, y, width, height) => (await (await open(index)).read({ x, y, width, height })).image,
  };
}

/** Opens images by their positions; the last ones stay open. */
function keepingOpen({ decoding = {} }: OwnData, images: readonly OwnImage[]): (index: number) => Promise<Raster> {
  const kept = new Map<number, Promise<Raster>>();
  return (index) => {
    const image = images[index]!;
    const opened = kept.get(index) ?? imageFile(image).then((file) => openRaster(file, image.file, decoding));
    kept.delete(index);
    // Others hold all their pixels.
    if (image.facts.kind === 'tiff') kept.set(index, opened);
    opened.catch(() => kept.delete(index));
    for (const oldest of kept.keys()) if (kept.size > KEPT) kept.delete(oldest);
    return opened;
  };
}

/** All pixels of an image of a data set in storage. */
export async function openOwnImage({ decoding = {} }: OwnData, image: OwnImage) {
  const raster = await openRaster(await imageFile(image), image.file, decoding);
  return (await raster.read(wholeOf(raster))).image;
}
