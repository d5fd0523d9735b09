// y[n, p, q, k] = relu(scale[k] sum over r, s of x[n, h, v, k / M] w[r, s, k] + bias[k] + add[n, p, q, k]) with
// h = p stride - pad + r dilation and v likewise: a convolution with as many groups as channels, which makes M channels of
// each. Outside the image there is nothing to add.
// x is [N, H, W, K / M], w is [R, S, K], y and add are [N, P, Q, K].
// One invocation computes 4 neighbouring columns of one channel, or with V = vec4f (M = 1 only) of four neighbouring channels,
// so that each tap is loaded once for all of them. Columns have names instead of places in an array, because some drivers
// (SwiftShader) keep arrays in memory.

// Specialisation
const SIZE: u32 = 64u; // invocations per workgroup
alias V = vec4f; // f32 where the channels are not a multiple of four, or M is not 1

struct Params {
  h: i32, w: i32, // size of x
  p: u32, q: u32, // size of y
  k: u32, multiplier: u32, // channels of y in units of V, and M
  lines: u32, blocks: u32, // rows of y in all images, and q / 4, rounded up
  kernelY: i32, kernelX: i32,
  strideY: i32, strideX: i32,
  padY: i32, padX: i32,
  dilationY: i32, dilationX: i32,
  hasScale: u32, hasBias: u32, hasAdd: u32, relu: u32, // 1 for yes: parameters, so that there is one kernel to compile
}

@group(0) @binding(0) var<storage, read> x: array<V>;
@group(0) @binding(1) var<storage, read> w: array<V>;
@group(0) @binding(2) var<storage, read> scale: array<V>; // any tensor without hasScale
@group(0) @binding(3) var<storage, read> bias: array<V>; // any tensor without hasBias
@group(0) @binding(4) var<storage, read> add: array<V>; // any tensor without hasAdd
@group(0) @binding(5) var<storage, read_write> y: array<V>;
@group(0) @binding(6) var<uniform> params: Params;

// The element of a row of x that begins at `start`, times a tap, or nothing outside.
fn term(start: u32, column: i32, tap: V) -> V {
  if (column < 0 || column >= params.w) { return V(); }
  return x[start + u32(column) * (params.k / params.multiplier)] * tap;
}

fn write(line: u32, q: u32, k: u32, scaled: V) {
  if (q >= params.q) { return; }
  let at = (line * params.q + q) * params.k + k;
  var value = scaled;
  if (params.hasAdd != 0u) { value += add[at]; }
  if (params.relu != 0u) { value = select(value, V(), value < V()); } // a NaN stays a NaN
  y[at] = value;
}

@compute @workgroup_size(SIZE)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let i = (group.y * groups.x + group.x) * SIZE + lane;
  if (i >= params.lines * params.blocks * params.k) { return; }
  let k = i % params.k;
  let q = i / params.k % params.blocks * 4u;
  let line = i / params.k / params.blocks;
  let channels = params.k / params.multiplier;
  let c = k / params.multiplier;
  let top = i32(line % params.p) * params.strideY - params.padY;
  let left = i32(q) * params.strideX - params.padX;
  var y0 = V(); var y1 = V(); var y2 = V(); var y3 = V();
  for (var r = 0; r < params.kernelY; r++) {
    let row = top + r * params.dilationY;
    if (row < 0 || row >= params.h) { continue; }
    let start = (line / params.p * u32(params.h) + u32(row)) * u32(params.w) * channels + c;
    for (var s = 0; s < params.kernelX; s++) {
      let tap = w[u32(r * params.kernelX + s) * params.k + k];
      let column = left + s * params.dilationX;
      y0 += term(start, column, tap);
      y1 += term(start, column + params.strideX, tap);
      y2 += term(start, column + 2 * params.strideX, tap);
      y3 += term(start, column + 3 * params.strideX, tap);
    }
  }
  var factor = V(1.0);
  if (params.hasScale != 0u) { factor = scale[k]; }
  var offset = V();
  if (params.hasBias != 0u) { offset = bias[k]; }
  write(line, q, k, y0 * factor + offset);
  write(line, q + 1u, k, y1 * factor + offset);
  write(line, q + 2u, k, y2 * factor + offset);
  write(line, q + 3u, k, y3 * factor + offset);
}
