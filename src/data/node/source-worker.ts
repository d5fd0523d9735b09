// Entry of the threads of `openWorkerSource`.
import { imageShape, packedBytes } from '../../imagery/image.ts';
import { augmentedSource } from '../source.ts';
import { SampleError, type Dataset, type Sample } from '../types.ts';
import { serve, type Answer } from './worker-pool.ts';
import { openRecipe, type FailedSample, type PackedSample, type ReadRequest, type SourceRecipe } from './workers.ts';

await serve<SourceRecipe, ReadRequest, PackedSample | FailedSample>(async (recipe) => {
  const dataset = await openRecipe(recipe);
  // Buffers that the data set may keep must not move to another thread.
  const kept = new WeakSet<ArrayBufferLike>();
  const watched: Dataset = {
    classes: dataset.classes,
    ids: dataset.ids,
    decoding: dataset.decoding,
    async get(index: number): Promise<Sample> {
      const sample = await dataset.get(index);
      kept.add(sample.image.data.buffer);
      return sample;
    },
  };
  const source = augmentedSource(watched, recipe);
  return async ({ index, seed, epoch }) => {
    try {
      return pack(await source.read(index, seed, epoch), kept);
    } catch (error) {
      if (!(error instanceof SampleError)) throw error;
      return { reply: { id: error.id, reason: error.reason }, transfer: [] };
    }
  };
});

function pack({ id, image, boxes, labels }: Sample, kept: WeakSet<ArrayBufferLike>): Answer<PackedSample> {
  const packed = packedBytes(image);
  // Only a buffer that these bytes fill and that nothing else holds can be transferred.
  const isOwn = packed.byteLength === packed.buffer.byteLength && !kept.has(packed.buffer);
  // Not `slice`, which copies nothing for a Buffer of Node.
  const bytes = (isOwn ? packed : new Uint8Array(packed)) as Uint8Array<ArrayBuffer>;
  return { reply: { id, ...imageShape(image), bytes, boxes, labels }, transfer: [bytes.buffer] };
}
