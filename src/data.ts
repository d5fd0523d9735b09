// Images and annotations in memory: what `retinagrad/data` exports, in browsers too. In Node the package resolves to
// data-node.ts, which adds files.
export { describeSample } from './data/types.ts';
export type {
  Annotations,
  Bands,
  BandSelection,
  ByteImage,
  Detections,
  ImageDecoding,
  PixelWindow,
  RgbImage,
} from './imagery/types.ts';
export { rgbRaster, type Georeference, type Raster, type RasterPixels } from './imagery/raster.ts';
export { partOfRaster, Region } from './imagery/region.ts';
export { groundResolution, medianResolution } from './imagery/georeference.ts';
export { resampleRaster, type ResampledRaster } from './imagery/resample.ts';
export { overviewOf, type Overview } from './imagery/overview.ts';
export type { Dataset, Sample, SampleDescription, SampleSource } from './data/types.ts';
export { augment, type AugmentOptions, type Range } from './data/augment.ts';
export { crop, flipX, flipY, rescale, rotate90, translate } from './data/augment/geometric.ts';
export { brightness, contrast, recolour, type Recolouring } from './data/augment/colour.ts';
export { blur, boxKernel, gaussianKernel, noise } from './data/augment/filter.ts';
export { copyPaste, mixup, mosaic, type PasteOptions } from './data/augment/mix.ts';
export type { LabelledImage, LabelledObject, LabelProblem, LabelTable } from './labels/types.ts';
export type { Box, Point, Polygon, Ring } from './imagery/geometry.ts';
export {
  formatExamples,
  isWritableFormat,
  labelFormats,
  writableFormats,
  type LabelFormat,
  type WritableFormat,
} from './labels/formats.ts';
export { parseCoco, parseCocoResults, writeCoco, writeCocoResults, type CocoTable } from './labels/coco.ts';
export { parseLabelCsv, writeClassMapping, writeLabelCsv } from './labels/csv.ts';
export { parseVoc, writeVoc, type VocDocument } from './labels/voc.ts';
export { parseClassList, parseYolo, parseYoloData, writeYolo, writeYoloData, type YoloData } from './labels/yolo.ts';
export { parseSpaceNetCsv, writeSpaceNetCsv } from './labels/spacenet.ts';
export { labelFormatOf } from './labels/detect-format.ts';
export { parseCvat } from './labels/tools/cvat.ts';
export { parseDota } from './labels/tools/dota.ts';
export { parseLabelMe, type LabelDocument } from './labels/tools/labelme.ts';
export { parseLabelStudio } from './labels/tools/label-studio.ts';
export { parseVia } from './labels/tools/via.ts';
export { labelTexts, type LabelText, type LabelTextsOptions } from './labels/label-texts.ts';
export { LabelError } from './labels/problems.ts';
export { unsupportedFields, type UnsupportedField } from './labels/unsupported-fields.ts';
export { objectsOf, tableOf } from './data/annotation-table.ts';
export { cacheSamples } from './data/cache.ts';
export { clipAnnotations, polygonBox, type Visibility } from './imagery/geometry.ts';
export { byteImage, packedBytes, rgbImage, rgbOf, rotateImage, type ImageShape } from './imagery/image.ts';
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
export { generateChip, type ChipOptions, type SyntheticChip } from './synthetic/chip.ts';
