// Images and annotations: what `retinagrad/data` exports. Readers and writers of files need Node.
export { describeSample } from './data/types.ts';
export type { Annotations, RgbImage } from './imagery/types.ts';
export type { Dataset, Sample, SampleDescription, SampleSource } from './data/types.ts';
export { augment, type AugmentOptions, type Range } from './data/augment.ts';
export { crop, flipX, flipY, rescale, rotate90, translate } from './data/augment/geometric.ts';
export { brightness, contrast, recolour, type Recolouring } from './data/augment/colour.ts';
export { blur, boxKernel, gaussianKernel, noise } from './data/augment/filter.ts';
export { copyPaste, mixup, mosaic, type PasteOptions } from './data/augment/mix.ts';
export type { LabelledImage, LabelledObject, LabelProblem, LabelTable } from './labels/types.ts';
export type { Box, Point, Polygon, Ring } from './imagery/geometry.ts';
export { formatExamples, labelFormats, type LabelFormat } from './labels/formats.ts';
export { parseCoco, parseCocoResults, writeCoco, writeCocoResults, type CocoTable } from './labels/coco.ts';
export { parseLabelCsv, writeLabelCsv } from './labels/csv.ts';
export { parseVoc, writeVoc } from './labels/voc.ts';
export { parseYolo, writeYolo } from './labels/yolo.ts';
export { LabelError } from './labels/problems.ts';
export { unsupportedFields, type UnsupportedField } from './labels/unsupported-fields.ts';
export { objectsOf, tableOf } from './data/annotation-table.ts';
export { cacheSamples } from './data/cache.ts';
export { clipAnnotations, polygonBox, type Visibility } from './imagery/geometry.ts';
export { packedBytes, rgbImage, rotateImage } from './imagery/image.ts';
export { joinDatasets } from './data/join.ts';
export { batches, type Batch, type BatchOptions } from './data/loader.ts';
export { InputError, type InputErrorDetails } from './common/errors.ts';
export { Random } from './common/random.ts';
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
export { applyStretch, type Stretch } from './imagery/stretch.ts';
export { tileDataset, type Tile, type TiledDataset, type TileOptions } from './data/tiles.ts';
export { readImage, type ReadImageOptions } from './imagery/node/read-image.ts';
export { findImages } from './imagery/node/find-images.ts';
export { imageSizeOf, type ImageSize } from './imagery/node/image-size.ts';
export { readLabels, type ReadLabels, type ReadLabelsOptions } from './labels/node/read-labels.ts';
export { detectLabelFormat } from './labels/node/find-labels.ts';
export {
  convertLabels,
  writeLabels,
  type ConvertedLabels,
  type ConvertLabelsOptions,
  type WriteLabelsOptions,
  type WrittenLabels,
} from './labels/node/write-labels.ts';
export {
  openLabelled,
  type LabelledDataset,
  type LabelledOptions,
  type LabelledRasters,
  type LabelledReport,
} from './data/node/open-labelled.ts';
export { openDataset, type OpenOptions } from './data/node/open-dataset.ts';
export { openSpaceNet, type SpaceNetDataset } from './data/node/open-spacenet.ts';
export { openTiff, type Tiff } from './imagery/node/tiff.ts';
export { readPng, writePng } from './imagery/node/png.ts';
export { readJpeg } from './imagery/node/jpeg.ts';
export { openLocalSource, openWorkerSource, type ClosableSource, type SourceRecipe } from './data/node/workers.ts';
export { readWebp } from './imagery/node/webp.ts';
export { generateChip, type ChipOptions, type SyntheticChip } from './synthetic/chip.ts';
export { writeSyntheticSpaceNet, type SyntheticOptions } from './synthetic/node/write-spacenet.ts';
