// Lets Node run the TypeScript of this repository: node --conditions retinagrad-source --import ./scripts/typescript.mjs FILE
// The tests start hundreds of processes this way. tsx does the same for other programs, and takes 0.7 s more of a process
// that imports the library, most of it in looking for files whose names our imports write out.
import { register } from 'node:module';
import { isMainThread } from 'node:worker_threads';

// Threads inherit the options of the process, and register what they need themselves (src/data/node/worker-pool.ts).
if (isMainThread) {
  register('./typescript-hooks.mjs', import.meta.url);
  process.setSourceMapsEnabled(true);
}
