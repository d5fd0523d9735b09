// A ResNet of the library runs on an empty image; what comes out of its stages.
import { ResNet, tidy, zeros } from 'retinagrad';
import type { Mount } from '../figure.ts';
import { device } from '../gpu.ts';
import { choice, controls, note, slider, table } from '../ui.ts';

const STAGES = ['layer1', 'layer2', 'layer3', 'layer4'] as const;

const count = (tensors: Iterable<{ readonly size: number }>): number =>
  [...tensors].reduce((sum, { size }) => sum + size, 0);

export const mount: Mount = async (stage) => {
  await device();
  const depth = choice(
    'Depth',
    ([18, 34, 50] as const).map((n) => [`ResNet-${n}`, n] as const),
  );
  const width = choice(
    'Width',
    [8, 16, 64].map((n) => [n === 64 ? "64, the paper's" : String(n), n] as const),
  );
  const size = slider('Rows of the image', 64, 192, 100, 4);
  await controls(stage, [depth, width, size], () => {
    const model = new ResNet({
      depth: depth.value,
      width: width.value,
      norm: 'batch',
      normEps: 1e-5,
      bottleneckStride: '3x3',
    });
    model.eval();
    const shapes = tidy(() => model.forward(zeros([1, size.value, 64, 3])).map(({ shape }) => shape));
    const total = count(model.parameters());
    const rows = STAGES.map((name, i) => {
      const shape = i === 0 ? '' : `[${shapes[i - 1]!.join(', ')}]`;
      const parameters = count(model[name].parameters());
      return [
        name,
        i === 0 ? '' : `C${i + 2}, stride ${2 ** (i + 2)}`,
        String(model[name].layers.length),
        shape,
        parameters.toLocaleString('en'),
      ];
    });
    for (const tensor of [...model.parameters(), ...[...model.namedBuffers()].map(([, buffer]) => buffer)])
      tensor.dispose();
    return [
      table(['stage', 'features', 'blocks', 'shape', 'parameters'], rows),
      note(`An image of ${size.value} × 64 pixels. ${total.toLocaleString('en')} parameters in all.`),
    ];
  });
};
