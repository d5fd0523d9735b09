import { randomUUID } from 'node:crypto';
import {
  closeSync,
  constants,
  copyFileSync,
  linkSync,
  openSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { hostname } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { isRecord } from '../../common/check.ts';
import { InputError } from '../../common/errors.ts';
import { codeOf, replaceFile, writeError } from '../../common/node/replace-file.ts';

// A file that names the process that writes into a folder. It outlives a process that was killed, so it also says how to
// recognise that the process has ended: on this machine by its id and start time, on others by the time of the file, which
// the owner renews. Times of files come from one file system and are compared with each other only: the clock may be set.

/** Milliseconds between renewals, and the age from which the lock of another machine is abandoned. */
const RENEW = 20_000;
const ABANDONED = 180_000;

const OP = 'trainDetector';

/** Contents of the file. */
interface Owner {
  readonly pid: number;
  readonly host: string;
  /** Where the id is valid: containers have processes of their own. Null where that is not known. */
  readonly processes: string | null;
  /** When the process started, as the system counts it; null where that is not known. */
  readonly started: string | null;
  readonly since: string;
}

/**
 * Locks a folder for this process, until the returned function is called or the process ends.
 *
 * @throws InputError that names the process that holds the lock, or says why the file cannot be written
 */
export function lockFolder(folder: string): () => void {
  const path = join(folder, 'run.lock');
  const text = `${JSON.stringify(ownOf(process.pid))}\n`;
  // Has its content before it gets its name, so that others never read half a lock.
  const ready = partialOf(path);
  try {
    replaceFile(OP, ready, text);
  } catch (error) {
    throw writeError(OP, path, (error as Error).cause);
  }
  try {
    while (!place(ready, path)) {
      const other = readLock(path);
      if (other === null) continue; // Released in this moment.
      const reason = holds(other, path, ready);
      if (reason !== null) throw new InputError(OP, `${folder} is in use: ${reason}`);
      takeAway(path, other);
    }
  } finally {
    rmSync(ready, { force: true });
  }
  return keep(path, text);
}

/** Renews a lock of this process until the returned function is called, which removes it. */
function keep(path: string, text: string): () => void {
  const file = openSync(path, 'r+');
  const timer = setInterval(() => {
    try {
      // Writing, unlike setting its time, gives the file the time of the file system's clock.
      writeSync(file, text, 0);
    } catch {
      // If the disk has failed, the next file of the run reports it.
    }
  }, RENEW).unref();
  const release = (): void => {
    clearInterval(timer);
    process.off('exit', release);
    closeSync(file);
    if (readLock(path) === text) rmSync(path, { force: true });
  };
  process.once('exit', release);
  return release;
}

const ownOf = (pid: number): Owner => ({
  pid,
  host: hostname(),
  processes: processSpace(),
  started: startOf(pid) ?? null,
  since: new Date().toISOString(),
});

/** Gives a file a second name, unless a file has it. */
function place(from: string, path: string): boolean {
  try {
    linkSync(from, path);
    return true;
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false;
  }
  try {
    // File systems without hard links.
    copyFileSync(from, path, constants.COPYFILE_EXCL);
    return true;
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false;
    throw error;
  }
}

function readLock(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return null;
    throw error;
  }
}

/** Why a lock is held, for the user; null if its owner has ended. `fresh` is a file that was written just now. */
function holds(text: string, path: string, fresh: string): string | null {
  const owner = ownerOf(text);
  const free = `if it has ended, delete ${path}`;
  if (owner !== null && owner.host === hostname() && owner.processes === processSpace()) {
    const { pid, started, since } = owner;
    const now = startOf(pid);
    if (now === undefined || (started !== null && now !== null && started !== now)) return null;
    return `process ${pid} of this machine trains there since ${since}; wait until it ends, or choose another folder (${free})`;
  }
  const age = statSync(fresh).mtimeMs - (statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0);
  if (age > ABANDONED) return null;
  const who =
    owner === null
      ? `a process trains there, which its lock does not name (${path} is damaged)`
      : `process ${owner.pid} of another machine or container, ${owner.host}, trains there since ${owner.since}`;
  return `${who}; ${free}, or try again in ${ABANDONED / 60_000} minutes`;
}

const partialOf = (path: string): string => join(dirname(path), `.${basename(path)}.${randomUUID()}.partial`);

function ownerOf(text: string): Owner | null {
  try {
    const found: unknown = JSON.parse(text);
    return isRecord(found) && Number.isInteger(found['pid']) && typeof found['host'] === 'string'
      ? (found as unknown as Owner)
      : null;
  } catch {
    return null;
  }
}

/** Removes the lock of a process that has ended; if another process has replaced it in the meantime, gives it back. */
function takeAway(path: string, text: string): void {
  // The name of a partial file, which the next process removes if this one is killed here.
  const away = partialOf(path);
  try {
    renameSync(path, away);
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return;
    throw error;
  }
  if (readLock(away) !== text) place(away, path);
  rmSync(away, { force: true });
}

/** What the ids of processes belong to, in addition to the machine: a container's have their own. */
function processSpace(): string | null {
  try {
    return readlinkSync('/proc/self/ns/pid');
  } catch {
    return null;
  }
}

/**
 * Tells a process from others that had its id: the boot of the machine, and the start of the process in ticks after it.
 * Undefined if the process has ended; null if it runs and the system does not tell more (only Linux does).
 */
function startOf(pid: number): string | null | undefined {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if (codeOf(error) === 'ESRCH') return undefined;
  }
  try {
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
    // The second field, the name of the program, is in parentheses and may hold anything.
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /s, '')
      .split(' ');
    // A zombie has ended; its parent has not noticed.
    return fields[0] === 'Z' ? undefined : `${boot}/${fields[19]}`;
  } catch {
    return null;
  }
}
