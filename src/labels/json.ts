import { JsonError, parseJson } from '../common/json.ts';
import { LabelError } from './problems.ts';

/** Parses the JSON text of the file `name`. Throws a `LabelError` with its name and, where known, the line. */
export function parseLabelJson(text: string, name: string): unknown {
  try {
    return parseJson(text);
  } catch (error) {
    if (!(error instanceof JsonError)) throw error;
    const { line } = error;
    const origin = line === undefined ? { file: name } : { file: name, line };
    throw new LabelError('syntax', origin, error.message, { cause: error });
  }
}
