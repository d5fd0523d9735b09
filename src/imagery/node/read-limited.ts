import { fileLimits } from '../../common/limits.ts';
import { readWhole } from '../../common/node/read-file.ts';
import type { ImageLimits } from '../limits.ts';

/** The bytes of a file that is read as a whole. Rejects with an Error for what is no file, and for a file that is too long. */
export const readLimited = (path: string, limits: ImageLimits = {}): Promise<Buffer> =>
  readWhole(path, 'maxFileBytes', limits.maxFileBytes ?? fileLimits().maxFileBytes);
