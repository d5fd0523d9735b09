import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { objectsOf } from '../../src/data/annotation-table.ts';

const test = suite('tables');

test('detections that clipping left without an area are no objects; true boxes are kept as they are', () => {
  const found = {
    boxes: Float32Array.of(1, 2, 3, 4, 5, 0, 9, 0, 7, 1, 7, 3),
    labels: Int32Array.of(0, 1, 0),
    scores: Float32Array.of(0.75, 0.5, 0.25),
  };
  assert.equal(objectsOf(found), [{ label: 0, box: [1, 2, 3, 4], score: 0.75 }]);
  const { boxes, labels } = found;
  assert.is(objectsOf({ boxes, labels }).length, 3);
});

test.run();
