// Chapter 2: where a float32 counter stops.
import { right, wrong, type Exercise } from '../exercise.ts';

export const exercise: Exercise = {
  kind: 'number',
  label: 'The sum stops at',
  check: (answer) => {
    if (!Number.isInteger(answer) || answer < 1) return wrong('It is a positive integer.');
    const grows = Math.fround(answer + 1) !== answer;
    if (Math.fround(answer) !== answer)
      return wrong(`A sum of ones never gets to ${answer}: float32 does not have this number.`);
    if (grows) return wrong(`${answer} + 1 is ${Math.fround(answer + 1)} in float32: it goes on.`);
    const before = answer - 1;
    if (
      Math.fround(before + 1) !== answer ||
      Math.fround(before) !== before ||
      Math.fround(answer / 2 + 1) === answer / 2
    )
      return wrong('It would stop here, but it has stopped before.');
    return right('2^24 + 1 is not a float32; it lies halfway between two, and the even one is 2^24 again.');
  },
};
