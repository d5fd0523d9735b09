// The entry `retinagrad/data` in Node: everything of data.ts, and what reads and writes files.
export * from './data.ts';
export { defaultFileLimits, fileLimits, setFileLimits, type FileLimits } from './common/limits.ts';
export { openRaster, readImage, type ReadImageOptions } from './imagery/node/read-image.ts';
export type { DecodeOptions } from './imagery/raster-of.ts';
export { findImages } from './imagery/node/find-images.ts';
export { countTiles, openTiles, type OpenTilesOptions } from './imagery/node/tiles/open-tiles.ts';
export type { LonLatBounds } from './imagery/node/tiles/grid.ts';
export type { TileProgress } from './imagery/node/tiles/progress.ts';
export type { TileRaster } from './imagery/node/tiles/tile-raster.ts';
export { imageSizeOf, type ImageSize } from './imagery/node/image-size.ts';
export { readClasses, readLabels, type ReadLabelsOptions } from './labels/node/read-labels.ts';
export type { ReadLabels } from './labels/read-result.ts';
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
  writeLabelLayer,
  type WriteLabelLayerOptions,
  type WrittenLabelLayer,
} from './labels/node/write-label-layer.ts';
export type { LabelLayerNotes, LabelLayerOptions, UnplacedImage } from './labels/label-layer.ts';
export { layerFormats, type LayerFormat } from './vector/output-layer.ts';
export type { Georeference } from './imagery/raster.ts';
export {
  openLabelled,
  type LabelledDataset,
  type LabelledOptions,
  type LabelledRasters,
  type LabelledReport,
} from './data/node/open-labelled.ts';
export { AreaOfInterest, type AreaFiles, type AreaOptions, type InArea } from './data/node/area.ts';
export { openDataset, type OpenOptions } from './data/node/open-dataset.ts';
export { openSpaceNet, type SpaceNetDataset } from './data/node/open-spacenet.ts';
export { openTiff } from './imagery/node/tiff.ts';
export { openImage } from './imagery/node/open-image.ts';
export { colourBands, type ColourBands, type ColourRole, type RawImage } from './imagery/raw-image.ts';
export type { Levels, LevelType, RawPixels } from './imagery/levels.ts';
export { readPng, writePng } from './imagery/node/png.ts';
export { readJpeg } from './imagery/node/jpeg.ts';
export { openLocalSource, openWorkerSource, type ClosableSource, type SourceRecipe } from './data/node/workers.ts';
export { readWebp } from './imagery/node/webp.ts';
export { writeSyntheticSpaceNet, type SyntheticOptions } from './synthetic/node/write-spacenet.ts';
