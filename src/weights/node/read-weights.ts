import { readFileSync } from 'node:fs';
import { reasonOf } from '../../common/check.ts';
import { InputError } from '../../common/errors.ts';

/** The bytes of a file of weights. Throws an InputError that names the file; `op` is the function that needs it. */
export function readWeights(op: string, path: string): Uint8Array {
  try {
    return readFileSync(path);
  } catch (cause) {
    const isMissing = (cause as NodeJS.ErrnoException).code === 'ENOENT';
    throw new InputError(op, isMissing ? 'does not exist' : reasonOf(cause), { file: path, cause });
  }
}
