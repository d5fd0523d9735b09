/** A file that ends too early. What comes before the end may be sound. */
export class TruncatedError extends Error {}

/** Whether a file that ended too early is the cause of an error. */
export function isTruncated(error: unknown): boolean {
  return error instanceof TruncatedError || (error instanceof Error && isTruncated(error.cause));
}
