import { Lexer, parseDocument, Parser } from 'yaml';
import { reasonOf } from './check.ts';
import { exceeds, fileLimits } from './limits.ts';

/** Text that is not YAML, or more of it than settings and lists of classes have. */
export class YamlError extends Error {
  override readonly name = 'YamlError';
}

/** Characters of an entry; names of classes and paths are shorter. */
const MAX_ENTRY_CHARACTERS = 100;

/**
 * Parses YAML text, which includes JSON.
 *
 * @throws YamlError for other text, with the place in it, for text with more lines and commas than `maxYamlEntries`, or 100 times
 *   as many characters, for nesting deeper than 100 to 200 levels, and for aliases that expand to more than 100 times their
 *   number
 */
export function parseYaml(text: string): unknown {
  const { maxYamlEntries } = fileLimits();
  const entries = text.match(/[\n,]/g)?.length ?? 0;
  const characters = text.length > maxYamlEntries * MAX_ENTRY_CHARACTERS;
  if (characters || entries > maxYamlEntries) {
    const found = characters
      ? `${text.length} characters, more than ${MAX_ENTRY_CHARACTERS} for each line and comma,`
      : `${entries} lines and commas`;
    throw new YamlError(exceeds(found, 'maxYamlEntries', maxYamlEntries));
  }
  checkNesting(text);
  const document = parseDocument(text);
  const [error] = document.errors;
  if (error !== undefined) throw new YamlError(error.message.trimEnd());
  try {
    return document.toJS();
  } catch (cause) {
    throw new YamlError(reasonOf(cause), { cause });
  }
}

/** Lists and groups that may be inside each other; each takes up to two of the parser's tokens. */
const MAX_NESTING = 100;

/**
 * The package composes nodes by functions that call themselves. When the stack is full, V8 may be compiling a regular
 * expression, and then it ends the process. The part that divides the text into tokens keeps a stack of its own.
 */
function checkNesting(text: string): void {
  const parser = new Parser();
  for (const lexeme of new Lexer().lex(text)) {
    for (const _ of parser.next(lexeme));
    if (parser.stack.length > 2 * MAX_NESTING) throw new YamlError('lists and groups are nested too deeply');
  }
}
