import { defined, expectedNumber, isWithin, type Limits } from './check.ts';
import { didYouMean } from './did-you-mean.ts';

// A configuration consists of groups of settings; a setting has a type, limits, a default and a description. Each group
// is declared once, in the room that uses it. Types, defaults, checks, help, the commented file and the JSON schema are
// derived from that declaration.

/** A setting: its default, its check and its documentation. */
export interface Setting<T> {
  readonly default: T;
  /** Description for the help: one phrase. */
  readonly about: string;
  /** Describes legal values, for example `an integer >= 1`. */
  readonly expected: string;
  /** Converts a value, which may be a string from the command line. Returns undefined if it is not legal. */
  readonly read: (value: unknown) => T | undefined;
  /** The JSON schema of legal values. */
  readonly schema: JsonSchema;
  /** False if the setting does not change what a run computes, so that the run can be resumed with another value. */
  readonly decides: boolean;
}

export type JsonSchema = Readonly<Record<string, unknown>>;
export type Group = Readonly<Record<string, Setting<unknown>>>;
export type Schema = Readonly<Record<string, Group>>;
/** Values of all settings of a group. */
export type GroupValues<G extends Group> = { readonly [K in keyof G]: G[K] extends Setting<infer T> ? T : never };
/** Values of all settings of a schema. */
export type ValuesOf<S extends Schema> = { readonly [K in keyof S]: GroupValues<S[K]> };

/** Thrown for a setting that does not exist and for a value that is not legal. */
export class SettingError extends Error {
  override readonly name = 'SettingError';
  /** Name of the setting as it was given; null if the error is not about one setting. */
  readonly setting: string | null;

  constructor(message: string, setting: string | null = null) {
    super(message);
    this.setting = setting;
  }
}

/** `Number` takes empty text for 0. */
const toNumber = (text: string): number => (text.trim() === '' ? Number.NaN : Number(text));

/** A number within limits. */
export function numeric(initial: number, about: string, limits: Limits & { integer?: boolean } = {}): Setting<number> {
  const { integer = false, min: minimum, max: maximum, above: exclusiveMinimum, below: exclusiveMaximum } = limits;
  return {
    default: initial,
    about,
    expected: expectedNumber(integer ? 'an integer' : 'a number', limits),
    read(value) {
      const n = typeof value === 'string' ? toNumber(value) : value;
      if (typeof n !== 'number' || !Number.isFinite(n) || !isWithin(n, limits)) return undefined;
      return integer && !Number.isInteger(n) ? undefined : n;
    },
    schema: {
      type: integer ? 'integer' : 'number',
      ...defined({ minimum, exclusiveMinimum, maximum, exclusiveMaximum }),
    },
    decides: true,
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
    schema: { type: 'boolean' },
    decides: true,
  };
}

/** Text, for example a path. */
export function words(initial: string, about: string): Setting<string> {
  return {
    default: initial,
    about,
    expected: 'text',
    read: (value) => (typeof value === 'string' && value !== '' ? value : undefined),
    schema: { type: 'string', minLength: 1 },
    decides: true,
  };
}

/** One of several words. */
export function oneOf<const T extends string>(initial: NoInfer<T>, choices: readonly T[], about: string): Setting<T> {
  return {
    default: initial,
    about,
    expected: `one of ${choices.join(', ')}`,
    read: (value) => choices.find((choice) => choice === value),
    schema: { enum: choices },
    decides: true,
  };
}

/** A list of words: an array in a file, comma-separated on the command line. */
export function list(initial: readonly string[], about: string): Setting<readonly string[]> {
  return {
    default: initial,
    about,
    expected: 'a comma-separated list of words',
    read(value) {
      const items: unknown = typeof value === 'string' ? value.split(',').map((item) => item.trim()) : value;
      if (!Array.isArray(items) || items.some((item) => typeof item !== 'string' || item === '')) return undefined;
      return items as string[];
    },
    schema: {
      anyOf: [
        { type: 'array', items: { type: 'string', minLength: 1 } },
        { type: 'string', minLength: 1 },
      ],
    },
    decides: true,
  };
}

/** Minimum and maximum of a random quantity: an array in a file, `0.8,1.25` on the command line. */
export function between(
  initial: readonly [number, number],
  about: string,
  limits: Limits = {},
): Setting<readonly [number, number]> {
  const { min, max } = limits;
  return {
    default: initial,
    about,
    expected: `two comma-separated numbers, minimum and maximum${min === undefined ? '' : `, >= ${min}`}${max === undefined ? '' : ` and <= ${max}`}`,
    read(value) {
      const parts: unknown = typeof value === 'string' ? value.split(',').map(toNumber) : value;
      if (!Array.isArray(parts) || parts.length !== 2) return undefined;
      const [low, high] = parts as [unknown, unknown];
      if (typeof low !== 'number' || typeof high !== 'number') return undefined;
      return isWithin(low, limits) && isWithin(high, limits) && low <= high ? [low, high] : undefined;
    },
    schema: { type: 'array', items: numeric(0, '', limits).schema, minItems: 2, maxItems: 2 },
    decides: true,
  };
}

