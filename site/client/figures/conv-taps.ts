// A convolution by the library, and what one of its outputs reads.
import { conv2d, tensor, tidy } from 'retinagrad';
import type { Mount } from '../figure.ts';
import { device } from '../gpu.ts';
import { choice, controls, heatmap, note, numbers, row, slider } from '../ui.ts';

const N = 7;
const grid = (f: (r: number, c: number) => number): number[] =>
  Array.from({ length: N * N }, (_, i) => f(Math.floor(i / N), i % N));
const IMAGES = [
  ['a square', grid((r, c) => (r >= 2 && r <= 4 && c >= 2 && c <= 4 ? 9 : 0))],
  ['an edge', grid((_, c) => (c < 3 ? 0 : 9))],
  ['a point', grid((r, c) => (r === 3 && c === 3 ? 9 : 0))],
  ['a ramp', grid((r, c) => r + c)],
] as const;
const FILTERS: readonly (readonly [string, readonly number[]])[] = [
  ['horizontal difference', [-1, 0, 1, -2, 0, 2, -1, 0, 1]],
  ['mean, times 9', [1, 1, 1, 1, 1, 1, 1, 1, 1]],
  ['outline', [-1, -1, -1, -1, 8, -1, -1, -1, -1]],
  ['identity', [0, 0, 0, 0, 1, 0, 0, 0, 0]],
];
const numbersUpTo = (from: number, to: number): (readonly [string, number])[] =>
  Array.from({ length: to - from + 1 }, (_, i) => [String(from + i), from + i]);

/** Values of one channel as [1, rows, columns, 1]. */
export const plane = (values: readonly number[], columns: number): number[][][][] => [
  Array.from({ length: values.length / columns }, (_, r) =>
    values.slice(r * columns, (r + 1) * columns).map((v) => [v]),
  ),
];
/** Taps as [rows, columns, 1, 1]. */
export const filter = (values: readonly number[], columns: number): number[][][][] =>
  plane(values, columns)[0]!.map((line) => line.map((v) => [v]));

export const mount: Mount = async (stage) => {
  await device();
  const image = choice('Image', IMAGES);
  const preset = choice('Filter', FILTERS);
  const w = numbers('Taps', 3, FILTERS[0]![1]);
  const stride = choice('Stride', numbersUpTo(1, 3));
  const padding = choice('Padding', numbersUpTo(0, 2), 1);
  const dilation = choice('Dilation', numbersUpTo(1, 3));
  const i = slider('Output row', 0, 8, 2);
  const j = slider('Output column', 0, 8, 2);
  let shown: readonly number[] = preset.value;
  await controls(stage, [image, preset, w, stride, padding, dilation, i, j], async () => {
    if (preset.value !== shown) w.value = [...(shown = preset.value)];
    const options = { stride: stride.value, padding: padding.value, dilation: dilation.value };
    const taps = w.value;
    const y = tidy(() => conv2d(tensor(plane(image.value, N)), tensor(filter(taps, 3)), null, options));
    const values = await y.data();
    const columns = y.shape[2]!;
    const [p, q] = [Math.min(i.value, y.shape[1]! - 1), Math.min(j.value, columns - 1)];
    y.dispose();
    const at = (r: number, o: number): number => o * options.stride - options.padding + r * options.dilation;
    const places = taps.map((tap, t) => ({ tap, r: at(Math.floor(t / 3), p), c: at(t % 3, q) }));
    const read = ({ r, c }: { r: number; c: number }): number | null =>
      r < 0 || c < 0 || r >= N || c >= N ? null : image.value[r * N + c]!;
    const terms = places.map((place) => `${read(place) ?? '(outside) 0'} · ${place.tap}`);
    return [
      row(
        heatmap('x; outlined: what the output reads', N, image.value, {
          digits: 0,
          mark: (r, c) => places.some((place) => place.r === r && place.c === c),
        }),
        heatmap('w', 3, taps, { digits: 0 }),
        heatmap(`y, ${values.length / columns} × ${columns}, by the library`, columns, values, {
          digits: 0,
          mark: (r, c) => r === p && c === q,
        }),
      ),
      note(
        `y[${p}, ${q}] = ${terms.join(' + ')} = ${values[p * columns + q]}. `,
        'This is a row of the unfolded matrix times the filter.',
      ),
    ];
  });
};
