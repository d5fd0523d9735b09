/** An optional package is not installed. */
export class MissingPackageError extends Error {
  override readonly name = 'MissingPackageError';
  readonly package: string;
  constructor(name: string, cause: unknown) {
    super(`reading this file needs the package ${name}: npm install ${name}`, { cause });
    this.package = name;
  }
}

/** Loads an optional package. Rejects with a `MissingPackageError` if it is missing. */
export async function optionalPackage<T>(name: string, load: () => Promise<T>): Promise<T> {
  try {
    return await load();
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code !== 'ERR_MODULE_NOT_FOUND') throw error;
    throw new MissingPackageError(name, error);
  }
}
