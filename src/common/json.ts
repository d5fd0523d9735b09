import { reasonOf } from './check.ts';

/** Text that is not JSON. */
export class JsonError extends Error {
  override readonly name = 'JsonError';
  /** Line, from 1, where it is known. */
  readonly line: number | undefined;
  constructor(reason: string, line?: number, cause?: unknown) {
    super(reason, { cause });
    this.line = line;
  }
}

/**
 * Parses JSON text. `NaN` and `Infinity`, which Python writes although JSON does not have them, become the text `"NaN"`, so
 * that the check of the number can report its place.
 *
 * @throws JsonError for text that is not JSON
 */
export function parseJson(text: string): unknown {
  const json = text.startsWith('\ufeff') ? text.slice(1) : text;
  if (json.trim() === '') throw new JsonError('the file is empty, expected JSON');
  try {
    return JSON.parse(json);
  } catch (error) {
    const patched = json.replace(/"(?:[^"\\]|\\.)*"|-?\b(?:NaN|Infinity)\b/g, (token) =>
      token.startsWith('"') ? token : JSON.stringify(token),
    );
    if (patched !== json) {
      try {
        return JSON.parse(patched);
      } catch {
        // There are other errors: the first one is reported.
      }
    }
    throw syntaxError(error, json);
  }
}

function syntaxError(error: unknown, json: string): JsonError {
  const reason = reasonOf(error);
  // The engine gives the position only in its message.
  const position = /at position (\d+)/.exec(reason)?.[1];
  const at = position === undefined ? undefined : Number(position);
  const isTruncated = /end of JSON|Unterminated/.test(reason) || (at !== undefined && at >= json.trimEnd().length);
  const line = at === undefined ? undefined : json.slice(0, at).split('\n').length;
  return new JsonError(`${isTruncated ? 'truncated' : 'not JSON'}: ${reason}`, line, error);
}
