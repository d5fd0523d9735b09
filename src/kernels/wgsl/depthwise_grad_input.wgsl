// dx[n, h, v, c] = sum of dy[n, p, q, k] w[r, s, k] over the M results k of channel c and the taps r, s with which an output
// p, q reads the pixel h, v, plus bias[c]: the input gradient of depthwise_conv2d.wgsl, and a transposed convolution.
// Each pixel gathers from the outputs that read it, so that no two invocations write the same place.
// dy is [N, P, Q, C M], w is [R, S, C M], dx is [N, H, W, C].
// One invocation computes one pixel of one channel, or with V = vec4f (M = 1 only) of four neighbouring channels.

// Specialisation
const SIZE: u32 = 64u; // invocations per workgroup
alias V = vec4f; // f32 where the channels are not a multiple of four, or M is not 1

struct Params {
  elements: u32, // of dx, in units of V, like the channels
  h: u32, w: u32, // size of dx
  p: i32, q: i32, // size of dy
  c: u32, multiplier: u32, // channels of dx, and M
  kernelY: i32, kernelX: i32,
  strideY: i32, strideX: i32,
  padY: i32, padX: i32,
  dilationY: i32, dilationX: i32,
  hasBias: u32, // 1 for yes
}

@group(0) @binding(0) var<storage, read> dy: array<V>;
@group(0) @binding(1) var<storage, read> w: array<V>;
@group(0) @binding(2) var<storage, read> bias: array<V>; // any tensor without hasBias
@group(0) @binding(3) var<storage, read_write> dx: array<V>;
@group(0) @binding(4) var<uniform> params: Params;

// The first output whose window covers a pixel, counted with the padding, and one past the last.
fn readers(pixel: i32, kernel: i32, stride: i32, dilation: i32, outputs: i32) -> vec2i {
  let start = max(pixel - (kernel - 1) * dilation, 0);
  return vec2i((start + stride - 1) / stride, min(pixel / stride + 1, outputs));
}

// The tap at a distance from the start of a window, or -1 between taps. There are no divisions without dilation.
fn tapAt(distance: i32, dilation: i32) -> i32 {
  if (dilation == 1) { return distance; }
  return select(-1, distance / dilation, distance % dilation == 0);
}

@compute @workgroup_size(SIZE)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let i = (group.y * groups.x + group.x) * SIZE + lane;
  if (i >= params.elements) { return; }
  let c = i % params.c;
  let column = i32(i / params.c % params.w);
  let row = i32(i / params.c / params.w % params.h);
  let image = i32(i / params.c / params.w / params.h);
  let first = c * params.multiplier;
  let channels = params.c * params.multiplier;
  let down = readers(row + params.padY, params.kernelY, params.strideY, params.dilationY, params.p);
  let across = readers(column + params.padX, params.kernelX, params.strideX, params.dilationX, params.q);
  var sum = V();
  for (var p = down.x; p < down.y; p++) {
    let r = tapAt(row + params.padY - p * params.strideY, params.dilationY);
    if (r < 0) { continue; }
    for (var q = across.x; q < across.y; q++) {
      let s = tapAt(column + params.padX - q * params.strideX, params.dilationX);
      if (s < 0) { continue; }
      let at = u32((image * params.p + p) * params.q + q) * channels + first;
      let tap = u32(r * params.kernelX + s) * channels + first;
      for (var m = 0u; m < params.multiplier; m++) { sum += dy[at + m] * w[tap + m]; }
    }
  }
  if (params.hasBias != 0u) { sum += bias[c]; }
  dx[i] = sum;
}
