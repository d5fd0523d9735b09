/** An optional package is not installed. */
export class MissingPackageError extends Error {
  override readonly name = 'MissingPackageError';
  readonly package: string;
  constructor(name: string, cause: unknown, purpose: string) {
    super(`${purpose} needs the package ${name}: npm install ${name}`, { cause });
    this.package = name;
  }
}

/**
 * Loads an optional package. Rejects with a `MissingPackageError` if it is missing, whose message names the purpose:
 * default `reading this file`.
 */
export async function optionalPackage<T>(
  name: string,
  load: () => Promise<T>,
  purpose = 'reading this file',
): Promise<T> {
  try {
    return await load();
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code !== 'ERR_MODULE_NOT_FOUND') throw error;
    throw new MissingPackageError(name, error, purpose);
  }
}
