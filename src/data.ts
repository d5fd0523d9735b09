// Images and annotations: what `retinagrad/data` exports. Readers and writers of files need Node.
export { describeSample } from './data/types.ts';
export type { Annotations, Dataset, RgbImage, Sample, SampleDescription, SampleSource } from './data/types.ts';
export { augment, type AugmentOptions, type Range } from './data/augment.ts';
export { crop, flipX, flipY, rescale, translate, turn } from './data/augment/geometric.ts';
export { brightness, contrast, recolour, type Recolouring } from './data/augment/colour.ts';
export { blur, boxKernel, gaussianKernel, noise } from './data/augment/filter.ts';
export { copyPaste, mixup, mosaic, type PasteOptions } from './data/augment/mix.ts';
export type { LabelledImage, LabelledObject, LabelProblem, LabelTable } from './data/labels/types.ts';
export type { Box, Point, Polygon, Ring } from './data/geometry.ts';
export { formatExamples, labelFormats, type LabelFormat } from './data/labels/formats.ts';
export { parseCoco, parseCocoResults, writeCoco, writeCocoResults, type CocoTable } from './data/labels/coco.ts';
export { parseLabelCsv, writeLabelCsv } from './data/labels/csv.ts';
export { parseVoc, writeVoc } from './data/labels/voc.ts';
export { parseYolo, writeYolo } from './data/labels/yolo.ts';
export { lossesOf, type LabelLoss } from './data/labels/losses.ts';
export { objectsOf, tableOf } from './data/table-of.ts';
export { cacheSamples } from './data/cache.ts';
export { clipAnnotations, polygonBox, type Visibility } from './data/geometry.ts';
export { packedBytes, rgbImage, turnImage } from './data/image.ts';
export { joinDatasets } from './data/join.ts';
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
export { findImages } from './data/node/find-images.ts';
export { imageSizeOf, type ImageSize } from './data/node/image-size.ts';
export { readLabels, type ReadLabels, type ReadLabelsOptions } from './data/node/labels.ts';
export { detectLabelFormat } from './data/node/labels-find.ts';
export {
  convertLabels,
  writeLabels,
  type ConvertedLabels,
  type ConvertLabelsOptions,
  type WriteLabelsOptions,
  type WrittenLabels,
} from './data/node/labels-write.ts';
export {
  openLabelled,
  type LabelledDataset,
  type LabelledOptions,
  type LabelledRasters,
  type LabelledReport,
} from './data/node/labelled.ts';
export { openDataset, type OpenOptions } from './data/node/open.ts';
export { openSpaceNet, type SpaceNetDataset } from './data/node/spacenet.ts';
export { openTiff, type Tiff } from './data/node/tiff.ts';
export { readPng, writePng } from './data/node/png.ts';
export { readJpeg } from './data/node/jpeg.ts';
export { openLocalSource, openWorkerSource, type ClosableSource, type SourceRecipe } from './data/node/workers.ts';
export { readWebp } from './data/node/webp.ts';
export { generateChip, type ChipOptions, type SyntheticChip } from './data/synthetic/chip.ts';
export { writeSyntheticSpaceNet, type SyntheticOptions } from './data/node/synthetic-write.ts';
