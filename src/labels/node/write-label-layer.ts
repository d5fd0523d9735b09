import type { LabelTable } from '../types.ts';
import type { LayerFormat } from '../../vector/output-layer.ts';
import { labelLayer, type LabelLayerNotes, type LabelLayerOptions } from '../label-layer.ts';
import { writeLayer } from '../../vector/node/write-layer.ts';

/** How labels are written as a vector layer. */
export interface WriteLabelLayerOptions extends LabelLayerOptions {
  /** Whether existing files are replaced. Default false: they are an error. */
  readonly overwrite?: boolean;
}

/** A vector layer that was written. */
export interface WrittenLabelLayer extends LabelLayerNotes {
  readonly files: readonly string[];
}

/**
 * Writes the objects of all images as one vector layer that GIS programs open, with the attributes `label`, `score`, `image`,
 * `x1`, `y1`, `x2`, `y2` (box in pixels) and `area_m2` (area on the ground, also in degrees and Web Mercator; null if the
 * coordinate system is not known). Objects are outlines if they have some, else boxes. Rejects with an `InputError` if no
 * image has a place on the map, or if the layer cannot be written.
 */
export async function writeLabelLayer(
  table: LabelTable,
  path: string,
  format: LayerFormat,
  { overwrite = false, ...options }: WriteLabelLayerOptions,
): Promise<WrittenLabelLayer> {
  const { layer, ...notes } = await labelLayer(table, format, options);
  return { files: await writeLayer(path, format, layer, overwrite), ...notes };
}
