// y[i, j] = sum over l of a[i, l] b[l, j]: one invocation for each output, neighbours beside each other.
// a is [M, K], b is [K, N], y is [M, N], row-major.
// Cost: 2 loads for each multiply-add, as before. But the lanes of a subgroup differ in j: their values of b lie side
// by side, so that one access to memory serves all of them, and their value of a is the same.

struct Params { m: u32, n: u32, k: u32 }

@group(0) @binding(0) var<storage, read> a: array<f32>;
@group(0) @binding(1) var<storage, read> b: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;
@group(0) @binding(3) var<uniform> params: Params;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let i = id.y;
  let j = id.x;
  if (j >= params.n) { return; }
  var sum = 0.0;
  for (var l = 0u; l < params.k; l++) { sum += a[i * params.k + l] * b[l * params.n + j]; }
  y[i * params.n + j] = sum;
}
