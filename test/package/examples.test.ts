// Every public function and class of the main entry has an example in its comment, which prints what its comments say.
import { inspect } from 'node:util';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { programOf } from '../../site/example.mjs';
import * as library from '../../src/node.ts';
import { testDevice } from '../support/device.ts';
import { examplesOfSource, printsAsPromised, promisedBy } from '../support/examples.ts';

const device = await testDevice();
const examples = examplesOfSource();
const names = Object.keys(library);
const AsyncFunction = Object.getPrototypeOf(async () => {}).constructor as new (
  ...parts: string[]
) => (library: object, log: typeof console) => Promise<void>;

/** Runs a program on the device of the tests, and returns what it printed. */
async function run(program: string): Promise<string> {
  const lines: string[] = [];
  const log = (...values: unknown[]): void =>
    void lines.push(values.map((value) => (typeof value === 'string' ? value : inspect(value))).join(' '));
  const body = program.replace(/^import (\{.*\}) from 'retinagrad';$/m, 'const $1 = retinagrad;');
  // The first device that a program opens is that of the tests.
  let opened = 0;
  const init: typeof library.init = async (options) => (opened++ === 0 ? device : library.init(options));
  const original = console.log;
  console.log = log;
  try {
    library.setDefaultDevice(device);
    await new AsyncFunction('retinagrad', 'console', body)({ ...library, init }, { ...console, log });
  } finally {
    console.log = original;
  }
  return lines.join('\n');
}

test('every public function and class has an example, except errors', () => {
  const without = Object.entries(library).filter(
    ([name, value]) => typeof value === 'function' && !(value.prototype instanceof Error) && !examples.has(name),
  );
  assert.equal(
    without.map(([name]) => name),
    [],
  );
  console.log(`# ${examples.size} examples`);
});

test('an example promises something, and uses what it is about', () => {
  for (const [name, code] of examples) {
    assert.ok(promisedBy(code).length > 0, `${name}: nothing is printed`);
    assert.match(code, new RegExp(`\\b${name}\\b`), name);
  }
});

for (const [name, code] of examples) {
  test(`the example of ${name} prints what its comments say`, async () => {
    const printed = await run(programOf(code, names));
    const promised = promisedBy(code);
    assert.ok(printsAsPromised(printed, promised), `printed:\n${printed}\npromised:\n${promised}`);
  });
}

test('printed numbers may differ in their last decimal place', () => {
  assert.ok(printsAsPromised('[ 0.8415, 2]', '[0.8414,  2]'));
  for (const [printed, promised] of [
    ['0.8415', '0.8418'],
    ['3', '2'],
    ['[1, 2]', '[1]'],
    ['true', 'false'],
  ] as const)
    assert.not(printsAsPromised(printed, promised));
});

test.run();
