// Runs the tests, one process per file: a crash of the GPU driver or a hang costs one file, not the run.
//   node scripts/test.mjs [--smoke | --built] [PART OF A PATH ...]
// Without options: test/**/*.test.ts, on the source. With --smoke: those that show whether an adapter computes correctly.
// With --built: test/**/*.built.test.ts, on what `npm run build` made.
// A file passes when it ends with code 0, has a test, and Node printed no warning.
// Ends with `N passed, N failed`. Lines that a test starts with `# ` are results worth seeing, and are shown.
import { spawn } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';

const LIMIT = 600; // Seconds per file, of which each computes at the same time as another.
const SMOKE = [
  'test/tensor/',
  'test/autograd/',
  'test/kernels/',
  'test/nn/',
  'test/package/wgsl.test',
  'test/cli/command-line',
];
const root = fileURLToPath(new URL('../', import.meta.url));
const args = process.argv.slice(2);
const isBuilt = args.includes('--built');
const unknown = args.filter((arg) => arg.startsWith('-') && arg !== '--smoke' && arg !== '--built');
if (unknown.length > 0) {
  console.error(`unknown option ${unknown.join(' ')}: node scripts/test.mjs [--smoke | --built] [PART OF A PATH ...]`);
  process.exit(2);
}
const parts = args.filter((arg) => !arg.startsWith('-'));
const within = (list, file) => list.length === 0 || list.some((part) => file.includes(part));
const files = readdirSync(new URL('../test/', import.meta.url), { recursive: true })
  .map((file) => `test/${file.replaceAll('\\', '/')}`)
  .filter(
    (file) =>
      file.endsWith('.test.ts') &&
      file.endsWith('.built.test.ts') === isBuilt &&
      within(parts, file) &&
      within(args.includes('--smoke') ? SMOKE : [], file),
  )
  .sort();

/** Runs one file. `problems` are the reasons to count it as failed beside the tests that failed. */
function run(file) {
  return new Promise((resolve) => {
    const env = { ...process.env, FORCE_COLOR: '0' }; // The counts are read from uvu's plain text.
    delete env.NO_COLOR; // Node warns when both are set.
    const options = ['--conditions', 'retinagrad-source', '--import', './scripts/typescript.mjs'];
    const child = spawn(process.execPath, [...options, file], { cwd: root, env, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    const problems = [];
    const timer = setTimeout(() => {
      problems.push(`did not end within ${LIMIT} s`);
      child.kill('SIGKILL');
    }, LIMIT * 1000);
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text) => (output += text));
    child.on('error', (error) => problems.push(error.message));
    child.on('close', (code, signal) => {
      clearTimeout(timer);
      const sum = (word) =>
        [...output.matchAll(new RegExp(`^ +${word}: +(\\d+)$`, 'gm'))].reduce((n, match) => n + Number(match[1]), 0);
      const [total, passed, skipped] = [sum('Total'), sum('Passed'), sum('Skipped')];
      const warning = /^\(node:\d+\) .*/m.exec(output)?.[0];
      if (problems.length === 0 && signal !== null) problems.push(`ended by ${signal}`);
      if (signal === null && code !== 0 && passed === total) problems.push(`ended with code ${code}`);
      if (code === 0 && total + skipped === 0) problems.push('has no test');
      if (warning !== undefined) problems.push(`warning: ${warning}`);
      resolve({ passed, failed: total - passed + problems.length, skipped, problems, output });
    });
  });
}

/** Files at a time: while one computes on the driver, another compiles its TypeScript. Their times include that of the others. */
const JOBS = Math.min(availableParallelism(), 4);

let [passed, failed] = [0, 0];
async function runAll(queue) {
  for (let file = queue.shift(); file !== undefined; file = queue.shift()) {
    const start = performance.now();
    const result = await run(file);
    passed += result.passed;
    failed += result.failed;
    const counts = [`${result.passed} passed`];
    if (result.failed > 0) counts.push(`${result.failed} FAILED`);
    if (result.skipped > 0) counts.push(`${result.skipped} skipped`);
    const seconds = ((performance.now() - start) / 1000).toFixed(1);
    console.log(`${file}  ${[...counts, ...result.problems].join(', ')}  ${seconds} s`);
    if (result.failed > 0) console.log(result.output);
    // uvu puts its marks in front of what a test prints.
    else for (const [, note] of result.output.matchAll(/^(?:[•✘] )*# (.*)$/gm)) console.log(`  ${note}`);
  }
}
const queue = [...files];
await Promise.all(Array.from({ length: JOBS }, () => runAll(queue)));
if (files.length === 0) {
  console.error(`no file test/**/*${isBuilt ? '.built' : ''}.test.ts matches ${parts.join(' ') || 'anything'}`);
  failed++;
}
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
