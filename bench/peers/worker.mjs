import { closeSync, openSync, readFileSync, readSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { driverTime } from '../../src/node/driver-time.ts';

// The protocol of the workers: a command per line on standard input, an answer per line on file descriptor 3, so that
// output of a library does not interfere.
//   {"do": "prepare", "case": {...}, "operands": {NAME: {file, offset, shape}}}   -> {}, or {"unsupported": WHY}
//   {"do": "sample", "count": N}    -> {"wall": MS, "processor": MS} of N runs together
//   {"do": "results", "folder": F}  -> {"files": [...], "gpuBytes": N, "residentBytes": N}
//   {"do": "release"}               -> {}
// The first line, which is not an answer: {"versions": {...}, "adapter": {...} | null}. An answer {"error": TEXT} means
// that the case failed; a process that ends means the same.

/** A library has no operation for the case. */
export class Unsupported extends Error {}

/**
 * @typedef {import('./kernels.ts').Operand} Operand
 * @typedef {import('./kernels.ts').Prepared} Prepared
 */

/**
 * Answers the runner until it closes the pipe.
 *
 * @param {object} library
 * @param {Record<string, string>} library.versions
 * @param {object | null} library.adapter The result of `openAdapter`, if known.
 * @param {boolean} [library.usesMainThread] Whether the work is done on the main thread too.
 * @param {() => number} [library.peakBytes] Peak bytes of GPU buffers so far.
 * @param {(task: any, operands: Record<string, Operand>) => Prepared | Promise<Prepared>} library.prepare
 */
export async function serve({ versions, adapter, usesMainThread = false, peakBytes, prepare }) {
  const answer = (/** @type {object} */ message) => void writeSync(3, `${JSON.stringify(message)}\n`);
  /** @type {Prepared | null} */
  let prepared = null;
  const processorTime = () => {
    if (process.platform !== 'linux') return 0;
    if (!usesMainThread) return driverTime();
    const { user, system } = process.cpuUsage();
    return (user + system) / 1000;
  };
  const commands = {
    async prepare({ case: task, operands }) {
      const readable = Object.entries(operands).map(([name, operand]) => [name, readableOperand(operand)]);
      prepared = await prepare(task, Object.fromEntries(readable));
      return {};
    },
    async sample({ count }) {
      const [start, before] = [performance.now(), processorTime()];
      for (let i = 0; i < count; i++) await prepared.run();
      await prepared.finish();
      return { wall: performance.now() - start, processor: processorTime() - before };
    },
    async results({ folder }) {
      const memory = { gpuBytes: peakBytes?.(), residentBytes: mostResident() };
      const results = await prepared.results();
      const files = results.map((values, i) => {
        const file = join(folder, `${i}.f32`);
        writeFileSync(file, values);
        return file;
      });
      return { files, ...memory };
    },
    release() {
      prepared?.release();
      prepared = null;
      return {};
    },
  };
  answer({ versions, adapter });
  for await (const line of createInterface({ input: process.stdin })) {
    const command = JSON.parse(line);
    try {
      answer(await commands[command.do](command));
    } catch (error) {
      answer(
        error instanceof Unsupported ? { unsupported: error.message } : { error: String(error?.message ?? error) },
      );
    }
  }
  process.exit(0); // Dawn's objects would keep Node alive.
}

/** @returns {Operand} */
function readableOperand({ file, offset, shape }) {
  return {
    shape,
    read() {
      const values = new Float32Array(shape.reduce((a, b) => a * b, 1));
      const handle = openSync(file, 'r');
      readSync(handle, values, 0, values.byteLength, offset);
      closeSync(handle);
      return values;
    },
  };
}

/** Peak memory of this process in bytes. */
function mostResident() {
  if (process.platform !== 'linux') return undefined;
  return 1024 * Number(/^VmHWM:\s+(\d+)/m.exec(readFileSync('/proc/self/status', 'utf8'))[1]);
}
