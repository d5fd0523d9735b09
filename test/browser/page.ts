// What the page of the browser check runs: a program of somebody who uses the built package.
import { trainSquares, type TaskResult } from '../package/consumer/detector.ts';
import { fit, type Fit } from '../package/consumer/fit.ts';

declare global {
  /** Filled when the program has ended. */
  var outcome: { readonly fit: Fit; readonly task: TaskResult } | { readonly error: string } | undefined;
}

try {
  globalThis.outcome = { fit: await fit(), task: await trainSquares() };
} catch (error) {
  globalThis.outcome = { error: error instanceof Error ? `${error.message}\n${error.stack}` : String(error) };
}
