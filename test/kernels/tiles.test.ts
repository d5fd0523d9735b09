import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { ConvShape } from '../../src/measure/conv-shapes.ts';
import { checkTask, convTasks } from '../../src/measure/tasks.ts';
import { init } from '../../src/node/init.ts';
import { conv2dForward, conv2dGradInput, conv2dGradWeight } from '../../src/kernels/convolution/conv2d.ts';
import { randn } from '../../src/index.ts';
import { testDevice } from '../support/device.ts';
import { errorOf } from '../support/errors.ts';

// Large products, for which the tiles of workgroup memory are as large as they get, against float64 sums at places that
// meet every channel. The small ones are in test/autograd.
const device = await testDevice({ tuning: 'nvidia' });

const shapes: readonly (ConvShape & { readonly tile: string; readonly dxTile: string })[] = [
  {
    x: [1, 190, 190, 8],
    w: [1, 1, 8, 132],
    stride: 1,
    padding: 0,
    tile: 'TX=16,TY=16',
    dxTile: 'TX=8,TY=8,TRANSPOSED=true',
  },
  {
    x: [1, 190, 190, 132],
    w: [1, 1, 132, 8],
    stride: 1,
    padding: 0,
    tile: 'TX=8,TY=8',
    dxTile: 'TX=16,TY=16,TRANSPOSED=true',
  },
  {
    x: [2, 131, 127, 4],
    w: [3, 3, 4, 44],
    stride: 1,
    padding: 1,
    tile: 'TX=8,TY=16',
    dxTile: 'TX=8,TY=8,TRANSPOSED=true',
  },
];

for (const shape of shapes) {
  test(`x [${shape.x}], w [${shape.w}]`, async () => {
    const { stride, padding } = shape;
    const [forward, gradInput, gradWeight] = convTasks(shape);
    const x = randn(shape.x, { seed: 1 });
    const w = randn(shape.w, { seed: 2 });
    const dy = randn(forward!.operands['dy']!, { seed: 3 });
    const data = {
      x: (await x.data()) as Float32Array,
      w: (await w.data()) as Float32Array,
      dy: (await dy.data()) as Float32Array,
    };
    const y = conv2dForward(x, w, null, { stride, padding });
    const dx = conv2dGradInput(dy, w, shape.x, { stride, padding });
    const dw = conv2dGradWeight(dy, x, shape.w, { stride, padding });
    if (device.features.has('timestamp-query')) {
      const entries = await device.profile(() => {
        conv2dForward(x, w, null, { stride, padding }).dispose();
        conv2dGradInput(dy, w, shape.x, { stride, padding }).dispose();
      });
      const used = entries.map(({ kernel }) => kernel);
      assert.ok(used.includes(`gemm_tile.wgsl,${shape.tile},TRANSPOSED=false`), `${used}`);
      assert.ok(used.includes(`gemm_tile.wgsl,${shape.dxTile}`), `${used}`);
    }
    assert.is(checkTask(forward!, data, [await y.data()]), null);
    assert.is(checkTask(gradInput!, data, [await dx.data()]), null);
    assert.is(checkTask(gradWeight!, data, [await dw.data()]), null);
    for (const t of [x, w, dy, y, dx, dw]) t.dispose();
  });
}

test('a tuning that does not exist is refused with the names of those that do', async () => {
  const error = await errorOf(() => init({ tuning: 'cuda' as 'nvidia' }));
  assert.is(
    error.message,
    'init: tuning is "cuda", expected one of llvmpipe, swiftshader, cpu, nvidia, amd, apple, intel, gpu',
  );
});

test.run();
