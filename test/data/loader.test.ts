import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { augment } from '../../src/data/augment.ts';
import { cacheSamples } from '../../src/data/cache.ts';
import { InputError } from '../../src/common/errors.ts';
import { packedBytes } from '../../src/imagery/image.ts';
import { batches, type Batch, type BatchOptions } from '../../src/data/loader.ts';
import { augmentedSource } from '../../src/data/source.ts';
import { SampleError, type Dataset } from '../../src/data/types.ts';
import { markedSample, rejects } from './support.ts';

interface Watched extends Dataset {
  readonly reads: number[];
  readonly open: { now: number; most: number };
}

/** A data set of `n` noisy squares that takes a few turns of the event loop to read, fewer for later samples. */
function squares(n: number, broken?: number): Watched {
  const reads: number[] = [];
  const open = { now: 0, most: 0 };
  return {
    classes: ['a'],
    ids: Array.from({ length: n }, (_, i) => `tile${i}`),
    reads,
    open,
    async get(index) {
      reads.push(index);
      open.most = Math.max(open.most, ++open.now);
      for (let i = 0; i < n - index; i++) await new Promise((resolve) => setImmediate(resolve));
      open.now--;
      if (index === broken) throw new Error('file is damaged');
      return { ...markedSample(8, 8, [[1, 2, 5, 4]], index), id: `tile${index}` };
    },
  };
}

async function collect(
  dataset: Dataset,
  options: BatchOptions,
  indices = dataset.ids.map((_, i) => i),
): Promise<Batch[]> {
  const all: Batch[] = [];
  for await (const batch of batches(dataset, indices, options)) all.push(batch);
  return all;
}

const vary: NonNullable<BatchOptions['augment']> = (sample, random) => augment(sample, {}, random);
const content = (list: readonly Batch[]): unknown =>
  list.map((batch) => [
    batch.number,
    batch.indices,
    batch.samples.map((s) => [s.id, [...packedBytes(s.image)], [...s.boxes]]),
  ]);

test('the parts of a batch are those of the whole one in order, also if it is not full or cannot be divided equally', async () => {
  const options = { batchSize: 5, seed: 5, augment: vary };
  const whole = await collect(squares(8), options);
  const parts = await Promise.all(
    [0, 1, 2].map((rank) => collect(squares(8), { ...options, part: { rank, size: 3 } })),
  );
  const sizes = parts.map((part) => part.map(({ samples }) => samples.length));
  assert.equal(sizes, [
    [1, 1],
    [2, 2],
    [2, 0],
  ]);
  const joined = whole.map((batch, i) => ({
    ...batch,
    indices: parts.flatMap((part) => part[i]!.indices),
    samples: parts.flatMap((part) => part[i]!.samples),
  }));
  assert.equal(content(joined), content(whole));
});

test('an epoch visits every index once, in an order of seed and epoch', async () => {
  const options = { batchSize: 3, seed: 5, epoch: 1 };
  const first = await collect(squares(8), options);
  assert.equal(
    first.map((batch) => batch.samples.length),
    [3, 3, 2],
  );
  assert.ok(first.every((batch, i) => batch.number === i && batch.count === 3));
  const order = first.flatMap((batch) => batch.indices);
  assert.equal(
    [...order].sort((a, b) => a - b),
    [0, 1, 2, 3, 4, 5, 6, 7],
  );
  assert.equal(
    first.flatMap((batch) => batch.samples.map((s) => s.id)),
    order.map((i) => `tile${i}`),
  );
  assert.not.equal(
    (await collect(squares(8), { ...options, epoch: 2 })).flatMap((b) => b.indices),
    order,
  );
  assert.not.equal(
    (await collect(squares(8), { ...options, seed: 6 })).flatMap((b) => b.indices),
    order,
  );
  assert.equal(
    (await collect(squares(8), { ...options, shuffle: false }, [4, 2, 6])).flatMap((b) => b.indices),
    [4, 2, 6],
  );
  assert.equal(
    (await collect(squares(8), { ...options, dropLast: true })).map((b) => b.samples.length),
    [3, 3],
  );
  assert.equal(await collect(squares(8), options, []), []);
});

test('content does not depend on reading ahead, and going on in the middle is exact', async () => {
  const options = { batchSize: 2, seed: 9, epoch: 3, augment: vary };
  const whole = content(await collect(squares(7), options)) as unknown[];
  for (const prefetch of [0, 1, 5]) assert.equal(content(await collect(squares(7), { ...options, prefetch })), whole);
  for (const start of [1, 3, 4])
    assert.equal(content(await collect(squares(7), { ...options, start })), whole.slice(start));
  assert.not.equal(content(await collect(squares(7), { ...options, epoch: 4 })), whole);
});

test('a sample that comes twice in an epoch comes in two ways, with `read` as with `augment`', async () => {
  const options = { batchSize: 2, seed: 9, epoch: 3 };
  const dataset = squares(3);
  const twice = [0, 1, 2, 1, 0, 1];
  const found = await collect(dataset, { ...options, augment: vary }, twice);
  const byId = new Map<string, Set<string>>();
  for (const sample of found.flatMap((batch) => batch.samples)) {
    byId.set(sample.id, (byId.get(sample.id) ?? new Set()).add([...packedBytes(sample.image)].join()));
  }
  assert.equal(
    ['tile0', 'tile1', 'tile2'].map((id) => byId.get(id)?.size),
    [2, 3, 1],
  );
  const source = augmentedSource(dataset, { augment: {} });
  const read = await collect(dataset, { ...options, read: source.read.bind(source) }, twice);
  assert.equal(content(read), content(found));
  assert.equal(
    content(await collect(dataset, { ...options, augment: vary, start: 1 }, twice)),
    (content(found) as unknown[]).slice(1),
  );
});

