import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { test } from 'uvu';

/** The folder of the repository. */
export const root = fileURLToPath(new URL('../../', import.meta.url));

/**
 * A new folder, which is removed after the tests of this file (those of uvu's `test`, not of another suite).
 *
 * @param prefix of its path. Default: `retinagrad-` in the system's folder for temporary files
 */
export function temporaryFolder(prefix = join(tmpdir(), 'retinagrad-')): string {
  const folder = mkdtempSync(prefix);
  test.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/**
 * The body of a test that gets a folder of its own, which is removed afterwards. It is the only one in its folder: readers
 * of labels search the folder around theirs for images.
 */
export function inFolder(run: (folder: string) => Promise<void>): () => Promise<void> {
  return async () => {
    const around = mkdtempSync(join(tmpdir(), 'retinagrad-test-'));
    const folder = join(around, 'data');
    mkdirSync(folder);
    try {
      await run(folder);
    } finally {
      rmSync(around, { recursive: true });
    }
  };
}
