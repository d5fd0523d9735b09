import { join } from 'node:path';
import { writeMap, type MapContents, type MapImage } from '../report-node.ts';
import type { Terminal } from './terminal.ts';

interface MapPage extends MapContents {
  /** Number of images. */
  readonly count: number;
  readonly signal: AbortSignal;
  readonly terminal: Terminal;
}

/** Writes a map to OUT/map with progress; returns the path of its page, or null if it was interrupted. */
export async function writeMapPage(
  out: string,
  { count, signal, terminal, ...contents }: MapPage,
): Promise<string | null> {
  if (signal.aborted) return null;
  async function* counting(): AsyncGenerator<MapImage> {
    let i = 0;
    for await (const image of contents.images) {
      terminal.progress('writing the map, image', i++, count);
      yield image;
    }
  }
  try {
    const { file, reduced } = await writeMap(
      join(out, 'map'),
      { ...contents, images: counting() },
      {
        signal,
        // Of a folder, images are counted.
        onProgress: ({ done, total }) => {
          if (count === 1) terminal.progress('writing the map, tile', done, total);
        },
      },
    );
    terminal.stop();
    for (const name of reduced) terminal.say(`the map shows ${name} at a lower resolution`);
    return file;
  } catch (error) {
    if (error !== signal.reason) throw error;
    return null;
  }
}
