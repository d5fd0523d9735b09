/** Loads an optional package. Rejects with the command that installs it if it is missing. */
export async function optionalPackage<T>(name: string, load: () => Promise<T>): Promise<T> {
  try {
    return await load();
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code !== 'ERR_MODULE_NOT_FOUND') throw error;
    throw new Error(`reading this file needs the package ${name}: npm install ${name}`, { cause: error });
  }
}
