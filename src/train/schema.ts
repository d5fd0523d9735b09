import { parseDocument } from 'yaml';
import { didYouMean } from '../common/did-you-mean.ts';
import { UsageError } from '../cli/usage-error.ts';

// A configuration is groups of settings, each with a type, limits, a default and a sentence. The schema is the only list
// of them: types, defaults, checks, help and the commented file come from it.

/** A setting: how its value is checked, and what is said about it. */
export interface Setting<T> {
  readonly default: T;
  /** One sentence for the help. */
  readonly about: string;
  /** What a value must be, as in `a whole number from 1`. */
  readonly expected: string;
  /** The value, if it is legal; a string may come from the command line. Undefined if it is not. */
  readonly read: (value: unknown) => T | undefined;
}

type Group = Readonly<Record<string, Setting<unknown>>>;
export type Schema = Readonly<Record<string, Group>>;
/** Values of all settings of a schema. */
export type ValuesOf<S extends Schema> = {
  readonly [G in keyof S]: { readonly [K in keyof S[G]]: S[G][K] extends Setting<infer T> ? T : never };
};

/** A number within limits. */
export function numeric(
  initial: number,
  about: string,
  { min = -Infinity, max = Infinity, whole = false }: { min?: number; max?: number; whole?: boolean } = {},
): Setting<number> {
  const range = max < Infinity ? ` from ${min} to ${max}` : min > -Infinity ? ` from ${min}` : '';
  return {
    default: initial,
    about,
    expected: `a ${whole ? 'whole ' : ''}number${range}`,
    read(value) {
      const n = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
      if (typeof n !== 'number' || !Number.isFinite(n) || n < min || n > max) return undefined;
      return whole && !Number.isInteger(n) ? undefined : n;
    },
  };
}

/** True or false. */
export function flag(initial: boolean, about: string): Setting<boolean> {
  return {
    default: initial,
    about,
    expected: 'true or false',
    read: (value) =>
      value === true || value === 'true' ? true : value === false || value === 'false' ? false : undefined,
  };
}

/** Text, such as a path. */
export function words(initial: string, about: string): Setting<string> {
  return {
    default: initial,
    about,
    expected: 'text',
    read: (value) => (typeof value === 'string' && value !== '' ? value : undefined),
  };
}

/** One of several words. */
export function oneOf<const T extends string>(initial: NoInfer<T>, choices: readonly T[], about: string): Setting<T> {
  return {
    default: initial,
    about,
    expected: `one of ${choices.join(', ')}`,
    read: (value) => choices.find((choice) => choice === value),
  };
}

/** Several words: a list in a file, parted by commas on the command line. */
export function list(initial: readonly string[], about: string): Setting<readonly string[]> {
  return {
    default: initial,
    about,
    expected: 'a list of words, parted by commas',
    read(value) {
      const items: unknown = typeof value === 'string' ? value.split(',').map((item) => item.trim()) : value;
      if (!Array.isArray(items) || items.some((item) => typeof item !== 'string' || item === '')) return undefined;
      return items as string[];
    },
  };
}

/** A smallest and a largest number: a list in a file, `0.8,1.25` on the command line. */
export function between(
  initial: readonly [number, number],
  about: string,
  { min = -Infinity, max = Infinity }: { min?: number; max?: number } = {},
): Setting<readonly [number, number]> {
  return {
    default: initial,
    about,
    expected: `two numbers parted by a comma, the first not larger${min > -Infinity ? `, from ${min}` : ''}${max < Infinity ? ` to ${max}` : ''}`,
    read(value) {
      const parts: unknown = typeof value === 'string' ? value.split(',').map(Number) : value;
      if (!Array.isArray(parts) || parts.length !== 2) return undefined;
      const [low, high] = parts as [unknown, unknown];
      if (typeof low !== 'number' || typeof high !== 'number') return undefined;
      return low >= min && high <= max && low <= high ? [low, high] : undefined;
    },
  };
}

/** A setting that may also be `null` (`none` on the command line). */
export function orNone<T>(setting: Setting<T>, initial: T | null = null): Setting<T | null> {
  return {
    ...setting,
    default: initial,
    expected: `${setting.expected}, or none`,
    read: (value) => (value === null || value === 'none' || value === 'null' ? null : setting.read(value)),
  };
}

/** A setting that may also be the word `auto`. */
export function orAuto<T>(setting: Setting<T>): Setting<T | 'auto'> {
  return {
    ...setting,
    default: 'auto',
    expected: `${setting.expected}, or auto`,
    read: (value) => (value === 'auto' ? 'auto' : setting.read(value)),
  };
}

/** All names, `group.setting`. */
export const namesOf = (schema: Schema): string[] =>
  Object.entries(schema).flatMap(([group, settings]) => Object.keys(settings).map((name) => `${group}.${name}`));

