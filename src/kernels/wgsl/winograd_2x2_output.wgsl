// y[tile, k] = relu(scale[k] (A^T m A)[tile, k] + bias[k] + add[tile, k]): the last step of Winograd's F(2x2, 3x3), see
// winograd_2x2_input.wgsl. m[e, t, k] are the 16 products of each tile, which become 2x2 pixels of y.
// m is [16, tiles, K / 4] vectors, y and add are [N, P, Q, K / 4].
// One invocation computes one tile of four channels.

// Specialisation
const SIZE: u32 = 64u; // invocations per workgroup

struct Params {
  p: u32, q: u32, k4: u32, // size of y, channels in vectors
  down: u32, across: u32, // tiles per image
  first: u32, tiles: u32, // of this launch
  hasScale: u32, hasBias: u32, hasAdd: u32, relu: u32, // 1 for yes: parameters, so that there is one kernel to compile
}

@group(0) @binding(0) var<storage, read> m: array<vec4f>;
@group(0) @binding(1) var<storage, read> scale: array<vec4f>; // any tensor without hasScale
@group(0) @binding(2) var<storage, read> bias: array<vec4f>; // any tensor without hasBias
@group(0) @binding(3) var<storage, read> add: array<vec4f>; // any tensor without hasAdd
@group(0) @binding(4) var<storage, read_write> y: array<vec4f>;
@group(0) @binding(5) var<uniform> params: Params;

// A^T m
fn transform(m0: vec4f, m1: vec4f, m2: vec4f, m3: vec4f) -> array<vec4f, 2> {
  return array(m0 + m1 + m2, m1 - m2 - m3);
}

// A^T of a column of a tile's products.
fn column(first: u32) -> array<vec4f, 2> {
  let n = 4u * params.tiles * params.k4;
  return transform(m[first], m[first + n], m[first + 2u * n], m[first + 3u * n]);
}

fn store(image: u32, row: u32, column: u32, k: u32, scaled: vec4f) {
  if ((row >= params.p) | (column >= params.q)) { return; }
  let at = ((image * params.p + row) * params.q + column) * params.k4 + k;
  var value = scaled;
  if (params.hasAdd != 0u) { value += add[at]; }
  if (params.relu != 0u) { value = select(value, vec4f(), value < vec4f()); } // a NaN stays a NaN
  y[at] = value;
}

@compute @workgroup_size(SIZE)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let i = (group.y * groups.x + group.x) * SIZE + lane;
  if (i >= params.tiles * params.k4) { return; }
  let k = i % params.k4;
  let tile = i / params.k4 + params.first;
  let image = tile / (params.down * params.across);
  let top = tile / params.across % params.down * 2u;
  let left = tile % params.across * 2u;
  // No loops: SwiftShader keeps arrays that are indexed by variables in memory.
  let n = params.tiles * params.k4;
  let a = column(i);
  let b = column(i + n);
  let c = column(i + 2u * n);
  let d = column(i + 3u * n);
  var factor = vec4f(1.0);
  if (params.hasScale != 0u) { factor = scale[k]; }
  var offset = vec4f();
  if (params.hasBias != 0u) { offset = bias[k]; }
  let upper = transform(a[0], b[0], c[0], d[0]);
  let lower = transform(a[1], b[1], c[1], d[1]);
  store(image, top, left, k, upper[0] * factor + offset);
  store(image, top, left + 1u, k, upper[1] * factor + offset);
  store(image, top + 1u, left, k, lower[0] * factor + offset);
  store(image, top + 1u, left + 1u, k, lower[1] * factor + offset);
}
