import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { reasonOf } from '../../src/common/check.ts';
import { InputError } from '../../src/common/errors.ts';
import { isTruncated, TruncatedError } from '../../src/imagery/truncated.ts';

test('an InputError has its parts as fields; its option is spelt as the caller wants', () => {
  const cause = new TruncatedError('truncated: 3 bytes');
  const error = new InputError('readPng', cause.message, { file: 'a.png', option: 'limit', remedy: 'raise', cause });
  assert.is(error.message, 'readPng: a.png: truncated: 3 bytes; raise `limit`');
  assert.equal(
    [error.op, error.reason, error.file, error.option, error.remedy],
    ['readPng', 'truncated: 3 bytes', 'a.png', 'limit', 'raise'],
  );
  assert.is(
    error.explain((option) => `--${option}`),
    'a.png: truncated: 3 bytes; raise --limit',
  );
  assert.is(new InputError('f', 'is empty').message, 'f: is empty');
  assert.instance(error, Error);
  assert.is(error.cause, cause);
});

test('a reason within another message has no name of a function', () => {
  assert.is(reasonOf(new InputError('f', 'is empty', { file: 'a' })), 'a: is empty');
  assert.is(reasonOf(new RangeError('f: x is 0')), 'f: x is 0');
  assert.is(reasonOf('text'), 'text');
});

test('a truncated file is recognised through the errors around its own', () => {
  const inner = new TruncatedError('truncated');
  assert.ok(isTruncated(new Error('a', { cause: new InputError('f', 'x', { cause: inner }) })));
  assert.not.ok(isTruncated(new Error('truncated')));
  assert.not.ok(isTruncated(undefined));
});

test.run();
