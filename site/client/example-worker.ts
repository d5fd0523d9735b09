// Imported first by the worker of an example: what the program prints goes to the page.
import type { Message } from './example.ts';

/** A value as Node's console shows it, in one line. */
function shown(value: unknown): string {
  if (typeof value === 'string') return `'${value}'`;
  if (typeof value !== 'object' || value === null) return String(value);
  if (Array.isArray(value)) return value.length === 0 ? '[]' : `[ ${value.map(shown).join(', ')} ]`;
  const { name } = (value as object).constructor;
  if (ArrayBuffer.isView(value))
    return `${name}(${(value as Float32Array).length}) ${shown([...(value as Float32Array)])}`;
  if (value instanceof Error) return `${name}: ${value.message}`;
  if (value instanceof Set) return `Set(${value.size}) { ${[...value].map(shown).join(', ')} }`;
  if (value instanceof Map)
    return `Map(${value.size}) { ${[...value].map(([key, item]) => `${shown(key)} => ${shown(item)}`).join(', ')} }`;
  if (name !== 'Object') return (value as { readonly toString: () => string }).toString();
  const fields = Object.entries(value).map(([key, item]) => `${key}: ${shown(item)}`);
  return fields.length === 0 ? '{}' : `{ ${fields.join(', ')} }`;
}

const print = (...values: readonly unknown[]): void =>
  postMessage({
    printed: values.map((value) => (typeof value === 'string' ? value : shown(value))).join(' '),
  } satisfies Message);
Object.assign(console, { log: print, info: print, warn: print, error: print });
