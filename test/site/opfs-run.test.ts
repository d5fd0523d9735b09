// The studio's storage of a run: whatever write a killed tab did not complete, the state before it is whole.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { MemoryRun } from '../../src/train/memory-run.ts';
import { OpfsRun, REPLACED, type RunFiles } from '../../site/studio/opfs-run.ts';
import { readSlots, SlotFile, StorageFullError, type Handle } from '../../site/studio/slot-file.ts';

/** A file in memory. Writes after `fuel` bytes or operations fail, as if the tab were killed. */
class File_ implements Handle {
  bytes = new Uint8Array();
  readonly power: { fuel: number };
  constructor(power: { fuel: number } = { fuel: Infinity }) {
    this.power = power;
  }
  #spend(): void {
    if (this.power.fuel-- <= 0) throw new Error('killed');
  }
  getSize(): number {
    return this.bytes.length;
  }
  read(to: Uint8Array, { at }: { at: number }): number {
    const part = this.bytes.subarray(at, at + to.length);
    to.set(part);
    return part.length;
  }
  write(from: Uint8Array, { at }: { at: number }): number {
    // Byte by byte: a kill may leave any part.
    for (const [i, byte] of from.entries()) {
      this.#spend();
      if (at + i >= this.bytes.length) this.truncate(at + i + 1);
      this.bytes[at + i] = byte;
    }
    return from.length;
  }
  truncate(size: number): void {
    const old = this.bytes;
    this.bytes = new Uint8Array(size);
    this.bytes.set(old.subarray(0, size));
  }
  flush(): void {
    this.#spend();
  }
  close(): void {}
}

const slotsOf = (power?: { fuel: number }): [File_, File_] => [new File_(power), new File_(power)];
const newest = (file: SlotFile): string => {
  const [first] = file.contents();
  return first === undefined ? 'nothing' : new TextDecoder().decode(first);
};
const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);

test('a slot file has its old or its new content, wherever writing stops', async () => {
  const power = { fuel: Infinity };
  for (let fuel = 0; ; fuel++) {
    const slots = slotsOf(power);
    const file = new SlotFile(slots);
    power.fuel = Infinity;
    for (const text of ['first', 'second']) file.write(bytesOf(text));
    power.fuel = fuel;
    let isDone = true;
    try {
      file.write(bytesOf('third content'));
    } catch {
      isDone = false;
    }
    const found = newest(new SlotFile(slots));
    assert.ok(found === 'second' || found === 'third content', `after ${fuel}: ${found}`);
    const read = await readSlots(slots.map(({ bytes }) => new Blob([bytes])));
    assert.is(new TextDecoder().decode(read!), found);
    if (isDone) {
      assert.is(found, 'third content');
      assert.ok(fuel > 60, 'each byte was tried');
      return;
    }
  }
});

test('the contents of a slot file are the last two', () => {
  const file = new SlotFile(slotsOf());
  assert.not(file.isWritten);
  for (const text of ['1', '2', '3']) file.write(bytesOf(text));
  assert.equal(
    [...file.contents()].map((bytes) => new TextDecoder().decode(bytes)),
    ['3', '2'],
  );
});

test('a storage that takes fewer bytes than it is given is full, and the content before is kept', () => {
  const slots = slotsOf();
  const file = new SlotFile(slots);
  file.write(bytesOf('before'));
  for (const slot of slots) slot.write = () => 3;
  assert.throws(
    () => file.write(bytesOf('after')),
    (error: unknown) => error instanceof StorageFullError,
  );
  assert.is(newest(file), 'before');
});

const step = (number: number) =>
  ({
    kind: 'step',
    step: number,
    epoch: 0,
    loss: 1 / number,
    classification: 0,
    boxRegression: 0,
    gradientNorm: 1,
    positives: 1,
    learningRate: 0.1,
    imagesPerSecond: 1,
    waitSeconds: 0,
  }) as const;
const evaluation = (number: number) =>
  ({
    kind: 'evaluation',
    step: number,
    epoch: 1,
    f1: 0.5,
    precision: 0.5,
    recall: 0.5,
    threshold: 0.5,
    averagePrecision: 0.5,
    images: 1,
    truths: 1,
  }) as const;

const newFiles = (): RunFiles & { readonly metrics: File_; readonly slots: File_[] } => {
  const slots: File_[] = [];
  const made = REPLACED.map((name) => {
    const pair = slotsOf();
    slots.push(...pair);
    return [name, new SlotFile(pair)] as const;
  });
  return { ...(Object.fromEntries(made) as Record<(typeof REPLACED)[number], SlotFile>), metrics: new File_(), slots };
};
const tensors = (value: number) => new Map([['w', { shape: [2], data: Float32Array.of(value, value) }]]);

test('a run in storage is what a run in memory is, after it was opened again', () => {
  const files = newFiles();
  const [run, memory] = [new OpfsRun('run', files), new MemoryRun()];
  assert.not(run.isUsed);
  for (const store of [run, memory]) {
    store.append(step(1));
    store.append(step(2));
    store.append(evaluation(2));
    store.saveState(tensors(1), { progress: '2' });
    store.append(step(3));
    store.append(step(4));
    store.append(evaluation(4));
  }
  // The tab was killed while it wrote a line.
  files.metrics.write(bytesOf('{"kind":"st'), { at: files.metrics.getSize() });
  const again = new OpfsRun('run', files);
  assert.equal(again.records, memory.records);
  again.restoreRecords({ steps: 2, lastEvaluatedStep: 2 });
  memory.restoreRecords({ steps: 2, lastEvaluatedStep: 2 });
  assert.equal(again.records, memory.records);
  assert.is(again.records.length, 3);
  assert.equal(again.loadState(assert.unreachable)!.metadata, memory.loadState()!.metadata);
  assert.equal(new OpfsRun('run', files).records, memory.records);
});

test('an evaluation that the state does not have is dropped, though its step is reached', () => {
  const run = new OpfsRun('run', newFiles());
  for (const record of [step(1), step(2), evaluation(2)]) run.append(record);
  run.restoreRecords({ steps: 2, lastEvaluatedStep: 0 });
  assert.equal(run.records, [step(1), step(2)]);
  run.append(evaluation(2));
  assert.is(run.records.length, 3);
});

test('a damaged state is skipped with a warning; without another one it is an error', () => {
  const files = newFiles();
  const run = new OpfsRun('run', files);
  run.saveState(tensors(1), { progress: 'old' });
  run.saveState(tensors(2), { progress: 'new' });
  const [older, newer] = files.slots as [File_, File_];
  newer.bytes[newer.bytes.length - 1]! ^= 1;
  const warnings: string[] = [];
  assert.equal({ ...run.loadState((text) => warnings.push(text))!.metadata }['progress'], 'old');
  assert.is(warnings.length, 1);
  assert.match(warnings[0]!, /damaged.*The run continues from the state before it/s);
  older.bytes[older.bytes.length - 1]! ^= 1;
  assert.throws(() => run.loadState(() => undefined), /there is no other state/);
});

test.run();