/** Values from a configuration file (YAML, of which JSON is a part) by name. Throws a UsageError that names the file. */
export function readSettingsFile(text: string, file: string): Map<string, unknown> {
  const document = parseDocument(text, { prettyErrors: true });
  const [error] = document.errors;
  if (error !== undefined) {
    // `npm run retinagrad -- train tiles --print-config > file` puts two lines of npm's before the settings.
    const hint = /^> \S+@\d/m.test(text)
      ? '\nThese are lines of npm, not settings: write the file with npm run -s'
      : '';
    throw new UsageError(`${file}: ${error.message.trimEnd()}${hint}`);
  }
  const content: unknown = document.toJS();
  const isGroup = (value: unknown): value is Record<string, unknown> =>
    typeof value === 'object' && value !== null && !Array.isArray(value);
  if (content === null) return new Map();
  if (!isGroup(content))
    throw new UsageError(`${file}: expected groups of settings, such as\n  train:\n    epochs: 20`);
  const values = new Map<string, unknown>();
  for (const [group, settings] of Object.entries(content)) {
    // `train.epochs: 20` is understood, too.
    if (!isGroup(settings)) values.set(group, settings);
    else for (const [name, value] of Object.entries(settings)) values.set(`${group}.${name}`, value);
  }
  return values;
}

/** Parts `key=value` arguments from the others. */
export function splitOverrides(args: readonly string[]): { overrides: Map<string, unknown>; others: string[] } {
  const overrides = new Map<string, unknown>();
  const others: string[] = [];
  for (const arg of args) {
    const match = /^([A-Za-z][\w.]*)=(.*)$/s.exec(arg);
    if (match === null) others.push(arg);
    else if (overrides.has(match[1]!)) throw new UsageError(`${match[1]} is set twice`);
    else overrides.set(match[1]!, match[2]);
  }
  return { overrides, others };
}

/**
 * Settings of a schema: the defaults, changed by each layer in turn. Throws a UsageError for names that do not exist,
 * with the nearest one, and for values that are not legal.
 *
 * @param layers values by name, with where they come from
 */
export function resolveSettings<S extends Schema>(
  schema: S,
  layers: readonly { readonly from: string; readonly values: ReadonlyMap<string, unknown> }[],
): ValuesOf<S> {
  const names = namesOf(schema);
  const out = Object.fromEntries(
    Object.entries(schema).map(([group, settings]) => [
      group,
      Object.fromEntries(Object.entries(settings).map(([name, setting]) => [name, setting.default])),
    ]),
  );
  for (const { from, values } of layers) {
    for (const [name, value] of values) {
      const [group = '', key = ''] = name.split('.');
      const setting = names.includes(name) ? schema[group]![key]! : undefined;
      if (setting === undefined) {
        throw new UsageError(`${from}: there is no setting ${name}${didYouMean(name, names)}`);
      }
      const read = setting.read(value);
      if (read === undefined) {
        throw new UsageError(`${from}: ${name} is ${JSON.stringify(value)}, expected ${setting.expected}`);
      }
      out[group]![key] = read;
    }
  }
  return out as ValuesOf<S>;
}

/** A configuration as a file with a comment for each setting. */
export function printSettings<S extends Schema>(schema: S, values: ValuesOf<S>): string {
  return Object.entries(schema)
    .map(([group, settings]) => {
      const lines = Object.entries(settings).map(([name, setting]) => {
        const value = (values[group] as Record<string, unknown>)[name];
        return `  # ${setting.about} (${setting.expected})\n  ${name}: ${JSON.stringify(value)}\n`;
      });
      return `${group}:\n${lines.join('')}`;
    })
    .join('');
}

/** The settings for --help: name, default and sentence. */
export function settingsHelp(schema: Schema): string {
  const rows = Object.entries(schema).flatMap(([group, settings]) =>
    Object.entries(settings).map(([name, setting]): [string, string] => {
      return [`${group}.${name}=${asArgument(setting.default)}`, `${setting.about}; ${setting.expected}`];
    }),
  );
  return rows.map(([head, about]) => `  ${head}\n${wrap(about, 110, '      ')}\n`).join('');
}

/** A value as the command line takes it. */
function asArgument(value: unknown): string {
  if (value === null) return 'none';
  return typeof value === 'string' ? value : JSON.stringify(value).replaceAll(/[[\]"]/g, '');
}

function wrap(text: string, width: number, indent: string): string {
  const lines: string[] = [''];
  for (const word of text.split(' ')) {
    const line = lines.at(-1)!;
    if (line !== '' && indent.length + line.length + 1 + word.length > width) lines.push(word);
    else lines[lines.length - 1] = line === '' ? word : `${line} ${word}`;
  }
  return lines.map((line) => indent + line).join('\n');
}
