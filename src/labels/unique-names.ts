import { counted } from '../common/check.ts';

/** Finds files by their names without folders. */
export class UniqueNames {
  #found = 0;
  readonly #files = new Map<string, string | undefined>();

  constructor(files: Iterable<string>) {
    for (const file of files) {
      const name = file.slice(file.lastIndexOf('/') + 1);
      this.#files.set(name, this.#files.has(name) ? undefined : file);
    }
  }

  /** A note on the paths that were replaced. */
  notes(): string[] {
    if (this.#found === 0) return [];
    return [
      `the folders of ${counted(this.#found, 'path', 'paths')} that lead elsewhere: the images were found by name`,
    ];
  }

  /** The only file with a name. */
  readonly find = (name: string): string | undefined => {
    const file = this.#files.get(name);
    if (file !== undefined) this.#found++;
    return file;
  };
}