test('the next batches are read while one is in use, and no more', async () => {
  const dataset = squares(10);
  const walk = batches(
    dataset,
    dataset.ids.map((_, i) => i),
    { batchSize: 2, shuffle: false, prefetch: 2 },
  );
  assert.equal(dataset.reads, []);
  await walk.next();
  assert.equal(dataset.reads, [0, 1, 2, 3, 4, 5]);
  await new Promise((resolve) => setTimeout(resolve, 20));
  assert.equal(dataset.reads.length, 6);
  await walk.next();
  assert.equal(dataset.reads.length, 8);
  await walk.return();
  assert.equal(dataset.reads.length, 8);
  assert.is(dataset.open.now, 0, 'nothing is being read after the end');
  assert.equal(await walk.next(), { value: undefined, done: true });
});

test('leaving the loop stops the reading', async () => {
  const dataset = squares(10);
  for await (const batch of batches(dataset, [0, 1, 2, 3, 4, 5, 6, 7], { batchSize: 1, shuffle: false, prefetch: 1 })) {
    if (batch.number === 1) break;
  }
  assert.equal(dataset.reads, [0, 1, 2]);
  assert.is(dataset.open.now, 0);
});

test('an error names the sample and comes in its turn', async () => {
  const walk = batches(squares(6, 4), [0, 1, 2, 3, 4, 5], { batchSize: 2, shuffle: false, prefetch: 3 });
  assert.equal((await walk.next()).value?.indices, [0, 1]);
  assert.equal((await walk.next()).value?.indices, [2, 3]);
  const error = await walk.next().catch((reason: unknown) => reason);
  assert.instance(error, SampleError);
  const { message, index, id, reason } = error as SampleError;
  assert.is(message, 'batches: sample 4 (tile4): file is damaged');
  assert.equal([index, id, reason], [4, 'tile4', 'file is damaged']);
  assert.ok((await walk.next()).done);
  const source = augmentedSource(squares(6, 4), { augment: null });
  const reading = collect(squares(6), { batchSize: 1, read: source.read.bind(source) });
  await rejects(reading, /^batches: sample 4 \(tile4\): file is damaged$/);
  const fail = (): never => {
    throw new Error('no');
  };
  await rejects(collect(squares(2), { batchSize: 1, augment: fail, shuffle: false }), /sample 0 \(tile0\): no/);
});

test('samples whose file cannot be read are left out if someone is told; other errors are thrown', async () => {
  const damaged: Dataset = {
    ...squares(7),
    async get(index) {
      if ([1, 3, 4, 5].includes(index)) throw new InputError('readImage', 'is damaged', { file: `${index}.png` });
      return squares(7).get(index);
    },
  };
  const told: [number, string][] = [];
  const onUnreadable = (index: number, error: InputError): void => void told.push([index, error.explain()]);
  const found = await collect(damaged, { batchSize: 2, shuffle: false, prefetch: 0, onUnreadable });
  assert.equal(
    found.map(({ indices }) => indices),
    [[0], [2], [], [6]],
  );
  assert.equal(
    found.map(({ samples }) => samples.map(({ id }) => id)),
    [['tile0'], ['tile2'], [], ['tile6']],
  );
  assert.equal(
    told,
    [1, 3, 4, 5].map((index) => [index, `${index}.png: is damaged`]),
  );
  await rejects(collect(squares(5, 4), { batchSize: 2, onUnreadable }), /tile4\): file is damaged$/);
});

test('a broken sample behind the end of the walk is not an unhandled rejection', async () => {
  let unhandled = 0;
  const count = (): unknown => unhandled++;
  process.on('unhandledRejection', count);
  const walk = batches(squares(6, 3), [0, 1, 2, 3], { batchSize: 1, shuffle: false, prefetch: 3 });
  await walk.next();
  await new Promise((resolve) => setTimeout(resolve, 20));
  await walk.return();
  process.off('unhandledRejection', count);
  assert.is(unhandled, 0);
});

test('wrong arguments', () => {
  const dataset = squares(3);
  assert.throws(() => batches(dataset, [0, 3], { batchSize: 1 }), /index is 3, expected an integer from 0 to 2/);
  assert.throws(() => batches(dataset, [0], { batchSize: 0 }), /batchSize is 0/);
  assert.throws(() => batches(dataset, [0], { batchSize: 1, prefetch: -1 }), /prefetch is -1/);
  assert.throws(() => cacheSamples(dataset, -1), /cacheBytes is -1/);
});

test('the cache holds what fits, reads it once, and forgets failures', async () => {
  const bytes = 8 * 8 * 3 + 16 + 4;
  const dataset = squares(4);
  const cached = cacheSamples(dataset, 2 * bytes);
  const [a, b] = await Promise.all([cached.get(1), cached.get(1)]);
  assert.is(a, b);
  for (let epoch = 0; epoch < 3; epoch++) for (const i of [0, 1, 2, 3]) assert.is((await cached.get(i)).id, `tile${i}`);
  assert.equal(dataset.reads.filter((i) => i === 0 || i === 1).length, 2);
  assert.equal(dataset.reads.filter((i) => i === 2 || i === 3).length, 6);
  const described = { ...squares(4), describe: () => Promise.reject(new Error('asked')) };
  await rejects(cacheSamples(described, 0).describe?.(0) ?? Promise.resolve(), /asked/);
  assert.is(typeof cached.describe, 'undefined');
  const broken = squares(2, 0);
  const retried = cacheSamples(broken, 1e6);
  await rejects(retried.get(0), /damaged/);
  await rejects(retried.get(0), /damaged/);
  assert.equal(broken.reads, [0, 0]);
});

test.run();
