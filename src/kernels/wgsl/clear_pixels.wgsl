// y[n, pixels[i], c] = 0: the same pixels of every image become zero, in all channels. Numbers beyond the image are ignored.
// One invocation writes one channel, or a vector of four.

// Specialisation
const SIZE: u32 = 64u; // invocations per workgroup
alias V = vec4f; // vec4f, or f32 if four does not divide the number of channels

struct Params {
  elements: u32, // images * count * channels
  count: u32, // of pixels to clear
  all: u32, // pixels of an image
  channels: u32, // in units of V
}

@group(0) @binding(0) var<storage, read> pixels: array<i32>;
@group(0) @binding(1) var<storage, read_write> y: array<V>;
@group(0) @binding(2) var<uniform> params: Params;

@compute @workgroup_size(SIZE)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let i = (group.y * groups.x + group.x) * SIZE + lane;
  if (i >= params.elements) { return; }
  let row = i / params.channels;
  let pixel = u32(pixels[row % params.count]); // a negative one is large
  if (pixel >= params.all) { return; }
  y[(row / params.count * params.all + pixel) * params.channels + i % params.channels] = V();
}
