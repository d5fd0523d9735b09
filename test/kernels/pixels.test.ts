// Pixels in and out in Node: host bytes and textures. test/browser has what only a browser holds.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { fromPixels, toPixels } from '../../src/autograd/ops/no-gradient.ts';
import { tensor } from '../../src/tensor/create.ts';
import type { Tensor } from '../../src/tensor/tensor.ts';
import { mapMode, textureUsage } from '../../src/tensor/webgpu-flags.ts';
import { errorOf, leavesNothing, testDevice, withDevice } from '../support/device.ts';

const device = await testDevice();
const { gpu } = device;
const COPY_SRC = 0x1;
const list = async (t: Tensor): Promise<number[]> => [...(await t.data())];

/** An image of 5 x 3 pixels whose bytes are all different. */
const [width, height] = [5, 3];
const data = Uint8ClampedArray.from({ length: width * height * 4 }, (_, i) => (i * 37) % 256);
const rgb = [...data].filter((_, i) => i % 4 !== 3);

/** A texture of the format, and how to read its bytes. */
function newTexture(format: GPUTextureFormat, size: [number, number] = [width, height]): GPUTexture {
  const { COPY_DST, RENDER_ATTACHMENT, TEXTURE_BINDING } = textureUsage;
  return gpu.createTexture({ size, format, usage: COPY_SRC | COPY_DST | RENDER_ATTACHMENT | TEXTURE_BINDING });
}
async function bytesOf(texture: GPUTexture): Promise<number[]> {
  const rowBytes = 256;
  const buffer = gpu.createBuffer({ size: rowBytes * texture.height, usage: 0x1 | 0x8 });
  const encoder = gpu.createCommandEncoder();
  encoder.copyTextureToBuffer({ texture }, { buffer, bytesPerRow: rowBytes }, [texture.width, texture.height]);
  gpu.queue.submit([encoder.finish()]);
  await device.wait(buffer.mapAsync(mapMode.READ));
  const rows = new Uint8Array(buffer.getMappedRange());
  const bytes = Array.from({ length: texture.height }, (_, y) => [
    ...rows.subarray(y * rowBytes, y * rowBytes + texture.width * 4),
  ]);
  buffer.destroy();
  return bytes.flat();
}

test('ImageData becomes [H, W, 3] or [H, W, 4] with values from 0 to 255, or from 0 to 1', async () => {
  await leavesNothing(device, async () => {
    const image = { data, width, height };
    const [x, y, z] = [fromPixels(image), fromPixels(image, { channels: 4 }), fromPixels(image, { normalize: true })];
    assert.equal(
      [x.shape, y.shape],
      [
        [3, 5, 3],
        [3, 5, 4],
      ],
    );
    assert.equal(await list(x), rgb);
    assert.equal(await list(y), [...data]);
    (await list(z)).forEach((value, i) => assert.ok(Math.abs(value - rgb[i]! / 255) < 1e-7, `${value}`));
    for (const t of [x, y, z]) t.dispose();
  });
});

test('a texture of the device becomes a tensor', async () => {
  const texture = newTexture('rgba8unorm');
  gpu.queue.writeTexture({ texture }, data, { bytesPerRow: width * 4 }, [width, height]);
  const x = fromPixels(texture);
  assert.equal(await list(x), rgb);
  x.dispose();
  texture.destroy();
  const floats = newTexture('rgba32float', [1, 1]);
  gpu.queue.writeTexture({ texture: floats }, Float32Array.of(-1.5, 0, 2, 1), { bytesPerRow: 16 }, [1, 1]);
  const [y, z] = [fromPixels(floats, { channels: 4, normalize: true }), fromPixels(floats)];
  assert.equal(await list(y), [-1.5, 0, 2, 1]);
  assert.equal(await list(z), [-382.5, 0, 510]);
  y.dispose();
  z.dispose();
});

test('a tensor is drawn to a texture: 1, 3 or 4 channels, integers, clamped', async () => {
  await leavesNothing(device, async () => {
    const [x, alpha] = [tensor(rgb, { shape: [3, 5, 3] }), tensor(data, { shape: [3, 5, 4] })];
    const texture = newTexture('rgba8unorm');
    toPixels(x, texture);
    assert.equal(
      await bytesOf(texture),
      [...data].map((value, i) => (i % 4 === 3 ? 255 : value)),
    );
    toPixels(alpha, texture);
    assert.equal(await bytesOf(texture), [...data]);
    const swapped = newTexture('bgra8unorm', [2, 1]);
    const ints = tensor(
      [
        [
          [1, 2, 3],
          [254, 255, 300],
        ],
      ],
      { dtype: 'int32' },
    );
    toPixels(ints, swapped);
    assert.equal(await bytesOf(swapped), [3, 2, 1, 255, 255, 255, 254, 255]);
    const grey = tensor([[0, 1]]);
    toPixels(grey, swapped, { normalized: true });
    assert.equal(await bytesOf(swapped), [0, 0, 0, 255, 255, 255, 255, 255]);
    const mask = tensor([[[true], [false]]]);
    toPixels(mask, swapped, { normalized: true });
    assert.equal(await bytesOf(swapped), [255, 255, 255, 255, 0, 0, 0, 255]);
    for (const t of [x, alpha, ints, grey, mask]) t.dispose();
  });
});

