import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { resolutionNote } from '../../src/detector.ts';

test('another ground resolution is named from 25 % on, with what to do', () => {
  assert.is(resolutionNote(0.5, 0.5), null);
  assert.is(resolutionNote(0.5, 0.625), null);
  assert.is(resolutionNote(0.5, 0.4), null);
  assert.is(
    resolutionNote(0.5, 1),
    'a pixel of these images is 1 m on the ground, one of the training images 0.5 m, so that objects have 1/2.0 of their size ' +
      'in pixels: --resample (`resample` in the library) reads them at 0.5 m; or train on images of 1 m',
  );
  assert.match(resolutionNote(0.5, 0.0999)!, /is 0\.1 m on the ground, .* objects have 5\.0 of their size/);
  assert.match(resolutionNote(0.5, 0.63)!, /1\/1\.3 of/);
});

test('without a known resolution there is nothing to say', () => {
  assert.equal(
    [resolutionNote(undefined, 1), resolutionNote(1, undefined), resolutionNote(null, null)],
    [null, null, null],
  );
});

test.run();
