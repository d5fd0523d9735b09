import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { openWorkerPool, type WorkerPool } from '../../src/data/node/worker-pool.ts';
import { rejects } from './support.ts';

const entry = new URL('./worker-entries/fragile.ts', import.meta.url);
const open = (workers: number, start = 'well'): Promise<WorkerPool<number | string, number>> =>
  openWorkerPool(entry, workers, { start });

test('every request gets its own answer, from one worker or more', async () => {
  for (const workers of [1, 3]) {
    const pool = await open(workers);
    const answers = await Promise.all(Array.from({ length: 50 }, (_, i) => pool.call(i, i)));
    assert.equal(
      answers,
      Array.from({ length: 50 }, (_, i) => 2 * i),
    );
    await pool.close();
  }
});

test('a request that fails leaves the others and the worker as they are', async () => {
  const pool = await open(1);
  const [bad, good] = [pool.call('reject', 0), pool.call(4, 0)];
  await rejects(bad, /^sample 5 is damaged$/);
  assert.is(await good, 8);
  assert.is(await pool.call(5, 0), 10);
  await pool.close();
});

test('a worker that ends or throws outside of a request is reported for what it owed and for what comes later', async () => {
  for (const [how, pattern] of [
    ['exit', /^worker 1 of 2 ended with code 7$/],
    ['throw', /^worker 1 of 2 failed: out of the blue$/],
  ] as const) {
    const pool = await open(2);
    const pending = pool.call('never', 0);
    await rejects(Promise.race([pool.call(how, 0), pending]), pattern);
    await rejects(pending, pattern);
    await rejects(pool.call(1, 1), pattern);
    await pool.close();
  }
});

test('workers that do not start are reported with their reason', async () => {
  await rejects(open(2, 'reject'), /^no such data$/);
  await rejects(open(1, 'exit'), /^worker 1 of 1 ended with code 3$/);
  await rejects(open(0), /workers is 0, expected an integer >= 1/);
  await rejects(
    openWorkerPool(new URL('./worker-entries/none.ts', import.meta.url), 1, null),
    /worker 1 of 1 failed: .*none\.ts/,
  );
});

test('closing rejects what is in flight and what comes later, and may be repeated', async () => {
  const pool = await open(2);
  const pending = pool.call('never', 0);
  const rejected = rejects(pending, /workers were closed/);
  await pool.close();
  await rejected;
  await rejects(pool.call(1, 0), /workers were closed/);
  await pool.close();
});

test('a pool that nobody closed lets the process end, but not before the answer is there', () => {
  const module = fileURLToPath(new URL('../../src/data/node/worker-pool.ts', import.meta.url));
  const code = `
    import { openWorkerPool } from ${JSON.stringify(module)};
    const pool = await openWorkerPool(new URL(${JSON.stringify(entry.href)}), 2, { start: 'well' });
    console.log(await pool.call(21, 0));`;
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ['--conditions', 'retinagrad-source', '--import', 'tsx', '--input-type=module', '--eval', code],
    { cwd: fileURLToPath(new URL('../../', import.meta.url)), encoding: 'utf8', timeout: 60_000 },
  );
  assert.is(stderr, '');
  assert.is(stdout, '42\n');
  assert.is(status, 0);
});

test.run();
