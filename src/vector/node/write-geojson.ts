import { geojsonText } from '../geojson-text.ts';
import type { LayerSummary, OutputLayer } from '../output-layer.ts';
import { BufferedFile } from './buffered-file.ts';

/** Writes the text of `geojsonText`, which may be larger than the memory. */
export const writeGeojson = (path: string, name: string, layer: OutputLayer, summary: LayerSummary): Promise<void> =>
  BufferedFile.write(path, async (file) => {
    for (const part of geojsonText(name, layer, summary)) await file.add(part);
  });
