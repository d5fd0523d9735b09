import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { didYouMean } from '../../src/common/did-you-mean.ts';

const test = suite('did you mean');

test('the nearest candidate is proposed', () => {
  assert.is(didYouMean('trian', ['predict', 'train']), '; did you mean train?');
});

test('none is proposed where none is near', () => {
  assert.is(didYouMean('zzzzzz', ['train', 'predict']), '');
  assert.is(didYouMean('train', []), '');
});

test('the beginning or the last part of a name is near to the whole name', () => {
  assert.is(didYouMean('sugest', ['quiet', 'suggest-anchors'], '--'), '; did you mean --suggest-anchors?');
  assert.is(didYouMean('epochs', ['train.seed', 'train.epochs']), '; did you mean train.epochs?');
});

test.run();
