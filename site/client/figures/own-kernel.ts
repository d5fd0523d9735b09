// A kernel of the page's own, between tensors of the library: the Mandelbrot set of a grid of numbers.
import { arange, fromBuffer, reshape, tidy, toBuffer, toPixels } from 'retinagrad';
import type { Mount } from '../figure.ts';
import { device } from '../gpu.ts';

const [WIDTH, HEIGHT] = [480, 320];

const WGSL = `
@group(0) @binding(0) var<storage, read> index: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
  if (id.x >= arrayLength(&index)) { return; }
  let i = u32(index[id.x]);
  let c = (vec2f(f32(i % ${WIDTH}u), f32(i / ${WIDTH}u)) / ${HEIGHT} - vec2f(1.05, 0.5)) * 2.3;
  var z = vec2f();
  var steps = 0.0;
  for (; steps < 64 && dot(z, z) < 4; steps += 1.0) { z = vec2f(z.x * z.x - z.y * z.y, 2.0 * z.x * z.y) + c; }
  y[id.x] = 1.0 - steps / 64.0;
}`;

export const mount: Mount = async (stage) => {
  const { gpu } = await device();
  const pipeline = gpu.createComputePipeline({
    layout: 'auto',
    compute: { module: gpu.createShaderModule({ code: WGSL }) },
  });
  const index = arange(0, WIDTH * HEIGHT); // a tensor of the library
  const result = gpu.createBuffer({
    size: 4 * WIDTH * HEIGHT,
    usage: GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC,
  });
  const buffers = [toBuffer(index), result]; // sends what was recorded, so that the kernel finds the values
  const entries = buffers.map((buffer, binding) => ({ binding, resource: { buffer, size: 4 * WIDTH * HEIGHT } }));
  const encoder = gpu.createCommandEncoder();
  const pass = encoder.beginComputePass();
  pass.setPipeline(pipeline);
  pass.setBindGroup(0, gpu.createBindGroup({ layout: pipeline.getBindGroupLayout(0), entries }));
  pass.dispatchWorkgroups(Math.ceil((WIDTH * HEIGHT) / 64));
  pass.end();
  gpu.queue.submit([encoder.finish()]);

  const canvas = document.createElement('canvas');
  canvas.setAttribute('role', 'img');
  canvas.setAttribute('aria-label', 'The Mandelbrot set');
  stage.append(canvas);
  const y = tidy(() => reshape(fromBuffer(result, [WIDTH * HEIGHT]), [HEIGHT, WIDTH])); // and back to a tensor
  toPixels(y, canvas, { normalized: true });
  y.dispose();
  index.dispose();
  result.destroy();
};
