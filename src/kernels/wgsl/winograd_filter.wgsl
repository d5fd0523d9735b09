// u[e, c, k] = (G w G^T)[e] for each 3x3 filter w[., ., c, k]: the second step of Winograd's F(4x4, 3x3), see
// winograd_input.wgsl. w is [3, 3, C, K / 4] vectors, u is [36, C, K / 4].
// One invocation computes four filters.

// Specialisation
const SIZE: u32 = 64u; // invocations per workgroup
const LOOPS: bool = false; // whether the loops over columns and rows stay loops: see winograd_input.wgsl

struct Params {
  filters: u32, // C K / 4
}

@group(0) @binding(0) var<storage, read> w: array<vec4f>;
@group(0) @binding(1) var<storage, read_write> u: array<vec4f>;
@group(0) @binding(2) var<uniform> params: Params;

// Points of interpolation: 0, A, -A, B, -B and infinity. With A = 1 / B rounding errors stay smaller than with 1 and 2.
const A = 0.70710678118654752;
const B = 1.41421356237309505;

// G w
fn transform(w0: vec4f, w1: vec4f, w2: vec4f) -> array<vec4f, 6> {
  let near = (w0 + 0.5 * w2) * (-2.0 / 3.0);
  let nearOdd = w1 * (-2.0 / 3.0 * A);
  let far = (w0 + 2.0 * w2) / 6.0;
  let farOdd = w1 * (B / 6.0);
  return array(w0, near + nearOdd, near - nearOdd, far + farOdd, far - farOdd, w2);
}

@compute @workgroup_size(SIZE)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let i = (group.y * groups.x + group.x) * SIZE + lane;
  let n = params.filters;
  if (i >= n) { return; }
  var columns: array<array<vec4f, 6>, 3>;
  for (var s = 0u; s < 3u; s++) {
    columns[s] = transform(w[s * n + i], w[(3u + s) * n + i], w[(6u + s) * n + i]);
  }
  for (var r = 0u; r < select(6u, 6u + (n >> 31u), LOOPS); r++) {
    let at = select(r, 0u, LOOPS);
    let row = transform(columns[0][at], columns[1][at], columns[2][at]);
    for (var s = 0u; s < 3u; s++) { for (var t = 0u; t < select(0u, 5u, LOOPS); t++) { columns[s][t] = columns[s][t + 1u]; } }
    for (var s = 0u; s < 6u; s++) { u[(r * 6u + s) * n + i] = row[s]; }
  }
}
