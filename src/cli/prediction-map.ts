import { join } from 'node:path';
import { defined } from '../common/check.ts';
import { openRaster, partOfRaster } from '../data-node.ts';
import type { Detector } from '../detector-node.ts';
import { writeMap, type MapImage } from '../report-node.ts';
import type { FoundImage } from './detect-inputs.ts';
import type { Terminal } from './terminal.ts';

interface PredictionMap {
  readonly detector: Pick<Detector, 'classes' | 'decoding'>;
  readonly threshold: number;
  readonly images: readonly FoundImage[];
  readonly signal: AbortSignal;
  readonly terminal: Terminal;
}

/** Writes the map of detections; returns the path of its page, or null if it was interrupted. */
export async function writePredictionMap(
  out: string,
  { detector: { classes, decoding }, threshold, images, signal, terminal }: PredictionMap,
): Promise<string | null> {
  if (signal.aborted) return null;
  async function* opened(): AsyncGenerator<MapImage> {
    for (const [i, { input, labelled, part }] of images.entries()) {
      terminal.progress('writing the map, image', i, images.length);
      const { bands, stretch } = decoding;
      const raster = typeof input === 'string' ? await openRaster(input, defined({ bands, stretch })) : input;
      const shown = part === null ? raster : partOfRaster(raster, part);
      yield { name: labelled.file, raster: shown, objects: labelled.objects };
      if (typeof input === 'string') await raster.close();
    }
  }
  const contents = { title: `Detections: ${classes.join(', ')}`, classes, threshold, images: opened() };
  try {
    const { file, reduced } = await writeMap(join(out, 'map'), contents, {
      signal,
      // Of a folder, images are counted.
      onProgress: ({ done, total }) => {
        if (images.length === 1) terminal.progress('writing the map, tile', done, total);
      },
    });
    terminal.stop();
    for (const name of reduced) terminal.say(`the map shows ${name} at a lower resolution`);
    return file;
  } catch (error) {
    if (error !== signal.reason) throw error;
    return null;
  }
}
