import { csvLines } from './csv-rows.ts';
import { csvFlavour } from './csv.ts';
import type { LabelFormat } from './formats.ts';
import { isSpaceNetHeader } from './spacenet.ts';
import { isCvat } from './tools/cvat.ts';
import { isDota } from './tools/dota.ts';
import { isLabelStudio } from './tools/label-studio.ts';
import { isLabelMe } from './tools/labelme.ts';
import { isOpenImagesHeader } from './tools/open-images.ts';
import { isVia, isViaHeader } from './tools/via.ts';

/** Whether a file is a vector layer in another format than GeoJSON; a KMZ is refused by its reader. */
export const isLayerName = (file: string): boolean => /\.(shp|gpkg|fgb|km[lz])$/i.test(file);

/**
 * The format of a label file by its name and the beginning of its text, of which 64 kB are enough; null if it is none that is
 * known. YOLO is recognised by its `data.yaml`: its `.txt` files have nothing of their own.
 */
export function labelFormatOf(path: string, beginning: string): LabelFormat | null {
  if (/\.geojson$/i.test(path)) return 'geojson';
  if (isLayerName(path)) return 'vector';
  const ending = /\.(json|xml|csv|tsv|txt|ya?ml)$/i.exec(path)?.[1]?.toLowerCase();
  if (ending === undefined || /\.aux\.xml$/i.test(path)) return null;
  const text = beginning.trimStart();
  if (ending === 'txt') return isDota(text) ? 'dota' : null;
  if (ending === 'xml') return isCvat(text) ? 'cvat' : text.includes('<annotation') ? 'voc' : null;
  if (ending === 'yaml' || ending === 'yml') return /^\s*["']?names["']?\s*:/m.test(text) ? 'yolo' : null;
  if (ending === 'json') {
    if (isLabelStudio(text)) return 'label-studio';
    if (text.startsWith('[')) return text.includes('"image_id"') || /^\[\s*\]/.test(text) ? 'coco-results' : null;
    if (/"type"\s*:\s*"FeatureCollection"/.test(text)) return 'geojson';
    if (isVia(text)) return 'via';
    if (isLabelMe(text)) return 'labelme';
    return /"(?:images|annotations|categories)"\s*:/.test(text) ? 'coco' : null;
  }
  try {
    const first = csvLines(text, path).next();
    if (first.done === true) return null;
    const { values } = first.value;
    if (isSpaceNetHeader(values)) return 'spacenet-csv';
    if (isViaHeader(values)) return 'via';
    return isOpenImagesHeader(values) ? 'openimages' : csvFlavour(values);
  } catch {
    return null;
  }
}
