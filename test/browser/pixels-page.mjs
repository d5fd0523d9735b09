// What the page of pixels.built.test.ts runs.
import { fromPixels, init, tensor, toPixels } from 'retinagrad';

const [width, height] = [6, 4];

/** Blocks of 2 x 2 pixels of one colour, so that the halved colours of a video's compression are whole. */
function paint(context) {
  for (let y = 0; y < height; y += 2) {
    for (let x = 0; x < width; x += 2) {
      context.fillStyle = `rgb(${40 * x}, ${80 * y + 20}, ${255 - 30 * (x + y)})`;
      context.fillRect(x, y, 2, 2);
    }
  }
}

function canvasOf() {
  const canvas = document.createElement('canvas');
  [canvas.width, canvas.height] = [width, height];
  paint(canvas.getContext('2d'));
  return canvas;
}

async function imageOf(canvas) {
  const image = new Image();
  image.src = canvas.toDataURL('image/png');
  await image.decode();
  return image;
}

/** A video of a canvas, recorded and played. */
async function videoOf(canvas) {
  const context = canvas.getContext('2d');
  const recorder = new MediaRecorder(canvas.captureStream(), {
    mimeType: 'video/webm;codecs=vp8',
    videoBitsPerSecond: 1e6,
  });
  const chunks = [];
  recorder.ondataavailable = ({ data }) => chunks.push(data);
  const timer = setInterval(() => paint(context), 20);
  recorder.start();
  await new Promise((resolve) => setTimeout(resolve, 500));
  recorder.stop();
  await new Promise((resolve) => (recorder.onstop = resolve));
  clearInterval(timer);
  const video = document.createElement('video');
  video.muted = true;
  video.src = URL.createObjectURL(new Blob(chunks, { type: 'video/webm' }));
  await video.play();
  if (video.readyState < 2) await new Promise((resolve) => (video.onloadeddata = resolve));
  video.pause();
  return video;
}

async function main() {
  const device = await init();
  const canvas = canvasOf();
  const data = canvas.getContext('2d').getImageData(0, 0, width, height);
  const expected = [...data.data].filter((_, i) => i % 4 !== 3);
  const offscreen = new OffscreenCanvas(width, height);
  paint(offscreen.getContext('2d'));
  const frame = new VideoFrame(canvas, { timestamp: 0 });
  const found = [
    ['ImageData', data],
    ['ImageBitmap', await createImageBitmap(canvas)],
    ['canvas', canvas],
    ['OffscreenCanvas', offscreen],
    ['image', await imageOf(canvas)],
    ['VideoFrame', frame],
    ['video', await videoOf(canvas)],
  ];
  const sources = {};
  for (const [kind, source] of found) {
    const x = fromPixels(source);
    sources[kind] = { shape: x.shape, values: [...(await x.data())] };
    x.dispose();
  }
  frame.close();

  const x = tensor(expected, { shape: [height, width, 3] });
  // Without a GPU, Chromium's WebGPU process ends when it draws on a canvas, so that a texture takes its place here.
  // test/kernels/pixels.test.ts has the rest of what is done for a canvas.
  const texture = device.gpu.createTexture({ size: [width, height], format: 'bgra8unorm', usage: 0x4 | 0x10 });
  toPixels(x, texture);
  const drawn = [...(await fromPixels(texture).data())];
  let refused = 'nothing';
  try {
    toPixels(x, canvas);
  } catch (error) {
    refused = error.message;
  }
  return { expected, sources, drawn, refused };
}

main().then(
  (outcome) => Object.assign(globalThis, { outcome }),
  (error) => Object.assign(globalThis, { outcome: { error: error instanceof Error ? error.stack : String(error) } }),
);
