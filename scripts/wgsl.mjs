// Turns each src/kernels/wgsl/NAME.wgsl into NAME.wgsl.ts. `node scripts/wgsl.mjs --check` fails when one is stale.
import { existsSync, readFileSync, readdirSync, unlinkSync, writeFileSync } from 'node:fs';

const dir = new URL('../src/kernels/wgsl/', import.meta.url);
const check = process.argv.includes('--check');
const stale = [];
const expected = new Set();
const record = (entries) => `{ ${entries.map(([name, type]) => `${name}: '${type}'`).join(', ')} }`;
for (const file of readdirSync(dir).filter((f) => f.endsWith('.wgsl')).sort()) {
  const code = readFileSync(new URL(file, dir), 'utf8');
  const consts = [...code.matchAll(/^const ([A-Z][A-Z0-9_]*)\s*:\s*(\w+)\s*=\s*([^;]+);/gm)].map((m) => [m[1], m[2]]);
  const aliases = [...code.matchAll(/^alias ([A-Z][A-Z0-9_]*)\s*=\s*([^;]+);/gm)].map((m) => [m[1], m[2]]);
  const body = (/struct Params \{([^}]*)\}/.exec(code)?.[1] ?? '').replace(/\/\/.*$/gm, '');
  const params = body.split(',').map((s) => s.trim()).filter(Boolean).map((s) => s.split(/\s*:\s*/));
  for (const [name, type] of params) if (!['u32', 'i32', 'f32'].includes(type)) throw new Error(`${file}: Params.${name} is ${type}`);
  const bindings = [...code.matchAll(/^@group\(0\) @binding\((\d+)\) var<(\w+)(?:, (\w+))?> (\w+)/gm)];
  bindings.forEach((b, i) => { if (Number(b[1]) !== i) throw new Error(`${file}: binding ${b[1]} should be ${i}`); });
  const kind = (b) => (b[2] === 'uniform' ? 'uniform' : b[3] === 'read_write' ? 'storage' : 'read-only-storage');
  const name = file.replace('.wgsl', '').replace(/_(\w)/g, (_, c) => c.toUpperCase());
  const ts =
    `// Generated from ${file} by scripts/wgsl.mjs. Do not edit.\n` +
    `export const ${name} = {\n  file: '${file}',\n  consts: ${record(consts)},\n  aliases: ${record(aliases)},\n` +
    `  params: ${record(params)},\n  bindings: ${record(bindings.map((b) => [b[4], kind(b)]))},\n  code: \`${code.replace(/[`\\]|\$\{/g, '\\$&')}\`,\n} as const;\n`;
  const out = new URL(`${file}.ts`, dir);
  expected.add(`${file}.ts`);
  if (!existsSync(out) || readFileSync(out, 'utf8') !== ts) check ? stale.push(file) : writeFileSync(out, ts);
}
for (const f of readdirSync(dir)) if (f.endsWith('.wgsl.ts') && !expected.has(f)) check ? stale.push(f) : unlinkSync(new URL(f, dir));
if (stale.length > 0) {
  console.error(`stale: ${stale.join(', ')} - run npm run wgsl`);
  process.exit(1);
}
