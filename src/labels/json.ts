import { reasonOf } from '../common/check.ts';
import { LabelError } from './problems.ts';

/**
 * Parses JSON text. `NaN` and `Infinity`, which Python writes although JSON does not have them, become the text `"NaN"`, so
 * that the check of the number can report its place. Throws a `LabelError` with `name` and, where known, the line.
 */
export function parseJson(text: string, name: string): unknown {
  const json = text.startsWith('\ufeff') ? text.slice(1) : text;
  if (json.trim() === '') throw new LabelError('syntax', { file: name }, 'the file is empty, expected JSON');
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
    throw syntaxError(error, json, name);
  }
}

function syntaxError(error: unknown, json: string, name: string): LabelError {
  const reason = reasonOf(error);
  // The engine gives the position only in its message.
  const position = /at position (\d+)/.exec(reason)?.[1];
  const at = position === undefined ? undefined : Number(position);
  const isTruncated = /end of JSON|Unterminated/.test(reason) || (at !== undefined && at >= json.trimEnd().length);
  const origin = at === undefined ? { file: name } : { file: name, line: json.slice(0, at).split('\n').length };
  return new LabelError('syntax', origin, `${isTruncated ? 'truncated' : 'not JSON'}: ${reason}`, { cause: error });
}
