import { setTimeout as wait } from 'node:timers/promises';
import { InputError } from '../../../common/errors.ts';
import type { Redact } from '../secrets.ts';
import { describeStart, isTileImage } from './tile-image.ts';

/** Time and chance, which tests replace. */
export interface Timing {
  /** Milliseconds since some moment. */
  readonly now: () => number;
  /** Resolves after milliseconds; rejects when the signal is aborted. */
  readonly sleep: (milliseconds: number, signal: AbortSignal) => Promise<void>;
  /** Calls a function after milliseconds, unless the function that it returns is called before. */
  readonly timer: (milliseconds: number, expire: () => void) => () => void;
  /** From 0 to 1. */
  readonly random: () => number;
}

export const realTiming: Timing = {
  now: () => performance.now(),
  sleep: (milliseconds, signal) => wait(milliseconds, undefined, { signal }),
  timer: (milliseconds, expire) => {
    const timer = setTimeout(expire, milliseconds);
    return () => clearTimeout(timer);
  },
  random: () => Math.random(),
};

export interface FetchOptions {
  /** The source in messages. */
  readonly source: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Maximum number of requests at a time. */
  readonly concurrency: number;
  /** Maximum number of requests for a tile. */
  readonly attempts: number;
  /** Milliseconds for a request and its answer. */
  readonly timeout: number;
  readonly redact: Redact;
  readonly signal: AbortSignal;
  readonly timing: Timing;
}

/** Statuses of servers that are busy or restarting, after which the same request may succeed. */
const TEMPORARY: readonly number[] = [408, 429, 500, 502, 503, 504];
/** Back-off before the second request; it doubles from request to request. */
const FIRST_DELAY = 1000;
/** Longer waits that a service asks for are left to the user. */
const MAX_WAIT = 300_000;
/** No tile has as many bytes: the answer is something else. */
const MAX_BYTES = 32 * 1024 * 1024;
const MAX_REDIRECTS = 5;

/** A failure after which the request is repeated. */
class TemporaryError extends Error {
  /** Milliseconds that the service asks to wait, if it does. */
  readonly wait: number | null;

  constructor(reason: string, wait: number | null = null) {
    super(reason);
    this.wait = wait;
  }
}

/**
 * Requests tiles politely: a limited number at a time, and again with exponential back-off and jitter after temporary
 * failures. When a service asks for a pause (`Retry-After`) or says that there are too many requests, all requests pause.
 * After the first answer that the key is not accepted, nothing is requested any more.
 */
export class TileFetcher {
  readonly #options: FetchOptions;
  readonly #waiting: (() => void)[] = [];
  #running = 0;
  #resumeAt = -Infinity;
  #refusal: InputError | null = null;

  constructor(options: FetchOptions) {
    this.#options = options;
  }

  /**
   * The answer to a request as `decode` reads it; null if there is no such tile (204 or 404). An `InputError` of `decode`
   * means that the answer was damaged on the way: it is requested again.
   *
   * @param place the tile in messages
   */
  async get<T>(url: string, place: string, decode: (bytes: Uint8Array) => Promise<T>): Promise<T | null> {
    await this.#enter();
    try {
      return await this.#getPatiently(url, place, decode);
    } finally {
      this.#leave();
    }
  }

