// Images and annotations: what `retinagrad/data` exports. Readers and writers of files need Node.
export type { Annotations, Dataset, RgbImage, Sample } from './data/types.ts';
export { augment, brightness, contrast, flipX, flipY, rescale, turn, type AugmentOptions } from './data/augment.ts';
export { cacheSamples } from './data/cache.ts';
export { clipAnnotations, polygonBox, type Visibility } from './data/geometry.ts';
export { packedBytes, rgbImage, turnImage } from './data/image.ts';
export { batches, type Batch, type BatchOptions } from './data/loader.ts';
export { Random } from './data/random.ts';
export { splitIds } from './data/split.ts';
export { applyStretch, type Stretch } from './data/stretch.ts';
export { readImage, type ReadImageOptions } from './data/node/image.ts';
export { openDataset } from './data/node/open.ts';
export { openFolder, type FolderDataset } from './data/node/folder.ts';
export { openSpaceNet, type SpaceNetDataset } from './data/node/spacenet.ts';
export { openTiff, type Tiff } from './data/node/tiff.ts';
export { readPng, writePng } from './data/node/png.ts';
export { readJpeg } from './data/node/jpeg.ts';
export { generateChip, type ChipOptions, type SyntheticChip } from './data/synthetic/chip.ts';
export { writeSyntheticSpaceNet, type SyntheticOptions } from './data/node/synthetic-write.ts';
