import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { LostClaim, WorkQueue } from '../../src/detector-node.ts';
import { errorOf, rejects } from '../support/errors.ts';
import { temporaryFolder } from '../support/files.ts';

const folder = temporaryFolder();
let number = 0;
const fresh = (): string => join(folder, String(number++));
const terms = { model: 'a', tile: 64 };
const joinQueue = (at: string, pieces = 3, lease = 60): Promise<WorkQueue> =>
  WorkQueue.join(at, terms, async () => ({ pieces, plan: null }), { lease });

/** As if the holder of a claim had been silent for two minutes. */
const silence = (at: string, claim: string): void => {
  const { mtimeMs } = statSync(join(at, claim));
  utimesSync(join(at, claim), (mtimeMs - 120_000) / 1000, (mtimeMs - 120_000) / 1000);
};

test('workers take each piece once, then one of them the whole; nothing but the end is left', async () => {
  const at = fresh();
  const workers = await Promise.all([1, 2, 3].map(() => joinQueue(at, 20)));
  const taken: number[] = [];
  let isAllDone = false;
  await Promise.all(
    workers.map(async (queue) => {
      for (;;) {
        const claim = await queue.take();
        if (claim === null && (await queue.contents()).isFinished) return;
        if (claim === null) continue;
        taken.push(claim.piece);
        if (claim.piece === 20) {
          for (let piece = 0; piece < 20; piece++) assert.is(await queue.result(piece), `result ${piece}`);
          isAllDone = true;
        }
        await claim.finish(`result ${claim.piece}`);
      }
    }),
  );
  assert.ok(isAllDone);
  assert.equal(
    taken.sort((a, b) => a - b),
    Array.from({ length: 21 }, (_, i) => i),
  );
  assert.equal(readdirSync(at).sort(), ['finished.json', 'plan.json']);
  assert.is(await (await joinQueue(at, 20)).take(), null);
});

test('of several first workers, the plan of one counts', async () => {
  const at = fresh();
  const queues = await Promise.all(
    [5, 6, 7, 8].map((pieces) => WorkQueue.join(at, terms, async () => ({ pieces, plan: pieces }))),
  );
  assert.is(new Set(queues.map(({ plan }) => plan)).size, 1);
  assert.is(queues[0]!.plan, queues[0]!.pieces);
  assert.equal(
    readdirSync(folder).filter((name) => name.includes('partial')),
    [],
    'the other plans are removed',
  );
});

test('a piece whose holder is silent is taken over by one; the holder notices, and its result does not replace that', async () => {
  const at = fresh();
  const [slow, other, third] = [await joinQueue(at, 1), await joinQueue(at, 1), await joinQueue(at, 1)];
  const stalled = (await slow.take())!;
  assert.is(await other.take(), null);
  silence(at, '0.0.claim');
  const claims = (await Promise.all([other.take(), third.take()])).filter((claim) => claim !== null);
  assert.is(claims.length, 1);
  const [claim] = claims;
  assert.match(claim!.lost!.worker, `process ${process.pid}`);
  assert.ok(claim!.lost!.seconds >= 120);
  assert.instance(await errorOf(() => stalled.checkHeld()), LostClaim);
  assert.instance(stalled.signal.reason, LostClaim);
  await claim!.checkHeld();
  await claim!.finish('of the other');
  await stalled.finish('of the stalled');
  assert.is(await slow.result(0), 'of the other');
  const whole = (await slow.take())!;
  assert.is(whole.piece, 1);
  await whole.finish('');
  await stalled.finish('much later');
  assert.equal(readdirSync(at).sort(), ['finished.json', 'plan.json']);
});

test('a stalled holder that was not taken over goes on', async () => {
  const at = fresh();
  const claim = (await (await joinQueue(at, 1)).take())!;
  silence(at, '0.0.claim');
  await claim.checkHeld();
  assert.is(await (await joinQueue(at, 1)).take(), null, 'it has given a sign of life');
  await claim.handBack();
});

