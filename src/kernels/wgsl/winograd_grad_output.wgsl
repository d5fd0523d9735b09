// m[e, t, k] = (A dy A^T)[e] for each tile of 4x4 pixels of dy: the derivative of winograd_output.wgsl, on the way to the
// gradient of a filter. dy is [N, P, Q, K / 4] vectors, zero outside; m is [36, tiles, K / 4].
// One invocation computes one tile of four channels.

// Specialisation
const SIZE: u32 = 64u; // invocations per workgroup
const LOOPS: bool = false; // whether the loops over columns and rows stay loops: see winograd_input.wgsl

struct Params {
  p: u32, q: u32, k4: u32, // size of dy, channels in vectors
  down: u32, across: u32, // tiles per image
  first: u32, tiles: u32, // of this launch
}

@group(0) @binding(0) var<storage, read> dy: array<vec4f>;
@group(0) @binding(1) var<storage, read_write> m: array<vec4f>;
@group(0) @binding(2) var<uniform> params: Params;

// Points of interpolation: 0, A, -A, B, -B and infinity. With A = 1 / B rounding errors stay smaller than with 1 and 2.
const A = 0.70710678118654752;
const B = 1.41421356237309505;

// A d
fn transform(d: array<vec4f, 4>) -> array<vec4f, 6> {
  let near = d[0] + 0.5 * d[2];
  let nearOdd = A * (d[1] + 0.5 * d[3]);
  let far = d[0] + 2.0 * d[2];
  let farOdd = B * (d[1] + 2.0 * d[3]);
  return array(d[0], near + nearOdd, near - nearOdd, far + farOdd, far - farOdd, d[3]);
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
  var columns: array<array<vec4f, 6>, 4>;
  let six = select(6u, 6u + (params.tiles >> 31u), LOOPS);
  for (var s = 0u; s < six - 2u; s++) {
    for (var t = 0u; t < select(0u, 3u, LOOPS); t++) { columns[t] = columns[t + 1u]; }
    var d: array<vec4f, 4>;
    for (var r = 0u; r < 4u; r++) {
      let inside = top + r < params.p && left + s < params.q;
      let at = ((image * params.p + top + r) * params.q + left + s) * params.k4 + k;
      d[r] = select(vec4f(), dy[select(0u, at, inside)], inside);
    }
    columns[select(s, 3u, LOOPS)] = transform(d);
  }
  for (var r = 0u; r < six; r++) {
    let at = select(r, 0u, LOOPS);
    let row = transform(array(columns[0][at], columns[1][at], columns[2][at], columns[3][at]));
    for (var s = 0u; s < 4u; s++) { for (var t = 0u; t < select(0u, 5u, LOOPS); t++) { columns[s][t] = columns[s][t + 1u]; } }
    for (var s = 0u; s < 6u; s++) { m[((r * 6u + s) * params.tiles) * params.k4 + i] = row[s]; }
  }
}
