// The examples of the reference. In the comments of the source they are short: every public name of the library may be used,
// and each comment in them is what the statement before it prints. Readers get a whole program.

/**
 * The program of an example, with its import.
 *
 * @param {string} code
 * @param {readonly string[]} names public names of the main entry
 */
export function programOf(code, names) {
  const bare = code.replaceAll(/\/\/.*|'[^'\n]*'/g, '');
  // Not properties: `Math.max`, `{ mean: m }`; but `...values` is a name.
  const uses = (name) => new RegExp(`(?<![\\w$]|(?<!\\.\\.)\\.)${name}\\b(?!:)`).test(bare);
  const used = names.filter((name) => name === 'init' || uses(name)).sort();
  const start = /^.*\binit\(/.test(bare) ? '' : 'await init();\n'; // unless its first line does
  return `import { ${used.join(', ')} } from 'retinagrad';\n\n${start}${code.trimEnd()}\n`;
}
