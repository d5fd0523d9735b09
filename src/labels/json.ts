/**
 * Parses JSON text. `NaN` and `Infinity`, which Python writes and JSON does not have, become the text `"NaN"`, so that
 * whoever checks the number can say where it stands. Throws an Error that starts with `name`.
 */
export function parseJson(text: string, name: string): unknown {
  const own = text.startsWith('\ufeff') ? text.slice(1) : text;
  if (own.trim() === '') throw new Error(`${name}: the file is empty, expected JSON`);
  try {
    return JSON.parse(own);
  } catch (error) {
    const patched = own.replace(/"(?:[^"\\]|\\.)*"|-?\b(?:NaN|Infinity)\b/g, (token) =>
      token.startsWith('"') ? token : JSON.stringify(token),
    );
    if (patched !== own) {
      try {
        return JSON.parse(patched);
      } catch {
        // It has other faults: the first error says which.
      }
    }
    const reason = error instanceof Error ? error.message : String(error);
    const at = /at position (\d+)/.exec(reason)?.[1];
    const ended = /end of JSON|Unterminated/.test(reason) || (at !== undefined && Number(at) >= own.trimEnd().length);
    const line = at === undefined ? '' : `:${own.slice(0, Number(at)).split('\n').length}`;
    throw new Error(`${name}${line}: ${ended ? 'truncated' : 'not JSON'}: ${reason}`, { cause: error });
  }
}

/** Whether a parsed value is an object with members, not an array. */
export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
