export function mpiLaunchers(): readonly { readonly name: string; readonly command: readonly string[] }[];
