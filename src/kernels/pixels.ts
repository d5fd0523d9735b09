import { checkInteger, optionsOf, described } from '../common/check.ts';
import { defaultDevice, type Device } from '../tensor/device.ts';
import { GpuValidationError, formatBytes } from '../tensor/errors.ts';
import { tidy } from '../tensor/scope.ts';
import { checkTensor, empty, type Tensor } from '../tensor/tensor.ts';
import { bufferUsage, shaderStage, textureUsage } from '../tensor/webgpu-flags.ts';
import { cast } from './elementwise.ts';

// Images that the browser holds become tensors, and tensors become images, without a copy through the host. These are the
// only kernels that read or write textures, so they are not launched by `run`.

/** Pixels on the host as ImageData holds them: RGBA bytes, row by row. */
export interface PixelData {
  readonly data: Uint8Array | Uint8ClampedArray;
  readonly width: number;
  readonly height: number;
}

/**
 * An image: ImageData, ImageBitmap, VideoFrame, a `<video>`, `<img>` or `<canvas>` element, an OffscreenCanvas, or a
 * GPUTexture of the same device.
 */
export type PixelSource =
  | PixelData
  | GPUTexture
  | { readonly width: number; readonly height: number }
  | { readonly videoWidth: number; readonly videoHeight: number }
  | { readonly displayWidth: number; readonly displayHeight: number };

/** Where an image is drawn: a `<canvas>` element, an OffscreenCanvas, or a GPUTexture of the same device. */
export type PixelTarget = GPUTexture | { width: number; height: number; getContext(type: 'webgpu'): unknown };

export interface FromPixelsOptions {
  /** 3 for red, green and blue, 4 for alpha too. Default 3. */
  readonly channels?: 3 | 4;
  /** Whether values are from 0 to 1, as `RetinaNet` takes them, instead of 0 to 255. Default false. */
  readonly normalize?: boolean;
  /** Default: the device that `init` opened last. */
  readonly device?: Device;
}

export interface ToPixelsOptions {
  /** Whether values are from 0 to 1 instead of 0 to 255. Default false. */
  readonly normalized?: boolean;
}

const FROM_PIXELS = `
override CHANNELS: u32;
override NORMALIZE: bool;
override BYTES: bool; // Whether the texture holds bytes, whose values are whole numbers from 0 to 255.
@group(0) @binding(0) var pixels: texture_2d<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
@compute @workgroup_size(8, 8) fn main(@builtin(global_invocation_id) id: vec3u) {
  let size = textureDimensions(pixels);
  if (any(id.xy >= size)) { return; }
  var colour = textureLoad(pixels, id.xy, 0);
  if (!NORMALIZE) { colour *= 255.0; }
  if (!NORMALIZE && BYTES) { colour = round(colour); }
  let first = (id.y * size.x + id.x) * CHANNELS;
  for (var c = 0u; c < CHANNELS; c++) { y[first + c] = colour[c]; }
}`;

// One triangle that covers the target; the fragments are its pixels.
const TO_PIXELS = `
override CHANNELS: u32;
override SCALE: f32;
override PREMULTIPLY: bool;
@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<uniform> width: u32;
@vertex fn corner(@builtin(vertex_index) i: u32) -> @builtin(position) vec4f {
  return vec4f(f32(i % 2u) * 4.0 - 1.0, f32(i / 2u) * 4.0 - 1.0, 0.0, 1.0);
}
@fragment fn pixel(@builtin(position) at: vec4f) -> @location(0) vec4f {
  let first = (u32(at.y) * width + u32(at.x)) * CHANNELS;
  var colour = vec4f(vec3f(x[first]), 1.0);
  if (CHANNELS >= 3u) { colour = vec4f(x[first], x[first + 1u], x[first + 2u], 1.0); }
  colour = vec4f(colour.rgb * SCALE, 1.0);
  if (CHANNELS == 4u) { colour.a = x[first + 3u] * SCALE; }
  if (PREMULTIPLY) { colour = vec4f(colour.rgb * colour.a, colour.a); }
  return colour;
}`;

