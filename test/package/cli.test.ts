import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Info } from '../../src/cli/info.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
  version: string;
};

function retinagrad(...args: string[]) {
  const command = ['--import', 'tsx', 'src/cli/main.ts', ...args];
  const { status, stdout, stderr } = spawnSync(process.execPath, command, { cwd: root, encoding: 'utf8' });
  return { status, stdout, stderr };
}

test('--help teaches the command and succeeds', () => {
  const { status, stdout, stderr } = retinagrad('--help');
  assert.is(status, 0, stderr);
  for (const text of [
    'retinagrad info',
    '--adapter NAME',
    '--json',
    'RETINAGRAD_ADAPTER',
    'Exit status:',
    'Examples:',
  ]) {
    assert.match(stdout, text);
  }
});

test('--version prints the version of the package', () => {
  assert.is(retinagrad('--version').stdout, `${version}\n`);
});

const WRONG: [args: string[], message: string][] = [
  [[], 'retinagrad: no command given; there are info and bench\n'],
  [['trian'], 'retinagrad: unknown command "trian"; there are info and bench\n'],
  [['info', 'more'], 'retinagrad: info takes no further arguments, got more\n'],
  [['info', '--jsn'], "retinagrad: Unknown option '--jsn'"],
  [['info', '--adapter'], "retinagrad: Option '--adapter <value>' argument missing"],
  [['bench', 'parts', '--checkpoint'], 'retinagrad: bench: --checkpoint goes with whole, not parts\n'],
];
for (const [args, message] of WRONG) {
  test(`"retinagrad ${args.join(' ')}" is a wrong command line`, () => {
    const { status, stdout, stderr } = retinagrad(...args);
    assert.is(status, 2);
    assert.is(stdout, '');
    assert.ok(stderr.startsWith(message), stderr);
    assert.match(stderr, 'Try: retinagrad --help');
  });
}

test('info --json describes the adapter and checks it', () => {
  const { status, stdout, stderr } = retinagrad('info', '--json');
  assert.is(status, 0, stderr);
  const report = JSON.parse(stdout) as Info;
  assert.is(report.retinagrad, version);
  assert.ok(report.adapter.name.length > 0);
  assert.ok(['hardware', 'software'].includes(report.adapter.kind));
  assert.equal(report.check, { name: report.check.name, correct: true, wrong: 0 });
  assert.ok(report.limits.maxBufferSize >= 2 ** 28);
  for (const [name, value] of Object.entries(report.timings)) assert.ok(value > 0, name);
});

test('info prints the same for people', () => {
  const { status, stdout, stderr } = retinagrad('info');
  assert.is(status, 0, stderr);
  assert.match(stdout, /^adapter +\S/m);
  assert.match(stdout, /^check +.*exactly the processor's result$/m);
});

test('an adapter that is not there is a failure with the remedies', () => {
  const { status, stdout, stderr } = retinagrad('info', '--adapter', 'no such adapter');
  assert.is(status, 1);
  assert.is(stdout, '');
  assert.match(stderr, 'retinagrad: no WebGPU adapter named "no such adapter" could be opened.');
  assert.match(stderr, 'Remedies:');
});

test.run();
