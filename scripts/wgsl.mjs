// Turns each src/kernels/wgsl/NAME.wgsl into NAME.wgsl.ts: the text, with the types of what a launch must give it; and each
// bench/ladder/NAME.wgsl into a module of src/measure/ladder.
//   node scripts/wgsl.mjs           writes what changed
//   node scripts/wgsl.mjs --check   fails when a module is missing, stale or left over
import { existsSync, readFileSync, readdirSync, unlinkSync, writeFileSync } from 'node:fs';

const MAX_PARAMS = 64; // One slot of the parameter buffer holds 256 bytes.
/** Folders of kernels, and where their modules are written. */
const FOLDERS = { 'src/kernels/wgsl': 'src/kernels/wgsl', 'bench/ladder': 'src/measure/ladder' };
const check = process.argv.includes('--check');

/** The module of one kernel. Calls `fail` for each rule that the file breaks and a launcher relies on. */
function moduleOf(file, code, fail) {
  if (!/^[a-z][a-z0-9_]*\.wgsl$/.test(file)) fail('the name must be in snake_case');
  if (!code.startsWith('// ')) fail('the first line must be a comment with the formula');
  if (code.match(/@compute\b/g)?.length !== 1 || !/\bfn main\(/.test(code)) fail('expected one entry point, `main`');

  const consts = [...code.matchAll(/^const ([A-Z][A-Z0-9_]*)\s*:\s*(\w+)\s*=\s*[^;]+;/gm)].map((m) => [m[1], m[2]]);
  const aliases = [...code.matchAll(/^alias ([A-Z][A-Z0-9_]*)\s*=\s*([^;]+);/gm)].map((m) => [m[1], m[2]]);

  const body = (/^struct Params \{([^}]*)\}/m.exec(code)?.[1] ?? '').replace(/\/\/.*$|\/\*.*?\*\//gm, '');
  const fields = body.split(',').map((field) => field.trim());
  const params = fields.filter(Boolean).map((field) => field.split(/\s*:\s*/));
  for (const [name, type] of params) {
    if (!/^[uif]32$/.test(type ?? '')) fail(`Params.${name} is ${type}, expected u32, i32 or f32`);
  }
  if (params.length > MAX_PARAMS) fail(`Params has ${params.length} fields, at most ${MAX_PARAMS}`);

  const found = [...code.matchAll(/^@group\(0\) @binding\((\d+)\) var<(\w+)(?:, (\w+))?> (\w+)\s*:/gm)];
  if (found.length !== (code.match(/@binding\(/g) ?? []).length) {
    fail('a binding is not written `@group(0) @binding(N) var<...> name: ...` at the start of a line');
  }
  const bindings = found.map(([, number, space, access, name], i) => {
    if (Number(number) !== i) fail(`${name} has binding ${number}, expected ${i}: they count from 0 in order`);
    if (space !== 'uniform') return [name, access === 'read_write' ? 'storage' : 'read-only-storage'];
    if (name !== 'params' || i !== found.length - 1) fail('the one uniform binding is `params`, and it comes last');
    return [name, 'uniform'];
  });
  if (params.length > 0 !== (bindings.at(-1)?.[1] === 'uniform'))
    fail('struct Params and the binding params go together');

  const name = file.slice(0, -'.wgsl'.length).replace(/_(\w)/g, (_, letter) => letter.toUpperCase());
  const record = (entries) =>
    entries.length === 0 ? '{}' : `{ ${entries.map(([key, value]) => `${key}: '${value}'`).join(', ')} }`;
  return `// Generated from ${file} by scripts/wgsl.mjs. Do not edit.
export const ${name} = {
  file: '${file}',
  consts: ${record(consts)},
  aliases: ${record(aliases)},
  params: ${record(params)},
  bindings: ${record(bindings)},
  code: \`${code.replace(/[`\\]|\$\{/g, '\\$&')}\`,
} as const;
`;
}

const stale = [];
for (const [from, to] of Object.entries(FOLDERS)) {
  const urlOf = (path) => new URL(`../${path}`, import.meta.url);
  const kernels = readdirSync(urlOf(from)).filter((name) => name.endsWith('.wgsl'));
  for (const file of kernels.sort()) {
    let broken = false;
    const code = readFileSync(urlOf(`${from}/${file}`), 'utf8').replaceAll('\r\n', '\n');
    const module = moduleOf(file, code, (problem) => {
      console.error(`${from}/${file}: ${problem}`);
      process.exitCode = 1;
      broken = true;
    });
    if (broken) continue;
    const target = urlOf(`${to}/${file}.ts`);
    if (existsSync(target) && readFileSync(target, 'utf8') === module) continue;
    if (check) stale.push(`${to}/${file}.ts`);
    else writeFileSync(target, module);
  }
  for (const name of readdirSync(urlOf(to))) {
    if (!name.endsWith('.wgsl.ts') || kernels.includes(name.slice(0, -3))) continue;
    if (check) stale.push(`${to}/${name}`);
    else unlinkSync(urlOf(`${to}/${name}`));
  }
}
if (stale.length > 0) {
  console.error(`stale: ${stale.join(', ')}\nRun: npm run wgsl`);
  process.exitCode = 1;
}
