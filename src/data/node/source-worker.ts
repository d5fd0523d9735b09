// Entry of the threads of `openWorkerSource`.
import { imageSize, packedBytes } from '../../imagery/image.ts';
import { augmentedSource } from '../source.ts';
import type { Sample } from '../types.ts';
import { serve } from './worker-pool.ts';
import { openRecipe, type PackedSample, type ReadRequest, type SourceRecipe } from './workers.ts';

await serve<SourceRecipe, ReadRequest, PackedSample>(async (recipe) => {
  const dataset = await openRecipe(recipe);
  // Buffers that the data set may keep must not move to another thread.
  const kept = new WeakSet<ArrayBufferLike>();
  const watched = {
    classes: dataset.classes,
    ids: dataset.ids,
    async get(index: number): Promise<Sample> {
      const sample = await dataset.get(index);
      kept.add(sample.image.data.buffer);
      return sample;
    },
  };
  const source = augmentedSource(watched, recipe);
  return async ({ index, seed, epoch }) => {
    const { id, image, boxes, labels } = await source.read(index, seed, epoch);
    const packed = packedBytes(image);
    // Only a buffer that these bytes fill, and that is no one else's, can be moved as it is.
    const isOwn = packed.byteLength === packed.buffer.byteLength && !kept.has(packed.buffer);
    // Not `slice`, which for a Buffer of Node copies nothing.
    const bytes = (isOwn ? packed : new Uint8Array(packed)) as Uint8Array<ArrayBuffer>;
    return { reply: { id, ...imageSize(image), bytes, boxes, labels }, transfer: [bytes.buffer] };
  };
});
