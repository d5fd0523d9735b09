import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { reasonOf } from '../../common/check.ts';
import { InputError } from '../../common/errors.ts';
import { readUtf8 } from '../../common/node/read-file.ts';
import { LabelError } from '../problems.ts';
import type { LabelTable } from '../types.ts';

const OP = 'readLabels';

/** The folder that contains most of a table's first images; the first folder if none contains any. */
export async function firstWith(roots: readonly string[], table: LabelTable): Promise<string> {
  let best = { root: roots[0]!, count: 0 };
  const sample = table.images.slice(0, 20);
  for (const root of roots) {
    const found = await Promise.all(sample.map(({ file }) => stat(join(root, file)).catch(() => null)));
    const count = found.filter((entry) => entry !== null).length;
    if (count > best.count) best = { root, count };
  }
  return best.root;
}

/** Reads text in UTF-8. Rejects with a `LabelError` for other bytes and for too many. */
export async function readText(path: string): Promise<string> {
  try {
    return await readUtf8(path);
  } catch (error) {
    const isOfSystem = error instanceof Error && 'errno' in error;
    if (isOfSystem) throw new InputError(OP, `${path} cannot be read: ${reasonOf(error)}`, { cause: error });
    throw new LabelError('syntax', { file: path }, reasonOf(error), { cause: error });
  }
}