const compute = new WeakMap<Device, Map<string, GPUComputePipeline>>();
const render = new WeakMap<Device, Map<string, GPURenderPipeline>>();

/** What a device has compiled before under a key, or what `compile` makes. */
function cached<P>(caches: WeakMap<Device, Map<string, P>>, device: Device, key: string, compile: () => P): P {
  const cache = caches.get(device) ?? new Map<string, P>();
  caches.set(device, cache);
  const pipeline = cache.get(key) ?? compile();
  cache.set(key, pipeline);
  return pipeline;
}

/**
 * An image as a float32 tensor [H, W, channels], by default with values from 0 to 255. The GPU does all the work: nothing is
 * read back. Alpha is not premultiplied. Gradients do not flow.
 *
 * @throws TypeError if the source is not an image, RangeError if it has no pixels yet or is too large for a texture
 *
 * @example
 * const image = { width: 2, height: 1, data: Uint8Array.of(255, 0, 0, 255, 0, 51, 102, 255) };
 * await fromPixels(image, { normalize: true }).print();
 * // Tensor(float32 [1,2,3])
 * // [[[1.0000, 0.0000, 0.0000],
 * //   [0.0000, 0.2000, 0.4000]]]
 */
export function fromPixels(source: PixelSource, options: FromPixelsOptions = {}): Tensor<'float32'> {
  const filled = optionsOf('fromPixels', options, { channels: 3, normalize: false, device: undefined });
  const { channels, normalize, device = defaultDevice() } = filled;
  checkInteger('fromPixels', 'channels', channels, { min: 3, max: 4 });
  const [width, height] = sizeOf(source);
  const limit = device.limits.maxTextureDimension2D;
  if (width === 0 || height === 0) {
    throw new RangeError(`fromPixels: the image has ${width} x ${height} pixels; wait until it is loaded`);
  }
  if (width > limit || height > limit) {
    throw new RangeError(`fromPixels: the image has ${width} x ${height} pixels, at most ${limit} fit in a texture`);
  }
  const texture = isTexture(source) ? source : upload(device, source, [width, height]);
  const y = empty(device, [height, width, channels], 'float32', 'fromPixels');
  checkBindable('fromPixels', y);
  const isBytes = texture.format.startsWith('rgba8unorm') || texture.format.startsWith('bgra8unorm');
  const constants = { CHANNELS: channels, NORMALIZE: Number(normalize), BYTES: Number(isBytes) };
  const { gpu } = device;
  device.guard('fromPixels', y.bytes, () => {
    const pipeline = cached(compute, device, JSON.stringify(constants), () => {
      const layout = gpu.createBindGroupLayout({
        entries: [
          { binding: 0, visibility: shaderStage.COMPUTE, texture: { sampleType: 'unfilterable-float' } },
          { binding: 1, visibility: shaderStage.COMPUTE, buffer: { type: 'storage' } },
        ],
      });
      return gpu.createComputePipeline({
        label: 'fromPixels',
        layout: gpu.createPipelineLayout({ bindGroupLayouts: [layout] }),
        compute: { module: gpu.createShaderModule({ code: FROM_PIXELS }), entryPoint: 'main', constants },
      });
    });
    const group = gpu.createBindGroup({
      layout: pipeline.getBindGroupLayout(0),
      entries: [
        { binding: 0, resource: texture.createView({ baseMipLevel: 0, mipLevelCount: 1 }) },
        { binding: 1, resource: { buffer: y.storage.buffer.gpu } },
      ],
    });
    device.submit(`fromPixels([${y.shape}])`, [y.storage.buffer], (encoder) => {
      const pass = encoder.beginComputePass();
      pass.setPipeline(pipeline);
      pass.setBindGroup(0, group);
      pass.dispatchWorkgroups(Math.ceil(width / 8), Math.ceil(height / 8));
      pass.end();
    });
  });
  if (texture !== source) texture.destroy();
  return y;
}

