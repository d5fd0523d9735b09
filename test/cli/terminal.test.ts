import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { interruptSignal } from '../../src/cli/terminal.ts';

test('Ctrl-C, SIGTERM and the end of the terminal interrupt; a terminal may end more than once', () => {
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    let calls = 0;
    const signal = interruptSignal(() => calls++);
    assert.not.ok(signal.aborted);
    process.emit(name);
    if (name === 'SIGHUP') process.emit(name);
    assert.equal([signal.aborted, calls], [true, 1], name);
    for (const other of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.removeAllListeners(other);
  }
});

test.run();
