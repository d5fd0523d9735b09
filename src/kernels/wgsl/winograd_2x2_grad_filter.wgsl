// dw[., ., c, k] = G^T du[., c, k] G: the derivative of winograd_2x2_filter.wgsl. du is [16, C, K / 4] vectors, dw is
// [3, 3, C, K / 4]. One invocation computes four filters.

// Specialisation
const SIZE: u32 = 64u; // invocations per workgroup

struct Params {
  filters: u32, // C K / 4
}

@group(0) @binding(0) var<storage, read> du: array<vec4f>;
@group(0) @binding(1) var<storage, read_write> dw: array<vec4f>;
@group(0) @binding(2) var<uniform> params: Params;

// G^T u
fn transform(u0: vec4f, u1: vec4f, u2: vec4f, u3: vec4f) -> array<vec4f, 3> {
  let even = 0.5 * (u1 + u2);
  return array(u0 + even, 0.5 * (u1 - u2), even + u3);
}

// G^T of a column of du.
fn column(first: u32) -> array<vec4f, 3> {
  let n = 4u * params.filters;
  return transform(du[first], du[first + n], du[first + 2u * n], du[first + 3u * n]);
}

fn store(first: u32, row: array<vec4f, 3>) {
  dw[first] = row[0];
  dw[first + params.filters] = row[1];
  dw[first + 2u * params.filters] = row[2];
}

@compute @workgroup_size(SIZE)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let i = (group.y * groups.x + group.x) * SIZE + lane;
  let n = params.filters;
  if (i >= n) { return; }
  // No loops: SwiftShader keeps arrays that are indexed by variables in memory.
  let a = column(i);
  let b = column(i + n);
  let c = column(i + 2u * n);
  let d = column(i + 3u * n);
  store(i, transform(a[0], b[0], c[0], d[0]));
  store(i + 3u * n, transform(a[1], b[1], c[1], d[1]));
  store(i + 6u * n, transform(a[2], b[2], c[2], d[2]));
}
