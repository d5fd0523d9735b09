import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { temporaryFolder } from '../support/files.ts';

const root = temporaryFolder();
const folder = join(root, 'src/kernels/wgsl');
const script = join(root, 'scripts/wgsl.mjs');
mkdirSync(folder, { recursive: true });
for (const other of ['bench/ladder', 'src/measure/ladder', 'scripts'])
  mkdirSync(join(root, other), { recursive: true });
copyFileSync(new URL('../../scripts/wgsl.mjs', import.meta.url), script);

const GOOD = `// y = a \`x\` \\ \${n}
const SIZE: u32 = 64u; // Specialisation
alias T = f32;
struct Params {
  n: u32, // elements
  a: f32,
}
@group(0) @binding(0) var<storage, read> x: array<T>;
@group(0) @binding(1) var<storage, read_write> y: array<T>;
@group(0) @binding(2) var<uniform> params: Params;
@compute @workgroup_size(SIZE)
fn main(@builtin(global_invocation_id) id: vec3u) { y[id.x] = params.a * x[id.x]; }
`;

const generate = (...args: string[]) => spawnSync(process.execPath, [script, ...args], { encoding: 'utf8' });

test('a kernel becomes a module with its text and its types', async () => {
  writeFileSync(join(folder, 'scale_by.wgsl'), GOOD);
  const { status, stderr } = generate();
  assert.is(status, 0, stderr);
  const target = join(folder, 'scale_by.wgsl.ts');
  // What the module holds is plain JavaScript except for its `as const`.
  const plain = join(folder, 'scale_by.mjs');
  writeFileSync(plain, readFileSync(target, 'utf8').replace(' as const', ''));
  const { scaleBy } = (await import(pathToFileURL(plain).href)) as { scaleBy: unknown };
  assert.equal(scaleBy, {
    file: 'scale_by.wgsl',
    consts: { SIZE: 'u32' },
    aliases: { T: 'f32' },
    params: { n: 'u32', a: 'f32' },
    bindings: { x: 'read-only-storage', y: 'storage', params: 'uniform' },
    code: GOOD,
  });
});

test('what did not change is not written again', () => {
  const target = join(folder, 'scale_by.wgsl.ts');
  const before = statSync(target).mtimeMs;
  assert.is(generate().status, 0);
  assert.is(statSync(target).mtimeMs, before);
  assert.is(generate('--check').status, 0);
});

test('--check fails for a stale, a missing and a left-over module, and writes nothing', () => {
  const target = join(folder, 'scale_by.wgsl.ts');
  const other = join(folder, 'gone.wgsl.ts');
  writeFileSync(target, '// stale');
  writeFileSync(other, '// its kernel is gone');
  const { status, stderr } = generate('--check');
  assert.is(status, 1);
  assert.match(stderr, /wgsl\/scale_by\.wgsl\.ts, src\/kernels\/wgsl\/gone\.wgsl\.ts/);
  assert.is(readFileSync(target, 'utf8'), '// stale');
  assert.is(generate().status, 0);
  assert.not(existsSync(other));
  assert.is(generate('--check').status, 0);
});

test('a kernel of the ladder becomes a module of src/measure', () => {
  writeFileSync(join(root, 'bench/ladder/scale_by.wgsl'), GOOD);
  assert.is(generate().status, 0);
  assert.match(readFileSync(join(root, 'src/measure/ladder/scale_by.wgsl.ts'), 'utf8'), /export const scaleBy = /);
});

const REFUSED: [name: string, code: string, message: RegExp][] = [
  ['a parameter that is no scalar', GOOD.replace('n: u32', 'n: vec2u'), /Params\.n is vec2u, expected u32, i32 or f32/],
  ['a gap in the bindings', GOOD.replace('@binding(1)', '@binding(3)'), /y has binding 3, expected 1/],
  [
    'a binding in another form',
    GOOD.replace('@group(0) @binding(1)', '@binding(1) @group(0)'),
    /a binding is not written/,
  ],
  ['a uniform of another name', GOOD.replace('> params:', '> settings:'), /the one uniform binding is `params`/],
  ['parameters without a binding', GOOD.replace(/^@group.*params.*\n/m, ''), /struct Params and the binding params/],
  ['two entry points', `${GOOD}@compute @workgroup_size(1) fn other() {}\n`, /expected one entry point/],
  ['no formula', GOOD.replace(/^.*\n/, ''), /the first line must be a comment/],
];
for (const [name, code, message] of REFUSED) {
  test(`${name} is refused`, () => {
    const file = join(folder, 'bad.wgsl');
    writeFileSync(file, code);
    const { status, stderr } = generate();
    rmSync(file);
    assert.is(status, 1);
    assert.match(stderr, message);
    assert.match(stderr, /^src\/kernels\/wgsl\/bad\.wgsl: /);
    assert.not(existsSync(`${file}.ts`));
  });
}

test.run();
