// A tab of Chromium that may be hidden and frozen as by a user and the system: Playwright's own pages are always visible, because they
// emulate focus.
import type { Browser } from 'playwright-core';
import * as assert from 'uvu/assert';

interface Answer {
  readonly id: number;
  readonly result?: Readonly<Record<string, unknown>>;
  readonly error?: { readonly message: string };
}

export interface Tab {
  /** The value of an expression in the page, as JSON. */
  evaluate<T>(expression: string): Promise<T>;
  /** Brings another tab to the front. */
  hide(): Promise<void>;
  show(): Promise<void>;
  /** As browsers do it with tabs in the background. */
  freeze(): Promise<void>;
  thaw(): Promise<void>;
}

/** Opens a tab with an address, in the browser's own window. */
export async function openTab(browser: Browser, url: string): Promise<Tab> {
  const session = await browser.newBrowserCDPSession();
  const { targetId } = await session.send('Target.createTarget', { url });
  const { targetId: other } = await session.send('Target.createTarget', { url: 'about:blank' });
  const { sessionId } = await session.send('Target.attachToTarget', { targetId, flatten: false });
  const waiting = new Map<number, (answer: Answer) => void>();
  session.on('Target.receivedMessageFromTarget', ({ message }) => {
    const answer = JSON.parse(message) as Answer;
    waiting.get(answer.id)?.(answer);
  });
  let last = 0;
  const call = async (method: string, params: object): Promise<Readonly<Record<string, unknown>>> => {
    const id = ++last;
    const answered = new Promise<Answer>((resolve) => waiting.set(id, resolve));
    await session.send('Target.sendMessageToTarget', { sessionId, message: JSON.stringify({ id, method, params }) });
    const { result, error } = await answered;
    waiting.delete(id);
    assert.is(error, undefined, `${method}: ${error?.message}`);
    return result!;
  };
  const activate = async (target: string): Promise<void> => {
    await session.send('Target.activateTarget', { targetId: target });
  };
  const setState = (state: 'active' | 'frozen') => async (): Promise<void> => {
    await call('Page.setWebLifecycleState', { state });
  };
  await activate(targetId);
  return {
    async evaluate<T>(expression: string) {
      const { result } = await call('Runtime.evaluate', { expression, returnByValue: true, awaitPromise: true });
      return (result as { readonly value: T }).value;
    },
    hide: () => activate(other),
    show: () => activate(targetId),
    freeze: setState('frozen'),
    thaw: setState('active'),
  };
}
