// Chapter 13: which gamma halves three times. The kernel of the library computes the answer's effect.
import { sigmoidFocalLoss, tensor, tidy } from 'retinagrad';
import { device } from '../gpu.ts';
import { right, wrong, type Exercise } from '../exercise.ts';

/** Focal loss of background with a logit of 0, that is p = 0.5. */
const lossAt = (gamma: number): Promise<number> =>
  tidy(() => sigmoidFocalLoss(tensor([[0]]), tensor([-1], { dtype: 'int32' }), { alpha: -1, gamma })).item();

export const exercise: Exercise = {
  kind: 'number',
  label: 'γ',
  check: async (answer) => {
    await device();
    const fraction = (await lossAt(answer)) / (await lossAt(0));
    const say = `With γ = ${answer} the kernel gives ${fraction.toPrecision(4)} of the cross entropy.`;
    return Math.abs(fraction - 1 / 8) < 1e-4 ? right(say) : wrong(say);
  },
};
