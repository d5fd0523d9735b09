/** The program of an example, with its import; `names` are the public names of the main entry. */
export declare function programOf(code: string, names: readonly string[]): string;
