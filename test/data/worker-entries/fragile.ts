// A worker for worker-pool.test.ts: answers numbers with their double after some turns of the event loop.
import { serve } from '../../../src/data/node/worker-pool.ts';

await serve<{ readonly start: string }, number | string, number>(({ start }) => {
  if (start === 'reject') return Promise.reject(new Error('no such data'));
  if (start === 'exit') process.exit(3);
  return Promise.resolve(async (request) => {
    if (request === 'exit') process.exit(7);
    if (request === 'throw') setImmediate(() => nothing());
    if (request === 'never' || request === 'throw') await new Promise(() => undefined);
    if (request === 'reject') throw new Error('sample 5 is damaged');
    return { reply: Number(request) * 2, transfer: [] };
  });
});

function nothing(): never {
  throw new TypeError('out of the blue');
}
