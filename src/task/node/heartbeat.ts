// The thread that gives signs of life for a claim, whatever the main thread computes: merging a city takes it minutes.
import { setTimeout as sleep } from 'node:timers/promises';
import { serve } from '../../data/node/worker-pool.ts';
import { writeReason } from '../../common/node/replace-file.ts';
import { beat, type ClaimFiles } from './claim-file.ts';

/** Begins signs of life; null ends them. */
export type HeartbeatRequest = (ClaimFiles & { readonly milliseconds: number }) | null;

/** Why they ended: the claim is lost, they could not be written, or that was asked for (null). */
export type HeartbeatReply = { readonly lost: string } | { readonly failed: string } | null;

await serve<null, HeartbeatRequest, HeartbeatReply>(async () => {
  let controller = new AbortController();
  return async (request) => {
    controller.abort();
    if (request === null) return { reply: null, transfer: [] };
    controller = new AbortController();
    return { reply: await beatUntil(request, controller.signal), transfer: [] };
  };
});

async function beatUntil(request: NonNullable<HeartbeatRequest>, signal: AbortSignal): Promise<HeartbeatReply> {
  for (;;) {
    await sleep(request.milliseconds, undefined, { signal }).catch(() => undefined);
    if (signal.aborted) return null;
    try {
      const lost = await beat(request);
      if (lost !== null) return { lost };
    } catch (error) {
      return { failed: writeReason(error) };
    }
  }
}
