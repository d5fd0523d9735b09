// Chapter 5: the input gradient of the row, by the library.
import { conv1d, grad, init, tensor, tidy } from 'retinagrad';
import type { Exercise } from '../exercise.ts';
import { sameNumbers } from '../numbers.ts';

/** Gradients of the row's convolution for dy = [1, 2]. */
export async function rowGradients(): Promise<{ dx: number[]; dw: number[] }> {
  await init();
  const [dx, dw] = tidy(() => {
    const x = tensor([[[1], [2], [3], [4]]], { requiresGrad: true });
    const w = tensor([[[1]], [[10]], [[100]]], { requiresGrad: true });
    return grad(conv1d(x, w, null, { stride: 2, padding: 1 }), [x, w], { gradient: tensor([[[1], [2]]]) });
  });
  return { dx: [...(await dx!.data())], dw: [...(await dw!.data())] };
}

export const exercise: Exercise = {
  kind: 'text',
  label: 'dx, four numbers',
  check: async (answer) =>
    sameNumbers(answer, (await rowGradients()).dx, 'dx', 'Only pixel 1 is read by both outputs.'),
};
