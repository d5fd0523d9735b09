// Winograd's F(2, 3) in numbers, beside the library's convolution.
import { conv1d, tensor, tidy } from 'retinagrad';
import type { Mount } from '../figure.ts';
import { device } from '../gpu.ts';
import { controls, note, numbers, table } from '../ui.ts';

const show = (value: number): string => String(Number(value.toFixed(3)));

export const mount: Mount = async (stage) => {
  await device();
  const input = numbers('Inputs d', 4, [1, 2, 3, 4]);
  const taps = numbers('Taps g', 3, [1, 10, 100]);
  await controls(stage, [input, taps], async () => {
    const [d0, d1, d2, d3] = input.value as [number, number, number, number];
    const [g0, g1, g2] = taps.value as [number, number, number];
    const v = [d0 - d2, d1 + d2, d2 - d1, d1 - d3];
    const u = [g0, (g0 + g1 + g2) / 2, (g0 - g1 + g2) / 2, g2];
    const m = v.map((value, i) => value * u[i]!) as [number, number, number, number];
    const y = [m[0] + m[1] + m[2], m[1] - m[2] - m[3]];
    const direct = await tidy(() =>
      conv1d(tensor([input.value.map((d) => [d])]), tensor(taps.value.map((g) => [[g]]))),
    ).data();
    const formulas = ['(d0 - d2) g0', '(d1 + d2) (g0 + g1 + g2) / 2', '(d2 - d1) (g0 - g1 + g2) / 2', '(d1 - d3) g2'];
    return [
      table(
        ['', 'product', 'of the inputs', 'of the taps', 'value'],
        formulas.map((formula, i) => [`m${i}`, formula, show(v[i]!), show(u[i]!), show(m[i]!)]),
      ),
      note(
        `y0 = m0 + m1 + m2 = ${show(y[0]!)} and y1 = m1 - m2 - m3 = ${show(y[1]!)}: four multiplications. ` +
          `The library's direct sum, with six: ${show(direct[0]!)} and ${show(direct[1]!)}.`,
      ),
    ];
  });
};
