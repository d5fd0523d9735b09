// A layer of batch normalisation in training, batch after batch, and what evaluation would make of the same data.
import { add, BatchNorm2d, mul, randn, tidy, type Tensor } from 'retinagrad';
import type { Mount } from '../figure.ts';
import { device } from '../gpu.ts';
import { button, controls, note, plot, row, slider, table } from '../ui.ts';

const moments = (values: ArrayLike<number>): [mean: number, std: number] => {
  const list = Array.from(values);
  const mean = list.reduce((sum, v) => sum + v, 0) / list.length;
  return [mean, Math.sqrt(list.reduce((sum, v) => sum + (v - mean) ** 2, 0) / list.length)];
};

export const mount: Mount = async (stage) => {
  await device();
  const center = slider('Mean of the data', -5, 5, 3, 0.5);
  const spread = slider('Their deviation', 0.5, 4, 2, 0.5);
  const size = slider('Values in a batch', 2, 64, 16);
  let layer = new BatchNorm2d(1);
  let history: [number, number][] = [[0, 0]];
  const next = async (): Promise<void> => {
    const x = batch();
    layer.train();
    tidy(() => layer.forward(x));
    x.dispose();
    history.push([history.length, await layer.runningMean.item()]);
  };
  const batch = (): Tensor => tidy(() => add(mul(randn([size.value, 1, 1, 1]), spread.value), center.value));
  let due = 5;
  const one = button('One more batch', () => (due = 1));
  const ten = button('Ten more', () => (due = 10));
  const reset = button('Start again', () => {
    layer = new BatchNorm2d(1);
    history = [[0, 0]];
  });
  await controls(stage, [center, spread, size, one, ten, reset], async () => {
    for (; due > 0; due--) await next();
    const x = batch();
    const values = await x.data();
    layer.eval();
    const evaluated = await tidy(() => layer.forward(x)).data();
    x.dispose();
    const [mean, std] = moments(values);
    const [y, yStd] = moments(evaluated);
    const running = await layer.runningMean.item();
    const runningStd = Math.sqrt(await layer.runningVar.item());
    const line = (name: string, a: number, b: number): string[] => [name, a.toFixed(2), b.toFixed(2)];
    return [
      row(
        table(
          ['', 'mean', 'deviation'],
          [
            line('a fresh batch', mean, std),
            line('running statistics', running, runningStd),
            line('output in training', 0, 1),
            line('output in evaluation', y, yStd),
          ],
        ),
        plot([{ name: 'running mean', points: history }], {
          x: 'batches seen',
          y: 'running mean',
          rangeX: [0, Math.max(10, history.length)],
        }),
      ),
      note(
        `After ${history.length - 1} batches the running mean is ${running.toFixed(2)}; the data's is ${center.value}.`,
      ),
    ];
  });
};
