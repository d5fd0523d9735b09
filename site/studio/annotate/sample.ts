// Synthetic tiles to try the annotator with: half of their buildings have boxes, one tile is all empty.
import { generateChip, type Box, type LabelledObject } from 'retinagrad/data';

const SEED = 3;
const SIZE = 192;
const TILES = 6;

export interface SampleTile {
  readonly name: string;
  readonly blob: Blob;
  /** Half of its buildings. */
  readonly boxes: readonly LabelledObject[];
  /** What a detector might find. */
  readonly suggestions: readonly LabelledObject[];
}

export function sampleTiles(): Promise<SampleTile[]> {
  const chips = Array.from({ length: TILES }, (_, i) => generateChip(SEED, i, { size: SIZE, metresPerPixel: 0.4 }));
  const range = rangeOf(chips.map(({ levels }) => levels));
  return Promise.all(
    chips.map(async ({ levels, footprints }, i) => {
      const all = footprints.map((ring) => ({ label: 0, box: boundsOf(ring) }));
      const boxes = all.filter((_, k) => k % 2 === 0);
      return { name: `tile-${i + 1}.png`, blob: await pngOf(levels, range), boxes, suggestions: suggestionsFor(all) };
    }),
  );
}

/** Suggestions made from known buildings: a few pixels off, with scores. Only for trying the annotator without a model. */
function suggestionsFor(buildings: readonly LabelledObject[]): LabelledObject[] {
  return buildings.map(({ label, box: [x1, y1, x2, y2] }, i) => {
    const off = (k: number): number => ((i * 7 + k * 3) % 5) - 2;
    const box: Box = [x1 + off(0), y1 + off(1), x2 + off(2), y2 + off(3)];
    return { label, box, score: 0.95 - ((i * 13) % 40) / 100 };
  });
}

function boundsOf(ring: readonly (readonly [x: number, y: number])[]): Box {
  const [xs, ys] = [ring.map(([x]) => x), ring.map(([, y]) => y)];
  const tenth = (x: number): number => Math.round(x * 10) / 10;
  return [tenth(Math.min(...xs)), tenth(Math.min(...ys)), tenth(Math.max(...xs)), tenth(Math.max(...ys))];
}

/** The levels that become black and white, for all tiles alike: the darkest and the brightest hundredth are cut off. */
function rangeOf(tiles: readonly Uint16Array[]): { readonly low: number; readonly high: number } {
  const sorted = Uint16Array.from(tiles.flatMap((levels) => [...levels])).sort();
  return { low: sorted[Math.floor(sorted.length / 100)]!, high: sorted[Math.floor(sorted.length * 0.99)]! };
}

async function pngOf(levels: Uint16Array, { low, high }: { low: number; high: number }): Promise<Blob> {
  const pixels = new Uint8ClampedArray(SIZE * SIZE * 4).fill(255);
  levels.forEach((level, i) => {
    pixels[4 * Math.floor(i / 3) + (i % 3)] = ((level - low) / (high - low)) * 255;
  });
  const canvas = new OffscreenCanvas(SIZE, SIZE);
  canvas.getContext('2d')!.putImageData(new ImageData(pixels, SIZE, SIZE), 0, 0);
  return canvas.convertToBlob({ type: 'image/png' });
}
