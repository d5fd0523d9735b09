import { access, open, utimes } from 'node:fs/promises';
import { isRecord } from '../../common/check.ts';
import { parseJson } from '../../common/json.ts';
import { codeOf } from '../../common/node/replace-file.ts';

/** The file of a claim and that of who takes it over. */
export interface ClaimFiles {
  readonly path: string;
  readonly next: string;
  /** Content of the file. */
  readonly text: string;
}

/** A claim of any worker, as its file says. */
interface HeldClaim {
  readonly worker: string;
  /** Seconds. */
  readonly lease: number;
  /** The last sign of life, in milliseconds of the file system's clock. */
  readonly beat: number;
  readonly isHandedBack: boolean;
}

/** Writes the same text again: this changes the date of the file, which is then that of the file server. */
async function writeText(path: string, flags: 'wx' | 'r+', text: string): Promise<void> {
  const file = await open(path, flags);
  try {
    await file.write(text, 0);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** Creates the file of a claim. False if there is one. */
export async function createClaim({ path, text }: ClaimFiles): Promise<boolean> {
  try {
    await writeText(path, 'wx', text);
    return true;
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false;
    // On a full disk the file may exist, and is empty.
    await endClaim(path);
    throw error;
  }
}

/** Lets others claim the piece at once. The file may have been removed at the end of all work. */
export async function endClaim(path: string): Promise<void> {
  await utimes(path, 0, 0).catch(() => undefined);
}

/** Gives a sign of life. Returns why the claim is lost, or null. */
export async function beat({ path, next, text }: ClaimFiles): Promise<'taken over' | 'removed' | null> {
  try {
    await writeText(path, 'r+', text);
  } catch (error) {
    // At the end of all work claims are removed.
    if (codeOf(error) === 'ENOENT') return 'removed';
    throw error;
  }
  return access(next).then(
    () => 'taken over',
    () => null,
  );
}

/**
 * Reads a claim; null if it was removed.
 *
 * @param lease of claims that are incomplete, in seconds
 */
export async function readClaim(path: string, lease: number): Promise<HeldClaim | null> {
  try {
    // An opened file has its newest date, also where those of listed ones are cached.
    const file = await open(path, 'r');
    try {
      const { mtimeMs } = await file.stat();
      const found = claimOf(await file.readFile('utf8'));
      return { worker: 'an unknown worker', lease, ...found, beat: mtimeMs, isHandedBack: mtimeMs === 0 };
    } finally {
      await file.close();
    }
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return null;
    throw error;
  }
}

/** What the text of a claim says, as far as it is complete. */
function claimOf(text: string): { worker?: string; lease?: number } {
  try {
    const found = parseJson(text);
    if (!isRecord(found)) return {};
    const { worker, lease } = found;
    return {
      ...(typeof worker === 'string' ? { worker } : {}),
      ...(typeof lease === 'number' && lease > 0 ? { lease } : {}),
    };
  } catch {
    return {};
  }
}