test('a canvas gets the size of the tensor, and its colours premultiplied by alpha', async () => {
  const texture = newTexture('rgba8unorm', [2, 1]);
  const configured: unknown[] = [];
  const canvas = {
    width: 0,
    height: 0,
    getContext: () => ({
      configure: (options: GPUCanvasConfiguration) => configured.push([options.format, options.alphaMode]),
      getCurrentTexture: () => texture,
    }),
  };
  const [x, alpha] = [
    tensor([
      [
        [9, 8, 7],
        [1, 2, 3],
      ],
    ]),
    tensor([
      [
        [200, 100, 50, 255],
        [200, 100, 50, 51],
      ],
    ]),
  ];
  toPixels(x, canvas);
  assert.equal(await bytesOf(texture), [9, 8, 7, 255, 1, 2, 3, 255]);
  toPixels(alpha, canvas);
  assert.equal(await bytesOf(texture), [200, 100, 50, 255, 40, 20, 10, 51]);
  assert.equal([canvas.width, canvas.height], [2, 1]);
  assert.equal(configured, [
    ['rgba8unorm', 'opaque'],
    ['rgba8unorm', 'premultiplied'],
  ]);
  x.dispose();
  alpha.dispose();
});

test('commands that were recorded before are done first, and what is read back is what was drawn', async () => {
  const texture = newTexture('rgba8unorm', [2, 1]);
  const x = tensor([
    [
      [10, 20, 30],
      [40, 50, 60],
    ],
  ]);
  toPixels(x, texture);
  const y = fromPixels(texture);
  assert.equal(await list(y), [10, 20, 30, 40, 50, 60]);
  x.dispose();
  y.dispose();
});

test('wrong sources, targets and options', async () => {
  const texture = newTexture('rgba8unorm');
  const x = tensor([[1, 2]]);
  const from = fromPixels as (...args: unknown[]) => unknown;
  const to = toPixels as (...args: unknown[]) => unknown;
  const cases: [() => unknown, string][] = [
    [
      () => from('image.png'),
      'fromPixels: the source is "image.png", expected ImageData, an ImageBitmap, VideoFrame, canvas, image or video element, or a GPUTexture',
    ],
    [
      () => from({ data: new Uint8Array(12), width: 2, height: 2 }),
      'fromPixels: 12 bytes are not the RGBA of 2 x 2 pixels',
    ],
    [() => from({ videoWidth: 0, videoHeight: 0 }), 'fromPixels: the image has 0 x 0 pixels; wait until it is loaded'],
    [
      () => from({ width: 1e6, height: 1 }),
      `fromPixels: the image has 1000000 x 1 pixels, at most ${device.limits.maxTextureDimension2D} fit in a texture`,
    ],
    [() => from(texture, { channels: 1 }), 'fromPixels: channels is 1, expected an integer from 3 to 4'],
    [() => from(texture, { normalise: true }), 'fromPixels: there is no option normalise; did you mean normalize?'],
    [
      () => to(tensor([1, 2]), texture),
      'toPixels: the tensor is [2], expected [H, W] or [H, W, C] with 1, 3 or 4 channels',
    ],
    [() => to(x, texture), 'toPixels: the tensor [1,2] does not fit the texture of 5 x 3 pixels'],
    [() => to([1], texture), 'toPixels: x is [1], expected a tensor; make one with tensor()'],
    [() => to(x, 'canvas'), 'toPixels: the target is "canvas", expected a canvas or a GPUTexture'],
    [
      () => to(x, { width: 0, height: 0, getContext: () => null }),
      'toPixels: the canvas already has a context of another kind, such as 2d; use another canvas',
    ],
  ];
  for (const [call, message] of cases) assert.is((await errorOf(call)).message, message);
});

test('a texture without the usage that is needed is an error that names the operation', async () => {
  await withDevice({}, async (own) => {
    const texture = own.gpu.createTexture({ size: [1, 1], format: 'rgba8unorm', usage: COPY_SRC });
    const x = fromPixels(texture, { device: own });
    assert.match((await errorOf(() => x.data())).message, /^fromPixels/);
    assert.match((await errorOf(() => x.data())).message, /its values were lost/);
  });
});

test.run();
