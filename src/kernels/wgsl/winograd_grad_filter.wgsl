// dw[., ., c, k] = G^T du[., c, k] G: the derivative of winograd_filter.wgsl. du is [36, C, K / 4] vectors, dw is
// [3, 3, C, K / 4]. One invocation computes four filters.

// Specialisation
const SIZE: u32 = 64u; // invocations per workgroup
const LOOPS: bool = false; // whether the loops over columns and rows stay loops: see winograd_input.wgsl

struct Params {
  filters: u32, // C K / 4
}

@group(0) @binding(0) var<storage, read> du: array<vec4f>;
@group(0) @binding(1) var<storage, read_write> dw: array<vec4f>;
@group(0) @binding(2) var<uniform> params: Params;

// Points of interpolation: 0, A, -A, B, -B and infinity. With A = 1 / B rounding errors stay smaller than with 1 and 2.
const A = 0.70710678118654752;
const B = 1.41421356237309505;

// G^T u
fn transform(u: array<vec4f, 6>) -> array<vec4f, 3> {
  let near = u[1] + u[2];
  let nearOdd = u[1] - u[2];
  let far = u[3] + u[4];
  let farOdd = u[3] - u[4];
  return array(
    u[0] - near * (2.0 / 3.0) + far / 6.0,
    farOdd * (B / 6.0) - nearOdd * (2.0 / 3.0 * A),
    (far - near) / 3.0 + u[5],
  );
}

@compute @workgroup_size(SIZE)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let i = (group.y * groups.x + group.x) * SIZE + lane;
  let n = params.filters;
  if (i >= n) { return; }
  var columns: array<array<vec4f, 3>, 6>;
  for (var s = 0u; s < select(6u, 6u + (n >> 31u), LOOPS); s++) {
    for (var t = 0u; t < select(0u, 5u, LOOPS); t++) { columns[t] = columns[t + 1u]; }
    var d: array<vec4f, 6>;
    for (var r = 0u; r < 6u; r++) { d[r] = du[(r * 6u + s) * n + i]; }
    columns[select(s, 5u, LOOPS)] = transform(d);
  }
  for (var r = 0u; r < 3u; r++) {
    let row = transform(array(columns[0][r], columns[1][r], columns[2][r], columns[3][r], columns[4][r], columns[5][r]));
    for (var s = 0u; s < 3u; s++) { dw[(r * 3u + s) * n + i] = row[s]; }
  }
}
