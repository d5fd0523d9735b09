// The annotator's bitmaps: those of the current image and its neighbours are open, others only while their thumbnail is drawn.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Bitmaps } from '../../site/studio/annotate/bitmaps.ts';

/** Images that count how many of them are open. */
function images(count: number, broken: readonly number[] = []) {
  const counts = { open: 0, most: 0 };
  const list = Array.from({ length: count }, (_, i) => ({
    id: `${i}.png`,
    open: async () => {
      await Promise.resolve();
      if (broken.includes(i)) throw new Error(`${i}.png is damaged`);
      counts.open++;
      counts.most = Math.max(counts.most, counts.open);
      let isOpen = true;
      return {
        close: () => {
          if (isOpen) counts.open--;
          isOpen = false;
        },
      };
    },
  }));
  return { list, counts };
}
const settled = () => new Promise((resolve) => setTimeout(resolve));
const near = <T>(list: readonly T[], i: number): T[] => [i, i + 1, i - 1].flatMap((at) => list[at] ?? []);

test('going through hundreds of images never has more than a few open', async () => {
  const { list, counts } = images(300);
  const bitmaps = new Bitmaps<{ close(): void }>();
  for (let i = 0; i < list.length; i++) {
    bitmaps.keep(near(list, i));
    await bitmaps.get(list[i]!);
    await settled();
    assert.ok(counts.open <= 3, `${counts.open} open at image ${i}`);
  }
  await Promise.all(
    list.map((image) =>
      bitmaps.once(
        image,
        () => true,
        () => undefined,
      ),
    ),
  );
  assert.ok(counts.most <= 5, `${counts.most} were open at once`);
  bitmaps.close();
  await settled();
  assert.is(counts.open, 0);
});

test('an image that was left before it was open is closed or never opened', async () => {
  const { list, counts } = images(50);
  const bitmaps = new Bitmaps<{ close(): void }>();
  for (let i = 0; i < list.length; i++) bitmaps.keep(near(list, i));
  await bitmaps.get(list[49]!);
  await settled();
  assert.ok(counts.open <= 2 && counts.most <= 4, `${counts.open} of at most ${counts.most}`);
  let drawn = 0;
  await bitmaps.once(
    list[3]!,
    () => false,
    () => drawn++,
  );
  assert.is(drawn, 0, 'a thumbnail that was scrolled away');
});

test('a damaged image says so, is tried again, and does not stop the others', async () => {
  const { list } = images(3, [1]);
  const bitmaps = new Bitmaps<{ close(): void }>();
  bitmaps.keep(list);
  for (let i = 0; i < 2; i++) {
    const error = await bitmaps.get(list[1]!).catch((one: unknown) => one);
    assert.match(String(error), /1\.png is damaged/);
  }
  assert.ok(await bitmaps.get(list[2]!));
});

test.run();
