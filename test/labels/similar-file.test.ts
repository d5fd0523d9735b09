import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { similarFile } from '../../src/labels/similar-file.ts';

test('a path of the labels that has no file is compared with those that exist', () => {
  const files = ['a/one.png', 'a/D\u00e4cher.png', 'b/two.jpg', 'c/two.png', 'b/Three.tif'];
  const hint = (path: string): string => similarFile(path, files);
  assert.is(hint('a/One.PNG'), '; there is a/one.png, which differs in case');
  assert.is(hint('a/Da\u0308cher.png'), '; there is a/D\u00e4cher.png, which differs in Unicode form (NFC or NFD)');
  assert.is(hint('a/one.tif'), '; there is a/one.png, which differs in extension');
  assert.is(hint('b/Three'), '; there is b/Three.tif, which differs in extension');
  assert.is(hint('images/three.tif'), '; there is b/Three.tif, which differs in folder');
  assert.is(hint('three.png'), '; there is b/Three.tif, which differs in folder and extension');
  assert.is(hint('d/two.png'), '; there is c/two.png, which differs in folder');
  // Two files may be meant.
  assert.is(hint('two.webp'), '');
  assert.is(hint('four.png'), '');
});

test.run();
