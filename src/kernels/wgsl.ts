/** A kernel source as `scripts/wgsl.mjs` emits it: one per `.wgsl` file. */
export interface WgslSource {
  readonly file: string;
  /** Top-level constants that a launch may replace, with their types. */
  readonly consts: Readonly<Record<string, string>>;
  /** Type aliases that a launch may replace, with their targets. */
  readonly aliases: Readonly<Record<string, string>>;
  /** Fields of `struct Params`, in order, with their types. */
  readonly params: Readonly<Record<string, string>>;
  /** Bindings in order; the last is `params` if there are any. */
  readonly bindings: Readonly<Record<string, 'storage' | 'read-only-storage' | 'uniform'>>;
  readonly code: string;
}

/** Values for the kernel's `const NAME: type = …;` lines. */
export type Consts<S extends WgslSource> = { readonly [K in keyof S['consts']]?: number | boolean };

/** Types for the kernel's `alias NAME = …;` lines. */
export type Aliases<S extends WgslSource> = { readonly [K in keyof S['aliases']]?: string };

/**
 * Returns the kernel's text with the named constants and aliases replaced in place. No line is added or removed, so
 * that the line number of a compiler message is the line in the `.wgsl` file.
 */
export function specialize<S extends WgslSource>(source: S, consts: Consts<S>, aliases: Aliases<S>): string {
  let code: string = source.code;
  const replace = (kind: string, name: string, value: string): void => {
    const line = new RegExp(`^(${kind} ${name}\\b[^=]*=)[^;]*;`, 'm');
    if (!line.test(code)) throw new Error(`${source.file} has no ${kind} ${name}`);
    code = code.replace(line, `$1 ${value};`);
  };
  for (const [name, value] of Object.entries<number | boolean | undefined>(consts)) {
    if (value !== undefined) replace('const', name, literal(value, source.consts[name]!));
  }
  for (const [name, type] of Object.entries<string | undefined>(aliases)) {
    if (type !== undefined) replace('alias', name, type);
  }
  return code;
}

function literal(value: number | boolean, type: string): string {
  if (typeof value === 'boolean') return String(value);
  return `${type}(${value})`;
}