test('signs of life come while the main thread is busy', async () => {
  const at = fresh();
  const claim = (await (await joinQueue(at, 1, 0.4)).take())!;
  const first = statSync(join(at, '0.0.claim')).mtimeMs;
  // As in a long merge, but at most until the thread has written.
  for (let now = first; now === first;) now = statSync(join(at, '0.0.claim')).mtimeMs;
  await claim.handBack();
});

test('what is handed back can be taken at once, and nobody was lost', async () => {
  const at = fresh();
  const [one, other] = [await joinQueue(at, 1), await joinQueue(at, 1)];
  await (await one.take())!.handBack();
  const claim = (await other.take())!;
  assert.is(claim.piece, 0);
  assert.is(claim.lost, null);
  await claim.handBack();
});

test('clocks of machines do not count, and a claim that was not written whole expires, too', async () => {
  const at = fresh();
  await (await joinQueue(at, 1)).take();
  const real = Date.now;
  Date.now = () => real() + 1e9;
  try {
    assert.is(await (await joinQueue(at, 1)).take(), null);
  } finally {
    Date.now = real;
  }
  const torn = fresh();
  const queue = await joinQueue(torn, 1);
  writeFileSync(join(torn, '0.0.claim'), '');
  assert.is(await queue.take(), null);
  silence(torn, '0.0.claim');
  const claim = (await queue.take())!;
  assert.is(claim.lost!.worker, 'an unknown worker');
  await claim.handBack();
});

test('a damaged result is put aside, and its piece done again', async () => {
  const at = fresh();
  const queue = await joinQueue(at, 2);
  for (const text of ['a', 'b']) await (await queue.take())!.finish(text);
  writeFileSync(join(at, '1.json'), readFileSync(join(at, '1.json'), 'utf8').slice(0, -1));
  const whole = (await queue.take())!;
  assert.is(whole.piece, 2);
  const aside: string[] = [];
  assert.is(await queue.result(1, (path) => aside.push(path)), undefined);
  assert.is(aside.length, 1);
  await whole.handBack();
  const again = (await queue.take())!;
  assert.is(again.piece, 1);
  await again.finish('b');
  assert.is(await queue.result(1), 'b');
  assert.is((await queue.take())!.piece, 2);
});

test('other terms are refused with what differs, and so is a damaged plan', async () => {
  const at = fresh();
  await joinQueue(at);
  const others = (given: Record<string, string | number>) =>
    WorkQueue.join(at, given, async () => ({ pieces: 1, plan: null }));
  await rejects(
    others({ ...terms, tile: 32 }),
    /other terms: tile is 32, there 64\. Give all workers the same, or remove/,
  );
  await rejects(others({ model: 'a', views: 'flips' }), /tile is missing, there 64; views is flips, there missing/);
  await rejects(others({ tile: 64, model: 'a' }), /another order/);
  writeFileSync(join(at, 'plan.json'), '{"terms":');
  await rejects(joinQueue(at), /plan\.json: it is damaged; remove its folder to begin anew/);
});

test('what cannot be read or written is named: a folder that was removed, a file in its place, a heartbeat that fails', async () => {
  const at = fresh();
  const queue = await joinQueue(at);
  const claim = (await queue.take())!;
  rmSync(at, { recursive: true });
  await rejects(queue.take(), /was removed while workers shared it/);
  assert.instance(await errorOf(() => claim.checkHeld()), LostClaim);
  writeFileSync(at, '');
  await rejects(joinQueue(at), new RegExp(`${number - 1}`));
  rmSync(at);
  const held = fresh();
  const other = (await (await joinQueue(held, 1, 0.2)).take())!;
  rmSync(join(held, '0.0.claim'));
  mkdirSync(join(held, '0.0.claim'));
  await new Promise((resolve) => other.signal.addEventListener('abort', resolve));
  assert.match(String(other.signal.reason), /0\.0\.claim: cannot be written/);
  await rejects(
    WorkQueue.join(fresh(), {}, async () => ({ pieces: 1, plan: null }), { lease: 0 }),
    /lease is 0, expected a number > 0/,
  );
});

test.run();
