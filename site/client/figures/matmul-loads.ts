// What one thread of a matrix product reads, and how often a number is loaded in all.
import { matmul, tensor, tidy } from 'retinagrad';
import type { Mount } from '../figure.ts';
import { device } from '../gpu.ts';
import { choice, controls, heatmap, note, row, slider, table } from '../ui.ts';

const N = 8;
const a = Array.from({ length: N * N }, (_, i) => ((i * 5) % 7) - 3);
const b = Array.from({ length: N * N }, (_, i) => ((i * 3) % 5) - 2);
const SIZES = [1, 2, 4].map((size) => [String(size), size] as const);

const rows = (values: readonly number[]): number[][] =>
  Array.from({ length: N }, (_, i) => values.slice(i * N, (i + 1) * N));

export const mount: Mount = async (stage) => {
  await device();
  const y = await tidy(() => matmul(tensor(rows(a)), tensor(rows(b)))).data();
  const down = choice('Rows of a thread', SIZES);
  const across = choice('Columns of a thread', SIZES);
  const i = slider('Row', 0, N - 1, 2);
  const j = slider('Column', 0, N - 1, 5);
  await controls(stage, [down, across, i, j], () => {
    const [h, w] = [down.value, across.value];
    const top = Math.floor(i.value / h) * h;
    const left = Math.floor(j.value / w) * w;
    const inRows = (r: number): boolean => r >= top && r < top + h;
    const inColumns = (c: number): boolean => c >= left && c < left + w;
    const sum = Array.from({ length: N }, (_, l) => `${a[top * N + l]}·${b[l * N + left]}`).join(' + ');
    const each = 1 / h + 1 / w;
    const million = (count: number): string => `${(count / 1e6).toFixed(0)} million`;
    return [
      row(
        heatmap('a', N, a, { digits: 0, mark: inRows }),
        heatmap('b', N, b, { digits: 0, mark: (_, c) => inColumns(c) }),
        heatmap('y = a b, by the library', N, y, { digits: 0, mark: (r, c) => inRows(r) && inColumns(c) }),
      ),
      note(`y[${top}, ${left}] = ${sum} = ${y[top * N + left]}`),
      table(
        ['', 'this thread', 'per multiply-add', 'for two matrices of 1024 × 1024'],
        [
          ['multiply-adds', String(h * w * N), '1', million(1024 ** 3)],
          ['loads', String((h + w) * N), each.toFixed(2), million(1024 ** 3 * each)],
        ],
      ),
    ];
  });
};
