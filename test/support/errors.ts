import * as assert from 'uvu/assert';

/** The error that a promise or function ends with; fails if it succeeds. */
export async function errorOf(body: () => unknown): Promise<Error> {
  try {
    await body();
  } catch (error) {
    assert.instance(error, Error);
    return error as Error;
  }
  throw new Error('expected an error, but there was none');
}

/** Whether an operation says that it has no second derivative. */
export const lacksSecond = (error: unknown): boolean =>
  error instanceof Error && /has no second derivative/.test(error.message);

/** Asserts that a promise rejects with an error whose message matches. */
export async function rejects(promise: Promise<unknown>, pattern: RegExp): Promise<void> {
  assert.match((await errorOf(() => promise)).message, pattern);
}

/** Asserts that a call throws a RangeError with exactly this message. */
export function refuses(call: () => unknown, message: string): void {
  try {
    call();
  } catch (error) {
    assert.instance(error, RangeError);
    assert.is((error as RangeError).message, message);
    return;
  }
  assert.unreachable(`expected a RangeError: ${message}`);
}