/** Some integers, such as bands: an array or one number in a file, `3,2,1` on the command line. */
export function integers(
  initial: readonly number[],
  about: string,
  { most, ...limits }: Limits & { readonly most: number },
): Setting<readonly number[]> {
  const one = numeric(0, '', { ...limits, integer: true });
  return {
    default: initial,
    about,
    expected: `1 to ${most} comma-separated integers${limits.min === undefined ? '' : `, >= ${limits.min}`}`,
    read(value) {
      const parts: unknown = typeof value === 'string' ? value.split(',') : typeof value === 'number' ? [value] : value;
      if (!Array.isArray(parts) || parts.length === 0 || parts.length > most) return undefined;
      const numbers = parts.map((part) => one.read(part));
      return numbers.includes(undefined) ? undefined : (numbers as number[]);
    },
    schema: { anyOf: [{ type: 'array', items: one.schema, minItems: 1, maxItems: most }, one.schema] },
    decides: true,
  };
}

/** A setting that may also be `null` (`none` on the command line). */
export function orNone<T>(setting: Setting<T>, initial: T | null = null): Setting<T | null> {
  return {
    ...setting,
    default: initial,
    expected: `${setting.expected}, or none`,
    read: (value) => (value === null || value === 'none' || value === 'null' ? null : setting.read(value)),
    schema: { anyOf: [setting.schema, { enum: [null, 'none'] }] },
  };
}

/** A setting that may also be a word, such as `all`. */
export function orWord<T, const W extends string>(setting: Setting<T>, word: W): Setting<T | W> {
  return {
    ...setting,
    expected: `${setting.expected}, or ${word}`,
    read: (value) => (value === word ? word : setting.read(value)),
    schema: { anyOf: [setting.schema, { const: word }] },
  };
}

/** A setting that may also be the word `auto`, which is its default. */
export const orAuto = <T>(setting: Setting<T>): Setting<T | 'auto'> => ({
  ...orWord(setting, 'auto'),
  default: 'auto',
});

/** Marks a setting that does not change what a run computes, so that the run can be resumed with another value. */
export const changeable = <T>(setting: Setting<T>): Setting<T> => ({ ...setting, decides: false });

/** The defaults of a group. */
export const defaultsOf = <const G extends Group>(group: G): GroupValues<G> =>
  Object.fromEntries(Object.entries(group).map(([name, setting]) => [name, setting.default])) as GroupValues<G>;

/**
 * The values of a group: the given options, and defaults for the others. Options that are not in the group are ignored.
 */
export function withDefaults<const G extends Group>(group: G, options: object): GroupValues<G> {
  const given = Object.entries(options).filter(([name, value]) => value !== undefined && Object.hasOwn(group, name));
  return { ...defaultsOf(group), ...Object.fromEntries(given) };
}

/** The names of all settings, `group.setting`. */
export const namesOf = (schema: Schema): string[] =>
  Object.entries(schema).flatMap(([group, settings]) => Object.keys(settings).map((name) => `${group}.${name}`));

/** Values by name (`group.setting`), with their origin for error messages. */
export interface SettingLayer {
  readonly from: string;
  readonly values: ReadonlyMap<string, unknown>;
}

/**
 * The settings of a schema: each layer overrides the layers before it, and all override the defaults.
 *
 * @throws SettingError for a name that does not exist, with the most similar name, and for a value that is not legal
 */
export function resolveLayers<S extends Schema>(schema: S, layers: readonly SettingLayer[]): ValuesOf<S> {
  const names = namesOf(schema);
  const out: Record<string, Record<string, unknown>> = Object.fromEntries(
    Object.entries(schema).map(([group, settings]) => [group, { ...defaultsOf(settings) }]),
  );
  for (const { from, values } of layers) {
    for (const [name, value] of values) {
      const [group = '', key = ''] = name.split('.');
      if (!names.includes(name)) {
        throw new SettingError(`${from}: there is no setting ${name}${didYouMean(name, names)}`, name);
      }
      const setting = schema[group]![key]!;
      // A default is accepted even if its value is not legal otherwise, for example an empty path.
      const read = value === setting.default ? value : setting.read(value);
      if (read === undefined) {
        throw new SettingError(`${from}: ${name} is ${shown(value)}, expected ${setting.expected}`, name);
      }
      out[group]![key] = read;
    }
  }
  return out as ValuesOf<S>;
}

/**
 * Converts groups of values to a layer: `{ train: { epochs: 3 } }` sets `train.epochs`, as does `{ 'train.epochs': 3 }`.
 * Undefined values and empty groups are ignored.
 *
 * @throws SettingError if `groups` is not an object
 */
export function layerOf(from: string, groups: unknown): SettingLayer {
  if (!isRecord(groups))
    throw new SettingError(`${from}: expected groups of settings, such as\n  train:\n    epochs: 20`);
  const values = new Map<string, unknown>();
  for (const [group, settings] of Object.entries(groups)) {
    if (settings === undefined || settings === null) continue;
    if (!isRecord(settings)) values.set(group, settings);
    else
      for (const [name, value] of Object.entries(settings)) {
        if (value !== undefined) values.set(`${group}.${name}`, value);
      }
  }
  return { from, values };
}

/** Throws a RangeError for the first value that its setting does not allow. The message starts with `op`. */
export function checkGroup<const G extends Group>(op: string, group: G, values: GroupValues<G>): void {
  for (const [name, setting] of Object.entries(group)) {
    const value = (values as Readonly<Record<string, unknown>>)[name];
    if (setting.read(value) !== undefined) continue;
    throw new RangeError(`${op}: ${name} is ${shown(value)}, expected ${setting.expected}`);
  }
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** A value in a message. */
const shown = (value: unknown): string =>
  typeof value === 'number' || typeof value === 'bigint' ? `${value}` : JSON.stringify(value);
