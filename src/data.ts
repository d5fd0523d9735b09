// Images and annotations: what `retinagrad/data` exports. Readers and writers of files need Node.
export { describeSample } from './data/types.ts';
export type { Annotations, Dataset, RgbImage, Sample, SampleDescription, SampleSource } from './data/types.ts';
export { augment, type AugmentOptions, type Range } from './data/augment.ts';
export { crop, flipX, flipY, rescale, translate, turn } from './data/augment/geometric.ts';
export { brightness, contrast, recolour, type Recolouring } from './data/augment/colour.ts';
export { blur, boxKernel, gaussianKernel, noise } from './data/augment/filter.ts';
export { copyPaste, mixup, mosaic, type PasteOptions } from './data/augment/mix.ts';
export { cacheSamples } from './data/cache.ts';
export { clipAnnotations, polygonBox, type Visibility } from './data/geometry.ts';
export { packedBytes, rgbImage, turnImage } from './data/image.ts';
export { batches, type Batch, type BatchOptions } from './data/loader.ts';
export { Random } from './data/random.ts';
export { BalancedSampler, balancedSampler, type Candidate, type SamplingOptions } from './data/sampling.ts';
export { augmentedSource, type SourceOptions } from './data/source.ts';
export { splitIds, type Split } from './data/split.ts';
export {
  overlapKeys,
  placeOnMap,
  splitBlocks,
  type BlockSplit,
  type BlockSplitOptions,
  type Place,
} from './data/split-blocks.ts';
export { groupKeys, splitGroups, type GroupSplitOptions } from './data/split-groups.ts';
export { applyStretch, type Stretch } from './data/stretch.ts';
export { tileDataset, type Tile, type TiledDataset, type TileOptions } from './data/tiles.ts';
export { readImage, type ReadImageOptions } from './data/node/image.ts';
export { openDataset } from './data/node/open.ts';
export { openFolder, type FolderDataset } from './data/node/folder.ts';
export { openSpaceNet, type SpaceNetDataset } from './data/node/spacenet.ts';
export { openTiff, type Tiff } from './data/node/tiff.ts';
export { readPng, writePng } from './data/node/png.ts';
export { readJpeg } from './data/node/jpeg.ts';
export { openLocalSource, openWorkerSource, type ClosableSource, type SourceRecipe } from './data/node/workers.ts';
export { generateChip, type ChipOptions, type SyntheticChip } from './data/synthetic/chip.ts';
export { writeSyntheticSpaceNet, type SyntheticOptions } from './data/node/synthetic-write.ts';
