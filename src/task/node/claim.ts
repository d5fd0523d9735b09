import { InputError } from '../../common/errors.ts';
import { beat, endClaim, type ClaimFiles } from './claim-file.ts';
import type { HeartbeatReply, HeartbeatRequest } from './heartbeat.ts';

/** Why a worker gives up a piece: it is another's now. */
export class LostClaim extends Error {
  override readonly name = 'LostClaim';
}

/** A thread that gives signs of life: a `WorkerPool` of one, whose type would need those of Node in programs that use the package. */
export interface Heartbeat {
  call(request: HeartbeatRequest, home: number): Promise<HeartbeatReply>;
}

/** How a claim is held. */
interface ClaimOptions extends ClaimFiles {
  readonly piece: number;
  readonly lost: Claim['lost'];
  /** Seconds. */
  readonly lease: number;
  readonly heartbeat: Heartbeat;
  readonly write: (body: string) => Promise<void>;
}

/**
 * A piece of a `WorkQueue` that this worker has claimed. A sign of life is written four times a lease until `finish` or
 * `handBack`.
 */
export class Claim {
  readonly piece: number;
  /** Who held the piece before and for how many seconds has given no sign of life; null if the piece was free. */
  readonly lost: { readonly worker: string; readonly seconds: number } | null;
  readonly #options: ClaimOptions;
  readonly #controller = new AbortController();
  readonly #beating: Promise<void>;

  /** Of a file that this worker has created. */
  constructor(options: ClaimOptions) {
    this.piece = options.piece;
    this.lost = options.lost;
    this.#options = options;
    const { path, next, text, lease, heartbeat } = options;
    this.#beating = heartbeat.call({ path, next, text, milliseconds: lease * 250 }, 0).then(
      (end) => {
        if (end !== null) this.#abort('lost' in end ? new LostClaim(`it was ${end.lost}`) : this.#error(end.failed));
      },
      (cause: unknown) => this.#abort(this.#error('gets no signs of life', cause)),
    );
  }

  /**
   * Aborted with a `LostClaim` when another worker has taken the piece over, as this one gave no sign of life for too long, and
   * with an `InputError` when a sign of life cannot be written.
   */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Rejects with the reason of the signal, as of now. */
  async checkHeld(): Promise<void> {
    const lost = await beat(this.#options);
    if (lost !== null) this.#abort(new LostClaim(`it was ${lost}`));
    this.signal.throwIfAborted();
  }

  /** Writes the result. If another worker did the piece, too, and was faster, its result stays. */
  async finish(body: string): Promise<void> {
    await this.#options.write(body);
    await this.handBack();
  }

  /** Lets others claim the piece at once. */
  async handBack(): Promise<void> {
    // If the thread has ended, the signal tells.
    await this.#options.heartbeat.call(null, 0).catch(() => undefined);
    await this.#beating;
    await endClaim(this.#options.path);
  }

  #error(reason: string, cause?: unknown): InputError {
    return new InputError('WorkQueue', reason, { file: this.#options.path, cause });
  }

  #abort(reason: Error): void {
    if (!this.signal.aborted) this.#controller.abort(reason);
  }
}