  async #getPatiently<T>(url: string, place: string, decode: (bytes: Uint8Array) => Promise<T>): Promise<T | null> {
    const { attempts, timing } = this.#options;
    for (let attempt = 1; ; attempt++) {
      await this.#pause();
      try {
        const bytes = await this.#request(url, place);
        return bytes === null ? null : await decodeAnswer(bytes, decode);
      } catch (error) {
        if (!(error instanceof TemporaryError)) throw error;
        const asked = error.wait ?? 0;
        if (attempt >= attempts || asked > MAX_WAIT) {
          const tries = attempt === 1 ? '' : ` (after ${attempt} requests)`;
          const later = asked > MAX_WAIT ? `in ${Math.ceil(asked / 1000)} s, as the service asks` : 'later';
          throw this.#failure(
            `${place}: ${error.message}${tries}; run again ${later}: tiles received are in the cache`,
          );
        }
        // Jitter: from half of the back-off to all of it, so that requests that failed together do not return together.
        const backOff = FIRST_DELAY * 2 ** (attempt - 1) * (0.5 + timing.random() / 2);
        if (error.wait === null) await this.#sleep(backOff);
        else this.#resumeAt = Math.max(this.#resumeAt, timing.now() + Math.max(error.wait, backOff));
      }
    }
  }

  /** Waits until the pause that a service asked for is over. */
  async #pause(): Promise<void> {
    const { timing, signal } = this.#options;
    for (let left = 0; (left = this.#resumeAt - timing.now()) > 0;) await this.#sleep(left);
    if (this.#refusal !== null) throw this.#refusal;
    signal.throwIfAborted();
  }

  async #sleep(milliseconds: number): Promise<void> {
    const { timing, signal } = this.#options;
    await timing.sleep(milliseconds, signal).catch((error: unknown) => {
      // The reason of the signal, as everywhere, instead of Node's AbortError.
      signal.throwIfAborted();
      throw error;
    });
  }

  /** The bytes of an answer; null for a tile that does not exist. */
  async #request(url: string, place: string): Promise<Uint8Array | null> {
    const { timeout, signal, timing } = this.#options;
    const controller = new AbortController();
    const stop = (): void => controller.abort();
    signal.addEventListener('abort', stop, { once: true });
    const cancel = timing.timer(timeout, stop);
    try {
      const response = await this.#follow(url, controller.signal);
      if (response.status === 204 || response.status === 404) {
        await response.body?.cancel();
        return null;
      }
      const bytes = await bodyOf(response);
      if (response.status !== 200) this.#reject(response, bytes, place);
      if (bytes.length === 0) throw new TemporaryError('an empty answer');
      if (isTileImage(bytes)) return bytes;
      // Such as a page that asks to log in: asking again does not help.
      const found = `${describeStart(bytes, this.#options.redact)} (${response.headers.get('content-type') ?? 'no content type'})`;
      throw this.#failure(
        `${place}: found ${found}, expected a PNG, JPEG or WebP image; check the template and the key`,
      );
    } catch (error) {
      if (error instanceof InputError || error instanceof TemporaryError) throw error;
      // Not the error of fetch as the cause: it holds the URL, and with it the key.
      signal.throwIfAborted();
      const reason = controller.signal.aborted ? `no complete answer within ${timeout / 1000} s` : causeOf(error);
      throw new TemporaryError(this.#options.redact(reason));
    } finally {
      cancel();
      signal.removeEventListener('abort', stop);
    }
  }

  /** Follows redirects; headers, which may hold a key, go to the template's own host only. */
  async #follow(url: string, signal: AbortSignal): Promise<Response> {
    let [address, headers] = [url, this.#options.headers];
    for (let redirects = 0; ; redirects++) {
      const response = await fetch(address, {
        headers: { 'user-agent': 'retinagrad (https://github.com/retinagrad/retinagrad)', ...headers },
        redirect: 'manual',
        signal,
      });
      const location = response.headers.get('location');
      if (![301, 302, 303, 307, 308].includes(response.status) || location === null) return response;
      await response.body?.cancel();
      if (redirects >= MAX_REDIRECTS) throw new Error(`more than ${MAX_REDIRECTS} redirects`);
      const next = new URL(location, address);
      if (next.origin !== new URL(address).origin) headers = {};
      address = next.href;
    }
  }

  /** Throws the error for an answer that is not a tile. */
  #reject(response: Response, bytes: Uint8Array, place: string): never {
    const { status, statusText } = response;
    const reason = `${status} ${statusText}`.trim() + excerptOf(response, bytes, this.#options.redact);
    if (TEMPORARY.includes(status)) {
      const asked = retryAfter(response);
      // Without a time, the back-off of this request is for all.
      throw new TemporaryError(this.#options.redact(reason), asked ?? (status === 429 ? 0 : null));
    }
    if (status !== 401 && status !== 403) {
      throw this.#failure(
        `${place}: ${reason}; check the template and the zoom level against the service's documentation`,
      );
    }
    const scope = status === 401 ? '' : ', or it does not cover this place';
    this.#refusal ??= this.#failure(
      `${place}: the key was refused${scope}: ${reason}; check the key and what its subscription covers`,
    );
    throw this.#refusal;
  }

  #failure(reason: string): InputError {
    return new InputError('openTiles', this.#options.redact(reason), { file: this.#options.source });
  }

  async #enter(): Promise<void> {
    if (this.#running < this.#options.concurrency) this.#running++;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  /** Hands the place to the next in line. */
  #leave(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#running--;
    else next();
  }
}

async function decodeAnswer<T>(bytes: Uint8Array, decode: (bytes: Uint8Array) => Promise<T>): Promise<T> {
  try {
    return await decode(bytes);
  } catch (error) {
    if (error instanceof InputError) throw new TemporaryError(error.reason);
    throw error;
  }
}

async function bodyOf(response: Response): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const part of response.body ?? []) {
    parts.push(part as Uint8Array);
    length += (part as Uint8Array).length;
    if (length > MAX_BYTES) throw new Error(`the answer has more than ${MAX_BYTES} bytes`);
  }
  return Buffer.concat(parts);
}

/** What a service says about an error, if it is a text. Keys are hidden before the text is cut. */
function excerptOf(response: Response, bytes: Uint8Array, redact: Redact): string {
  const type = response.headers.get('content-type') ?? '';
  if (!/^text\/plain|json\b|\bxml\b/.test(type)) return '';
  const text = redact(new TextDecoder().decode(bytes.subarray(0, 4096)))
    .replaceAll(/\s+/g, ' ')
    .trim();
  return text === '' ? '' : `: ${text.length > 160 ? `${text.slice(0, 160)}...` : text}`;
}

/** `Retry-After` in milliseconds: a number of seconds or a date (RFC 9110, section 10.2.3). */
function retryAfter(response: Response): number | null {
  const text = response.headers.get('retry-after')?.trim() ?? '';
  if (/^\d+$/.test(text)) return Number(text) * 1000;
  const wait = Date.parse(text) - Date.now();
  return Number.isNaN(wait) ? null : Math.max(wait, 0);
}

/** The reason of a failed fetch, which is in its cause: `fetch failed` alone says nothing. */
function causeOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error.cause instanceof Error) return causeOf(error.cause);
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  return error.message === '' ? code || error.name : error.message;
}
