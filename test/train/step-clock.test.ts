import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { StepClock } from '../../src/train/step-clock.ts';

test('a step is measured by the mean of its epoch; pauses do not count, slow steps do', () => {
  let seconds = 0;
  const clock = new StepClock(() => seconds * 1000);
  const means = (...durations: number[]): number[] => {
    clock.restart();
    return durations.map((duration) => {
      seconds += duration;
      return clock.step();
    });
  };
  assert.equal(means(4, 2, 3), [4, 3, 3], 'a first step may compile');
  assert.equal(means(3, 3600, 3, 9), [3, 3, 3, 4.5]);
  assert.equal(means(3600, 4.5), [4.5, 4.5], 'a pause in the first step of an epoch');
  assert.equal(means(20, 40), [20, 30]);
});

test.run();