/**
 * Draws a tensor [H, W], [H, W, 1], [H, W, 3] or [H, W, 4] on a canvas, which gets its size, or to a texture of its size, by
 * default with values from 0 to 255; others are clamped. Nothing is read back. Alpha is not premultiplied in the tensor.
 *
 * @throws RangeError if the shape is another, or the texture's size
 *
 * @example
 * const { gpu } = defaultDevice();
 * const usage = GPUTextureUsage.RENDER_ATTACHMENT | GPUTextureUsage.TEXTURE_BINDING | GPUTextureUsage.COPY_SRC;
 * const texture = gpu.createTexture({ size: [2, 1], format: 'rgba8unorm', usage });
 * toPixels(tensor([[[255, 0, 0], [0, 51, 102]]]), texture);
 * await fromPixels(texture).print();
 * // Tensor(float32 [1,2,3])
 * // [[[255.,   0.,   0.],
 * //   [  0.,  51., 102.]]]
 */
export function toPixels(x: Tensor, target: PixelTarget, options: ToPixelsOptions = {}): void {
  checkTensor('toPixels', 'x', x);
  const { normalized } = optionsOf('toPixels', options, { normalized: false });
  const [height = 0, width = 0, channels = 1] = x.shape;
  if (![2, 3].includes(x.shape.length) || ![1, 3, 4].includes(channels) || x.size === 0) {
    throw new RangeError(`toPixels: the tensor is [${x.shape}], expected [H, W] or [H, W, C] with 1, 3 or 4 channels`);
  }
  const { device } = x;
  checkBindable('toPixels', x);
  const texture = isTexture(target) ? target : canvasTexture(device, target, [width, height], channels);
  if (texture.width !== width || texture.height !== height) {
    throw new RangeError(
      `toPixels: the tensor [${x.shape}] does not fit the texture of ${texture.width} x ${texture.height} pixels`,
    );
  }
  tidy(() => {
    const values = x.dtype === 'float32' ? x : cast(x, 'float32');
    const constants = {
      CHANNELS: channels,
      SCALE: normalized ? 1 : 1 / 255,
      PREMULTIPLY: Number(!isTexture(target) && channels === 4),
    };
    draw(device, values, texture, constants);
  });
}

function draw(device: Device, x: Tensor, texture: GPUTexture, constants: Record<string, number>): void {
  const { gpu } = device;
  device.guard('toPixels', 0, () => {
    const pipeline = cached(render, device, JSON.stringify([constants, texture.format]), () => {
      const layout = gpu.createBindGroupLayout({
        entries: [
          { binding: 0, visibility: shaderStage.FRAGMENT, buffer: { type: 'read-only-storage' } },
          { binding: 1, visibility: shaderStage.FRAGMENT, buffer: { type: 'uniform' } },
        ],
      });
      const module = gpu.createShaderModule({ code: TO_PIXELS });
      return gpu.createRenderPipeline({
        label: 'toPixels',
        layout: gpu.createPipelineLayout({ bindGroupLayouts: [layout] }),
        vertex: { module, entryPoint: 'corner' },
        fragment: { module, entryPoint: 'pixel', constants, targets: [{ format: texture.format }] },
      });
    });
    const width = gpu.createBuffer({ size: 16, usage: bufferUsage.UNIFORM | bufferUsage.COPY_DST });
    gpu.queue.writeBuffer(width, 0, Uint32Array.of(texture.width));
    const group = gpu.createBindGroup({
      layout: pipeline.getBindGroupLayout(0),
      entries: [
        { binding: 0, resource: { buffer: x.storage.buffer.gpu } },
        { binding: 1, resource: { buffer: width } },
      ],
    });
    device.submit(`toPixels([${x.shape}])`, [], (encoder) => {
      const view = texture.createView({ baseMipLevel: 0, mipLevelCount: 1 });
      const pass = encoder.beginRenderPass({ colorAttachments: [{ view, loadOp: 'clear', storeOp: 'store' }] });
      pass.setPipeline(pipeline);
      pass.setBindGroup(0, group);
      pass.draw(3);
      pass.end();
    });
    width.destroy();
  });
}

const isTexture = (value: PixelSource | PixelTarget): value is GPUTexture =>
  typeof value === 'object' && value !== null && 'createView' in value;

