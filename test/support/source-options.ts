/** Options with which Node runs the sources of the library, from any folder. */
export const sourceOptions: readonly string[] = [
  '--conditions',
  'retinagrad-source',
  '--import',
  new URL('../../scripts/typescript.mjs', import.meta.url).href,
];
