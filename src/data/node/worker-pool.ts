import { checkInteger, reasonOf } from '../../common/check.ts';
import { fileLimits, setFileLimits, type FileLimits } from '../../common/limits.ts';
import { parentPort, Worker, workerData, type Transferable } from 'node:worker_threads';

/** Threads that all answer the same kind of request. */
export interface WorkerPool<Request, Reply> {
  readonly workers: number;
  /**
   * Sends a request to worker number `home` modulo the number of workers, unless others are much less busy. Rejects with
   * the worker's error, when the worker has ended, and after `close`.
   */
  call(request: Request, home: number): Promise<Reply>;
  /** Ends the threads. Requests in flight reject. */
  close(): Promise<void>;
}

/** A reply with the buffers in it that are transferred instead of copied. */
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

/** Requests that a worker may have in flight beyond those of the least busy worker before others take over. */
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
  checkInteger('openWorkerPool', 'workers', workers, { min: 1 });
  const pool = new Pool<Request, Reply>(entry, workers, data);
  await pool.start();
  return pool;
}

class Pool<Request, Reply> implements WorkerPool<Request, Reply> {
  readonly workers: number;
  readonly #threads: readonly Thread<Reply>[];
  #broken: Error | null = null;
  #nextId = 0;

  constructor(entry: URL, workers: number, data: unknown) {
    this.workers = workers;
    this.#threads = Array.from({ length: workers }, (): Thread<Reply> => ({
      worker: startThread(entry, data),
      waiting: new Map(),
    }));
  }

  async start(): Promise<void> {
    const started = this.#threads.map((thread, number) => this.#listen(thread, number));
    try {
      await Promise.all(started);
    } catch (error) {
      await Promise.allSettled([this.close(), ...started]);
      throw error;
    }
    for (const { worker } of this.#threads) worker.unref();
  }

  call(request: Request, home: number): Promise<Reply> {
    if (this.#broken !== null) return Promise.reject(this.#broken);
    const least = this.#threads.reduce((best, thread) => (thread.waiting.size < best.waiting.size ? thread : best));
    const own = this.#threads[home % this.workers]!;
    const { worker, waiting } = own.waiting.size - least.waiting.size > PATIENCE ? least : own;
    const id = this.#nextId++;
    return new Promise<Reply>((resolve, reject) => {
      waiting.set(id, { resolve, reject });
      worker.ref();
      worker.postMessage({ id, request });
    });
  }

  async close(): Promise<void> {
    this.#fail(new Error('the workers were closed'));
    await Promise.all(this.#threads.map(({ worker }) => worker.terminate()));
  }

  /** Resolves when a thread is ready; from then on its messages answer requests. */
  #listen({ worker, waiting }: Thread<Reply>, number: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const end = (reason: string, cause?: unknown): void => {
        const error = new Error(`worker ${number + 1} of ${this.workers} ${reason}`, { cause });
        reject(error);
        this.#fail(error);
      };
      worker.on('message', (message: Message<Reply>) => {
        if (message.kind === 'ready') return resolve();
        if (message.kind === 'failed') return reject(new Error(message.reason));
        const request = waiting.get(message.id);
        waiting.delete(message.id);
        if (waiting.size === 0) worker.unref();
        if (message.kind === 'reply') request?.resolve(message.reply);
        else request?.reject(new Error(message.reason));
      });
      worker.on('messageerror', (error) => end(`sent what cannot be read: ${error.message}`, error));
      worker.on('error', (error) => end(`failed: ${reasonOf(error)}`, error));
      worker.on('exit', (code) => end(`ended with code ${code}`));
    });
  }

  /** Rejects all requests in flight and all later ones; the first error stays. */
  #fail(error: Error): void {
    this.#broken ??= error;
    for (const { waiting } of this.#threads) {
      for (const { reject } of waiting.values()) reject(this.#broken);
      waiting.clear();
    }
  }
}

/** Starts a thread with the file of `entry`, TypeScript where this runs from its source. */
function startThread(entry: URL, data: unknown): Worker {
  // Threads inherit the flags of the process, but Node refuses that for text (`node --input-type=module -e ...`) in files.
  const isText = process.execArgv.some((flag) => flag.startsWith('--input-type'));
  const options = { workerData: { data, limits: fileLimits() }, ...(isText ? { execArgv: [] } : {}) };
  if (!entry.pathname.endsWith('.ts')) return new Worker(entry, options);
  // In Node 20 tsx works on the main thread only, even where `--import tsx` is inherited.
  const tsx = JSON.stringify(import.meta.resolve('tsx/esm/api'));
  const code = `import(${tsx}).then(({ register }) => { register(); return import(${JSON.stringify(entry.href)}); })`;
  return new Worker(code, { ...options, eval: true });
}

/**
 * In a worker: opens what is needed, then answers requests as they arrive, several concurrently where answering is
 * asynchronous.
 *
 * @param open gets the pool's `data` and returns the function that answers one request
 */
export async function serve<Data, Request, Reply>(
  open: (data: Data) => Promise<(request: Request) => Promise<Answer<Reply>>>,
): Promise<void> {
  const port = parentPort;
  if (port === null) throw new Error('serve: this is not a worker thread');
  const send = (message: Message<Reply>, transfer: readonly Transferable[] = []): void =>
    port.postMessage(message, transfer);
  const { data, limits } = workerData as { readonly data: Data; readonly limits: FileLimits };
  setFileLimits(limits);
  let answer: (request: Request) => Promise<Answer<Reply>>;
  try {
    answer = await open(data);
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
