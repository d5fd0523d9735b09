// Runs the tests, one process per file: a crash of the GPU driver or a hang costs one file, not the run.
//   node scripts/test.mjs [PART OF A PATH ...]
import { spawn } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const LIMIT = 300_000; // Milliseconds per file.
const root = fileURLToPath(new URL('../', import.meta.url));
const filters = process.argv.slice(2);
const files = readdirSync(new URL('../test/', import.meta.url), { recursive: true })
  .map((file) => `test/${file.replaceAll('\\', '/')}`)
  .filter((file) => file.endsWith('.test.ts') && (filters.length === 0 || filters.some((part) => file.includes(part))))
  .sort();

function run(file) {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, ['--conditions', 'retinagrad-source', '--import', 'tsx', file], { cwd: root });
    let output = '';
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      child.kill('SIGKILL');
    }, LIMIT);
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => (output += text));
    child.on('close', (code, signal) => {
      clearTimeout(timer);
      const sum = (word) => [...output.matchAll(new RegExp(`^ +${word}: +(\\d+)$`, 'gm'))].reduce((n, m) => n + Number(m[1]), 0);
      const [total, passed] = [sum('Total'), sum('Passed')];
      const failed = Math.max(total - passed, code === 0 && total > 0 ? 0 : 1);
      const how = late ? `, no end after ${LIMIT / 1000} s` : signal === null ? '' : `, ended by ${signal}`;
      resolve({ passed, failed, output, how });
    });
  });
}

let [passed, failed] = [0, 0];
for (const file of files) {
  const start = Date.now();
  const result = await run(file);
  passed += result.passed;
  failed += result.failed;
  const counts = `${result.passed} passed${result.failed > 0 ? `, ${result.failed} FAILED` : ''}${result.how}`;
  console.log(`${file}  ${counts}  ${((Date.now() - start) / 1000).toFixed(1)} s`);
  if (result.failed > 0) console.log(result.output);
}
if (files.length === 0) {
  console.error(`no test file matches ${filters.join(' ')}`);
  failed++;
}
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
