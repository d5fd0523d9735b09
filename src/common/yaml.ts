import { parseDocument } from 'yaml';
import { reasonOf } from './check.ts';

/** Text that is not YAML, or more of it than settings and lists of classes have. */
export class YamlError extends Error {
  override readonly name = 'YamlError';
}

/** The parser needs about 50 microseconds for an entry. */
const MAX_ENTRIES = 10_000;
const MAX_CHARACTERS = 2 ** 20;

/**
 * Parses YAML text, which includes JSON.
 *
 * @throws YamlError for other text, with the place in it, and for text with more than 2^20 characters, 10,000 lines and commas,
 *   or aliases that expand to more than 100 times their number
 */
export function parseYaml(text: string): unknown {
  if (text.length > MAX_CHARACTERS) {
    throw new YamlError(`${text.length} characters, expected at most ${MAX_CHARACTERS}`);
  }
  const entries = text.match(/[\n,]/g)?.length ?? 0;
  if (entries > MAX_ENTRIES) throw new YamlError(`${entries} lines and commas, expected at most ${MAX_ENTRIES}`);
  const document = parseDocument(text);
  const [error] = document.errors;
  if (error?.code === 'RESOURCE_EXHAUSTION') throw new YamlError('lists and groups are nested too deeply');
  if (error !== undefined) throw new YamlError(error.message.trimEnd());
  try {
    return document.toJS();
  } catch (cause) {
    throw new YamlError(reasonOf(cause), { cause });
  }
}
