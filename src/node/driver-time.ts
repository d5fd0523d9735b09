import { readFileSync, readdirSync } from 'node:fs';

/** CPU time of all threads except Node's main thread, in milliseconds. Linux only. */
export function driverTime(): number {
  let nanoseconds = 0;
  for (const thread of readdirSync('/proc/self/task')) {
    if (Number(thread) === process.pid) continue;
    try {
      nanoseconds += Number(readFileSync(`/proc/self/task/${thread}/schedstat`, 'utf8').split(' ')[0]);
    } catch {
      // The thread has ended meanwhile.
    }
  }
  return nanoseconds / 1e6;
}
