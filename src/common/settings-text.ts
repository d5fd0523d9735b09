import { layerOf, SettingError, type JsonSchema, type Schema, type ValuesOf } from './settings.ts';
import { wrap } from './wrap.ts';
import { parseYaml, YamlError } from './yaml.ts';

// Settings as text: configuration files, arguments of the command line, help.

/**
 * Reads the values in a configuration file (YAML, which includes JSON) by name.
 *
 * @throws SettingError that names the file
 */
export function readSettingsFile(text: string, file: string): Map<string, unknown> {
  let content: unknown;
  try {
    content = parseYaml(text);
  } catch (error) {
    if (!(error instanceof YamlError)) throw error;
    // `npm run retinagrad -- train tiles --print-config > file` writes two lines of npm before the settings.
    const hint = /^> \S+@\d/m.test(text) ? '\nThe file starts with output of npm: write it with npm run -s' : '';
    throw new SettingError(`${file}: ${error.message}${hint}`);
  }
  return new Map(content === null ? [] : layerOf(file, content).values);
}

/** Separates `key=value` arguments from the others. */
export function splitOverrides(args: readonly string[]): { overrides: Map<string, unknown>; others: string[] } {
  const overrides = new Map<string, unknown>();
  const others: string[] = [];
  for (const arg of args) {
    const match = /^([A-Za-z][\w.]*)=(.*)$/s.exec(arg);
    if (match === null) others.push(arg);
    else if (overrides.has(match[1]!)) throw new SettingError(`${match[1]} is set twice`, match[1]);
    else overrides.set(match[1]!, match[2]);
  }
  return { overrides, others };
}

/** Formats a configuration as YAML with a comment on each setting. */
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

/** The settings for --help: name, default, description and legal values. */
export function settingsHelp(schema: Schema): string {
  const rows = Object.entries(schema).flatMap(([group, settings]) =>
    Object.entries(settings).map(([name, setting]): [string, string] => {
      return [`${group}.${name}=${asArgument(setting.default)}`, `${setting.about}; ${setting.expected}`];
    }),
  );
  const indent = '      ';
  const indented = (text: string): string =>
    wrap(text, 110 - indent.length)
      .map((line) => indent + line)
      .join('\n');
  return rows.map(([head, about]) => `  ${head}\n${indented(about)}\n`).join('');
}

/** The JSON schema of a configuration file, with which editors complete and validate YAML or JSON. */
export function jsonSchemaOf(schema: Schema, title: string): JsonSchema {
  const object = (properties: JsonSchema): JsonSchema => ({ type: 'object', additionalProperties: false, properties });
  const groups = Object.entries(schema).map(([group, settings]) => {
    const properties = Object.entries(settings).map(([name, setting]) => [
      name,
      {
        description: setting.about,
        default: setting.default,
        // A default is accepted even if its value is not legal otherwise, for example an empty path.
        ...(setting.read(setting.default) === undefined
          ? { anyOf: [setting.schema, { const: setting.default }] }
          : setting.schema),
      },
    ]);
    return [group, object(Object.fromEntries(properties))];
  });
  return { $schema: 'https://json-schema.org/draft/2020-12/schema', title, ...object(Object.fromEntries(groups)) };
}

/** Formats a value as the command line accepts it. */
function asArgument(value: unknown): string {
  if (value === null) return 'none';
  return typeof value === 'string' ? value : JSON.stringify(value).replaceAll(/[[\]"]/g, '');
}