/** Width and height in pixels. */
function sizeOf(source: PixelSource): readonly [number, number] {
  if (typeof source === 'object' && source !== null) {
    if ('videoWidth' in source) return [source.videoWidth, source.videoHeight];
    if ('displayWidth' in source) return [source.displayWidth, source.displayHeight];
    if ('naturalWidth' in source) return [source.naturalWidth as number, (source as never)['naturalHeight']];
    if ('width' in source && typeof source.width === 'number') return [source.width, source.height];
  }
  throw new TypeError(
    `fromPixels: the source is ${described(source)}, expected ImageData, an ImageBitmap, VideoFrame, canvas, image or ` +
      'video element, or a GPUTexture',
  );
}

/** A new texture with the pixels of an image. */
function upload(device: Device, source: object, size: readonly [number, number]): GPUTexture {
  const { gpu } = device;
  const data = 'data' in source ? (source as PixelData).data : null;
  if (data !== null && data.length !== size[0] * size[1] * 4) {
    throw new RangeError(`fromPixels: ${data.length} bytes are not the RGBA of ${size[0]} x ${size[1]} pixels`);
  }
  return device.guard('fromPixels', size[0] * size[1] * 4, () => {
    const { COPY_DST, RENDER_ATTACHMENT, TEXTURE_BINDING } = textureUsage;
    const usage = COPY_DST | TEXTURE_BINDING | RENDER_ATTACHMENT;
    const texture = gpu.createTexture({ label: 'fromPixels', size, format: 'rgba8unorm', usage });
    if (data === null) copyImage(gpu, source, texture, size);
    else gpu.queue.writeTexture({ texture }, data as Uint8Array<ArrayBuffer>, { bytesPerRow: size[0] * 4 }, size);
    return texture;
  });
}

/** Copies what the browser has decoded. */
function copyImage(gpu: GPUDevice, source: object, texture: GPUTexture, size: readonly [number, number]): void {
  const copy = (image: object): void =>
    gpu.queue.copyExternalImageToTexture({ source: image as never }, { texture }, size);
  try {
    copy(source);
  } catch (error) {
    // Chromium on a software adapter copies no frames of videos, but draws them on a canvas, which it copies.
    const { OffscreenCanvas } = globalThis as {
      OffscreenCanvas?: new (
        width: number,
        height: number,
      ) => {
        getContext(type: '2d'): { drawImage(image: object, x: number, y: number, width: number, height: number): void };
      };
    };
    const isFrame = 'videoWidth' in source || 'displayWidth' in source;
    if (!isFrame || (error as Error).name !== 'OperationError' || OffscreenCanvas === undefined) throw error;
    const canvas = new OffscreenCanvas(...size);
    canvas.getContext('2d').drawImage(source, 0, 0, ...size);
    copy(canvas);
  }
}

/** The texture that a canvas shows next. */
function canvasTexture(
  device: Device,
  canvas: Exclude<PixelTarget, GPUTexture>,
  [width, height]: readonly [number, number],
  channels: number,
): GPUTexture {
  if (typeof canvas !== 'object' || canvas === null || typeof canvas.getContext !== 'function') {
    throw new TypeError(`toPixels: the target is ${described(canvas)}, expected a canvas or a GPUTexture`);
  }
  canvas.width = width;
  canvas.height = height;
  const context = canvas.getContext('webgpu') as GPUCanvasContext | null;
  if (context === null) {
    throw new TypeError('toPixels: the canvas already has a context of another kind, such as 2d; use another canvas');
  }
  const format =
    (globalThis as { navigator?: { gpu?: GPU } }).navigator?.gpu?.getPreferredCanvasFormat() ?? 'rgba8unorm';
  return device.guard('toPixels', 0, () => {
    context.configure({ device: device.gpu, format, alphaMode: channels === 4 ? 'premultiplied' : 'opaque' });
    return context.getCurrentTexture();
  });
}

function checkBindable(op: string, t: Tensor): void {
  if (t.bytes <= t.device.bindingLimit) return;
  throw new GpuValidationError(
    op,
    `[${t.shape}] needs ${formatBytes(t.bytes)}, more than this adapter binds to a kernel at once ` +
      `(${formatBytes(t.device.bindingLimit)}): use a smaller image`,
  );
}
