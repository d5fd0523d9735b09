// What scripts/simulated-hosts.mjs refuses before it makes a network, which needs root.
import { spawnSync } from 'node:child_process';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { root } from '../support/files.ts';

/** The reason that the script gives for not beginning. */
function refusal(...args: readonly string[]): string {
  const { status, stderr } = spawnSync(process.execPath, ['scripts/simulated-hosts.mjs', ...args], {
    cwd: root,
    encoding: 'utf8',
  });
  assert.is(status, 1, stderr);
  return /Error(?: \[\w+\])?: (.*)$/m.exec(stderr)![1]!;
}

test('hosts, launchers and options that do not exist are refused, and so is no command', () => {
  for (const hosts of ['0', '251', '1.5', 'two']) {
    assert.is(refusal('--hosts', hosts, 'hostname'), `--hosts is ${hosts}, expected an integer from 1 to 250`);
  }
  assert.is(refusal('--mpi', 'lam', 'hostname'), '--mpi is lam, expected one of openmpi, mpich');
  assert.match(refusal('--bandwidth', '1mbit', 'hostname'), /^Unknown option '--bandwidth'/);
  for (const args of [[], ['--rate', '10mbit'], ['--rate=10mbit', '--hosts=3']])
    assert.match(refusal(...args), /^no command: /);
});

test('options end where the command begins, and have their values after a space or an equals sign', () => {
  assert.match(refusal('--rate=10mbit', '--hosts=0', 'hostname', '--hosts=2'), /^--hosts is 0,/);
  assert.match(refusal('--rate', '10mbit', '--mpi', 'lam', 'node', '--mpi', 'mpich'), /^--mpi is lam,/);
});

test.run();
