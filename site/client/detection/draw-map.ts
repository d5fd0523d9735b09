// How values become colours on a canvas: by the GPU where there is one, so that nothing is read back.
import {
  abs,
  add,
  div,
  max,
  mean,
  mul,
  neg,
  relu,
  reshape,
  slice,
  sqrt,
  square,
  stack,
  sub,
  tidy,
  toPixels,
  type Tensor,
} from 'retinagrad';

/** Which channel of a map is shown; `all` is the root mean square over them. */
export type Channel = number | 'all';

/** One channel [H, W] of a map [1, H, W, C]. The caller disposes of it. */
export function channelOf(map: Tensor, channel: Channel): Tensor {
  const [, height, width] = map.shape as [number, number, number, number];
  return tidy(() =>
    channel === 'all'
      ? reshape(sqrt(mean(square(map), -1)), [height, width])
      : reshape(slice(map, [0, 0, 0, channel], [1, height, width, 1]), [height, width]),
  );
}

/** Colours of the strongest positive and negative value, as in heat maps: blue and orange, from 0 to 1. White is zero. */
const POSITIVE = [0.04, 0.37, 0.76] as const;
const NEGATIVE = [0.76, 0.34, 0.04] as const;

/** Draws [H, W] on a canvas. @param scale value of the strongest colour; default the largest magnitude */
export function drawMap(values: Tensor, canvas: HTMLCanvasElement | OffscreenCanvas, scale?: number): Promise<void> {
  let isDrawn = Promise.resolve();
  tidy(() => {
    const relative = div(values, scale ?? add(max(abs(values)), 1e-12));
    const [up, down] = [relu(relative), relu(neg(relative))];
    const shades = [0, 1, 2].map((c) => sub(1, add(mul(up, 1 - POSITIVE[c]!), mul(down, 1 - NEGATIVE[c]!))));
    const colours = stack(shades, -1);
    // Chromium without a GPU ends its GPU process when it shows a canvas of WebGPU.
    if (values.device.adapter.kind === 'hardware') toPixels(colours, canvas, { normalized: true });
    else isDrawn = paint(colours, canvas);
  });
  return isDrawn;
}

/** Does what `toPixels` does, through the host. */
async function paint(colours: Tensor, canvas: HTMLCanvasElement | OffscreenCanvas): Promise<void> {
  const [height, width] = colours.shape as [number, number, number];
  canvas.width = width;
  canvas.height = height;
  const values = await colours.data();
  const rgba = new Uint8ClampedArray(width * height * 4).fill(255);
  for (let i = 0; i < width * height; i++) for (let c = 0; c < 3; c++) rgba[4 * i + c] = 255 * values[3 * i + c]!;
  const context = canvas.getContext('2d')!;
  context.putImageData(new ImageData(rgba, width, height), 0, 0);
}
