// What the page of the browser check runs: a program of somebody who uses the built package.
import { fit, type Fit } from '../package/consumer/fit.ts';

declare global {
  /** Filled when the program has ended. */
  var outcome: { readonly fit: Fit } | { readonly error: string } | undefined;
}

try {
  globalThis.outcome = { fit: await fit() };
} catch (error) {
  globalThis.outcome = { error: error instanceof Error ? `${error.message}\n${error.stack}` : String(error) };
}
