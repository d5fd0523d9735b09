import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { lockFolder } from '../../src/train/node/run-lock.ts';

const folder = mkdtempSync(join(tmpdir(), 'retinagrad-lock-'));
const path = join(folder, 'run.lock');
test.after(() => rmSync(folder, { recursive: true }));

lockFolder(folder)();
const release = lockFolder(folder);
const own = JSON.parse(readFileSync(path, 'utf8')) as Record<string, unknown>;
release();

/** Whether the folder can be locked while another has left such a lock. */
function isTaken(text: string, { seconds = 0 } = {}): boolean {
  writeFileSync(path, text);
  const time = Date.now() / 1000 - seconds;
  utimesSync(path, time, time);
  try {
    lockFolder(folder)();
    return false;
  } catch (error) {
    assert.match((error as Error).message, /is in use: .*delete .*run\.lock/);
    return true;
  } finally {
    rmSync(path, { force: true });
    assert.equal(readdirSync(folder), []);
  }
}
const changed = (values: object): string => JSON.stringify({ ...own, ...values });

test('a folder is locked once, until it is released', () => {
  const unlock = lockFolder(folder);
  assert.throws(
    () => lockFolder(folder),
    new RegExp(`is in use: process ${process.pid} of this machine trains there since`),
  );
  unlock();
  assert.not.ok(existsSync(path));
});

test('the lock of a process that has ended is taken over', () => {
  const { pid } = spawnSync(process.execPath, ['--version']);
  assert.not.ok(isTaken(changed({ pid })));
  assert.ok(isTaken(changed({})), 'this process has not ended');
});

test('the id of a process may belong to another one now', () => {
  // Only Linux says when a process started.
  if (own['started'] !== null) assert.not.ok(isTaken(changed({ started: 'before' })));
});

test('the lock of another machine, or a damaged one, is taken over once it is no longer renewed', () => {
  for (const text of [changed({ host: 'another', pid: 1 }), changed({ processes: 'a container' }), '', '{"pid":']) {
    assert.ok(isTaken(text), text);
    assert.not.ok(isTaken(text, { seconds: 3600 }), text);
  }
});

test.run();
