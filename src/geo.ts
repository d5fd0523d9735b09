// GeoTIFF files and map layers in pages: what `retinagrad/geo` exports. `retinagrad/data` has the same for files in Node
// (`openRaster`, `openDataset`, `readLabels`, `writeLabelLayer`). Loads the packages geotiff and proj4 when they are needed.
export { openTiffBlob } from './imagery/tiff/open-tiff-blob.ts';
export { openTiffBlobs, type NamedBlob, type TiffBlobs } from './data/open-tiff-blobs.ts';
export type { DecodeOptions } from './imagery/raster-of.ts';
export {
  labelGeojson,
  type LabelGeojson,
  type LabelLayerNotes,
  type LabelLayerOptions,
  type UnplacedImage,
} from './labels/label-layer.ts';
export { placeGeojson, type ImageOnMap, type PlaceGeojsonOptions } from './labels/place-features.ts';
