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

/** Arrays and objects may be inside each other this often; those of label files have about ten levels. */
const MAX_DEPTH = 200;

/**
 * Parses JSON text. `NaN` and `Infinity`, which Python writes although JSON does not have them, become the text `"NaN"`, so
 * that the check of the number can report its place.
 *
 * @throws JsonError for text that is not JSON, and for nesting deeper than 200 levels, which would overflow the stack of what
 *   reads the values
 */
export function parseJson(text: string): unknown {
  const json = text.startsWith('\ufeff') ? text.slice(1) : text;
  if (json.trim() === '') throw new JsonError('the file is empty, expected JSON');
  checkDepth(json);
  try {
    return JSON.parse(json);
  } catch (error) {
    const patched = quoteNumbers(json);
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

function checkDepth(json: string): void {
  let depth = 0;
  for (let at = 0; at < json.length; at++) {
    const code = json.charCodeAt(at);
    if (code === QUOTE) at = stringEnd(json, at) - 1;
    else if (code === 0x5b || code === 0x7b) {
      if (++depth > MAX_DEPTH) {
        throw new JsonError(`more than ${MAX_DEPTH} arrays and objects inside each other`, lineAt(json, at));
      }
    } else if (code === 0x5d || code === 0x7d) depth--;
  }
}

const QUOTE = 0x22;

/** The position behind a string that starts at `start`; the end of the text if it is not closed. */
function stringEnd(json: string, start: number): number {
  for (let at = json.indexOf('"', start + 1); at >= 0; at = json.indexOf('"', at + 1)) {
    let first = at;
    while (json[first - 1] === '\\') first--;
    // A quote behind an odd number of backslashes is part of the string.
    if ((at - first) % 2 === 0) return at + 1;
  }
  return json.length;
}

/** Puts `NaN` and `Infinity` outside strings into quotes. */
function quoteNumbers(json: string): string {
  if (!/NaN|Infinity/.test(json)) return json;
  const parts: string[] = [];
  for (let at = 0; at < json.length;) {
    const quote = json.indexOf('"', at);
    const end = quote < 0 ? json.length : quote;
    parts.push(json.slice(at, end).replace(/-?\b(?:NaN|Infinity)\b/g, (token) => JSON.stringify(token)));
    at = quote < 0 ? end : stringEnd(json, quote);
    parts.push(json.slice(end, at));
  }
  return parts.join('');
}

/** The line of a position, from 1. */
function lineAt(text: string, position: number): number {
  let line = 1;
  for (let at = text.indexOf('\n'); at >= 0 && at < position; at = text.indexOf('\n', at + 1)) line++;
  return line;
}

function syntaxError(error: unknown, json: string): JsonError {
  const reason = reasonOf(error);
  // The engine gives the position only in its message.
  const position = /at position (\d+)/.exec(reason)?.[1];
  const at = position === undefined ? undefined : Number(position);
  const isTruncated = /end of JSON|Unterminated/.test(reason) || (at !== undefined && at >= json.trimEnd().length);
  const line = at === undefined ? undefined : lineAt(json, at);
  return new JsonError(`${isTruncated ? 'truncated' : 'not JSON'}: ${reason}`, line, error);
}
