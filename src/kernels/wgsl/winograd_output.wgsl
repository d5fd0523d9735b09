// y[tile, k] = relu(scale[k] (A^T m A)[tile, k] + bias[k] + add[tile, k]): the last step of Winograd's F(4x4, 3x3), see
// winograd_input.wgsl. m[e, t, k] are the 36 products of each tile, which become 4x4 pixels of y.
// m is [36, tiles, K / 4] vectors, y and add are [N, P, Q, K / 4].
// One invocation computes one tile of four channels.

// Specialisation
const SIZE: u32 = 64u; // invocations per workgroup
const LOOPS: bool = false; // whether the loops over columns and rows stay loops: see winograd_input.wgsl

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

// Points of interpolation: 0, A, -A, B, -B and infinity. With A = 1 / B rounding errors stay smaller than with 1 and 2.
const A = 0.70710678118654752;
const B = 1.41421356237309505;

// A^T m
fn transform(m: array<vec4f, 6>) -> array<vec4f, 4> {
  let near = m[1] + m[2];
  let nearOdd = A * (m[1] - m[2]);
  let far = m[3] + m[4];
  let farOdd = B * (m[3] - m[4]);
  return array(m[0] + near + far, nearOdd + farOdd, 0.5 * near + 2.0 * far, 0.5 * nearOdd + 2.0 * farOdd + m[5]);
}

@compute @workgroup_size(SIZE)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let i = (group.y * groups.x + group.x) * SIZE + lane;
  if (i >= params.tiles * params.k4) { return; }
  let k = i % params.k4;
  let tile = i / params.k4 + params.first;
  let image = tile / (params.down * params.across);
  let top = tile / params.across % params.down * 4u;
  let left = tile % params.across * 4u;
  var columns: array<array<vec4f, 4>, 6>;
  let six = select(6u, 6u + (params.tiles >> 31u), LOOPS);
  for (var s = 0u; s < six; s++) {
    for (var t = 0u; t < select(0u, 5u, LOOPS); t++) { columns[t] = columns[t + 1u]; }
    var d: array<vec4f, 6>;
    for (var r = 0u; r < 6u; r++) { d[r] = m[((r * 6u + s) * params.tiles) * params.k4 + i]; }
    columns[select(s, 5u, LOOPS)] = transform(d);
  }
  var factor = vec4f(1.0);
  if (params.hasScale != 0u) { factor = scale[k]; }
  var offset = vec4f();
  if (params.hasBias != 0u) { offset = bias[k]; }
  for (var r = 0u; r < six - 2u; r++) {
    let at = select(r, 0u, LOOPS);
    var row = transform(array(columns[0][at], columns[1][at], columns[2][at], columns[3][at], columns[4][at], columns[5][at]));
    for (var s = 0u; s < 6u; s++) { for (var t = 0u; t < select(0u, 3u, LOOPS); t++) { columns[s][t] = columns[s][t + 1u]; } }
    for (var s = 0u; s < six - 2u; s++) {
      if (top + r < params.p && left + s < params.q) {
        let pixel = ((image * params.p + top + r) * params.q + left + s) * params.k4 + k;
        var value = row[select(s, 0u, LOOPS)] * factor + offset;
        if (params.hasAdd != 0u) { value += add[pixel]; }
        if (params.relu != 0u) { value = select(value, vec4f(), value < vec4f()); } // a NaN stays a NaN
        y[pixel] = value;
      }
      for (var t = 0u; t < select(0u, 3u, LOOPS); t++) { row[t] = row[t + 1u]; }
    }
  }
}
