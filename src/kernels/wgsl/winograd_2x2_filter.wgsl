// u[e, c, k] = (G w G^T)[e] for each 3x3 filter w[., ., c, k]: the second step of Winograd's F(2x2, 3x3), see
// winograd_2x2_input.wgsl. w is [3, 3, C, K / 4] vectors, u is [16, C, K / 4].
// One invocation computes four filters.

// Specialisation
const SIZE: u32 = 64u; // invocations per workgroup

struct Params {
  filters: u32, // C K / 4
}

@group(0) @binding(0) var<storage, read> w: array<vec4f>;
@group(0) @binding(1) var<storage, read_write> u: array<vec4f>;
@group(0) @binding(2) var<uniform> params: Params;

// G w
fn transform(w0: vec4f, w1: vec4f, w2: vec4f) -> array<vec4f, 4> {
  let even = 0.5 * (w0 + w2);
  let odd = 0.5 * w1;
  return array(w0, even + odd, even - odd, w2);
}

fn store(first: u32, row: array<vec4f, 4>) {
  u[first] = row[0];
  u[first + params.filters] = row[1];
  u[first + 2u * params.filters] = row[2];
  u[first + 3u * params.filters] = row[3];
}

@compute @workgroup_size(SIZE)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let i = (group.y * groups.x + group.x) * SIZE + lane;
  let n = params.filters;
  if (i >= n) { return; }
  // No loops: SwiftShader keeps arrays that are indexed by variables in memory.
  let a = transform(w[i], w[i + 3u * n], w[i + 6u * n]);
  let b = transform(w[i + n], w[i + 4u * n], w[i + 7u * n]);
  let c = transform(w[i + 2u * n], w[i + 5u * n], w[i + 8u * n]);
  store(i, transform(a[0], b[0], c[0]));
  store(i + 4u * n, transform(a[1], b[1], c[1]));
  store(i + 8u * n, transform(a[2], b[2], c[2]));
  store(i + 12u * n, transform(a[3], b[3], c[3]));
}
