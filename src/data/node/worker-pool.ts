import { parentPort, Worker, workerData, type Transferable } from 'node:worker_threads';

/** Threads that all answer the same kind of request. */
export interface WorkerPool<Request, Reply> {
  readonly workers: number;
  /**
   * Asks a worker: number `home` modulo the number of workers, unless others have less to do. Rejects with the worker's
   * error, when it has ended, and after `close`.
   */
  call(request: Request, home: number): Promise<Reply>;
  /** Ends the threads. What has not been answered rejects. */
  close(): Promise<void>;
}

/** An answer, and which of its buffers move rather than being copied. */
export interface Answer<Reply> {
  readonly reply: Reply;
  readonly transfer: readonly Transferable[];
}

type Message<Reply> =
  | { readonly kind: 'ready' }
  | { readonly kind: 'failed'; readonly reason: string }
  | { readonly kind: 'reply'; readonly id: number; readonly reply: Reply }
  | { readonly kind: 'error'; readonly id: number; readonly reason: string };

interface Waiting<Reply> {
  readonly resolve: (reply: Reply) => void;
  readonly reject: (error: Error) => void;
}

interface Thread<Reply> {
  readonly worker: Worker;
  readonly waiting: Map<number, Waiting<Reply>>;
}

/** More requests in flight than the least busy worker has, from which on a request leaves its home. */
const PATIENCE = 2;

/**
 * Starts threads of a module that calls `serve`, and waits until all are ready. They keep the process alive only while
 * they have something to answer. Rejects, and ends them all, when one fails to start.
 *
 * @param data what `serve` is given in each
 */
export async function openWorkerPool<Request, Reply>(
  entry: URL,
  workers: number,
  data: unknown,
): Promise<WorkerPool<Request, Reply>> {
  if (!Number.isInteger(workers) || workers < 1) {
    throw new RangeError(`openWorkerPool: workers is ${workers}, expected a whole number from 1`);
  }
  let broken: Error | null = null;
  const threads = Array.from({ length: workers }, (): Thread<Reply> => ({
    worker: startThread(entry, data),
    waiting: new Map(),
  }));
  const fail = (error: Error): void => {
    broken ??= error;
    for (const { waiting } of threads) {
      for (const { reject } of waiting.values()) reject(broken);
      waiting.clear();
    }
  };
  const started = threads.map(
    ({ worker, waiting }, number) =>
      new Promise<void>((resolve, reject) => {
        const end = (reason: string, cause?: unknown): void => {
          const error = new Error(`worker ${number + 1} of ${workers} ${reason}`, { cause });
          reject(error);
          fail(error);
        };
        worker.on('message', (message: Message<Reply>) => {
          if (message.kind === 'ready') return resolve();
          if (message.kind === 'failed') return reject(new Error(message.reason));
          const asked = waiting.get(message.id);
          waiting.delete(message.id);
          if (waiting.size === 0) worker.unref();
          if (message.kind === 'reply') asked?.resolve(message.reply);
          else asked?.reject(new Error(message.reason));
        });
        worker.on('messageerror', (error) => end(`sent what cannot be read: ${error.message}`, error));
        worker.on('error', (error) => end(`failed: ${error instanceof Error ? error.message : String(error)}`, error));
        worker.on('exit', (code) => end(`ended with code ${code}`));
      }),
  );
  const close = async (): Promise<void> => {
    fail(new Error('the workers were closed'));
    await Promise.all(threads.map(({ worker }) => worker.terminate()));
  };
  try {
    await Promise.all(started);
  } catch (error) {
    await Promise.allSettled([close(), ...started]);
    throw error;
  }
  for (const { worker } of threads) worker.unref();

  let nextId = 0;
  return {
    workers,
    call(request, home) {
      if (broken !== null) return Promise.reject(broken);
      const least = threads.reduce((best, thread) => (thread.waiting.size < best.waiting.size ? thread : best));
      const own = threads[home % workers]!;
      const thread = own.waiting.size - least.waiting.size > PATIENCE ? least : own;
      const id = nextId++;
      return new Promise<Reply>((resolve, reject) => {
        thread.waiting.set(id, { resolve, reject });
        thread.worker.ref();
        thread.worker.postMessage({ id, request });
      });
    },
    close,
  };
}

/** Starts a thread with the file of `entry`, TypeScript where this runs from its source. */
function startThread(entry: URL, workerData: unknown): Worker {
  // Threads inherit the flags of the process, but Node refuses that for text (`node --input-type=module -e ...`) in files.
  const isText = process.execArgv.some((flag) => flag.startsWith('--input-type'));
  const options = { workerData, ...(isText ? { execArgv: [] } : {}) };
  if (!entry.pathname.endsWith('.ts')) return new Worker(entry, options);
  // tsx keeps to the main thread in Node 20, also where `--import tsx` is inherited.
  const tsx = JSON.stringify(import.meta.resolve('tsx/esm/api'));
  const code = `import(${tsx}).then(({ register }) => { register(); return import(${JSON.stringify(entry.href)}); })`;
  return new Worker(code, { ...options, eval: true });
}

/**
 * In a worker: opens what is needed, then answers requests as they come, several at a time where answering waits.
 *
 * @param open is given the pool's `data`; what it returns answers one request
 */
export async function serve<Data, Request, Reply>(
  open: (data: Data) => Promise<(request: Request) => Promise<Answer<Reply>>>,
): Promise<void> {
  const port = parentPort;
  if (port === null) throw new Error('serve: this is not a worker thread');
  const send = (message: Message<Reply>, transfer: readonly Transferable[] = []): void =>
    port.postMessage(message, transfer);
  let answer: (request: Request) => Promise<Answer<Reply>>;
  try {
    answer = await open(workerData as Data);
  } catch (error) {
    return send({ kind: 'failed', reason: reasonOf(error) });
  }
  port.on('message', ({ id, request }: { id: number; request: Request }) => {
    answer(request).then(
      ({ reply, transfer }) => send({ kind: 'reply', id, reply }, transfer),
      (error: unknown) => send({ kind: 'error', id, reason: reasonOf(error) }),
    );
  });
  send({ kind: 'ready' });
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
