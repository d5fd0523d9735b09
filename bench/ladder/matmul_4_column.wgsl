// y[i, j] = sum over l of a[i, l] b[l, j]: 8 outputs of a column for each invocation.
// a is [M, K], b is [K, N], y is [M, N], row-major; M is a multiple of 8.
// Cost: a value of b stays in a register and serves 8 multiply-adds: 9 loads for 8 of them, instead of 16.

struct Params { m: u32, n: u32, k: u32 }

@group(0) @binding(0) var<storage, read> a: array<f32>;
@group(0) @binding(1) var<storage, read> b: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;
@group(0) @binding(3) var<uniform> params: Params;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let i = id.y * 8u;
  let j = id.x;
  if (j >= params.n) { return; }
  var sum: array<f32, 8>;
  for (var l = 0u; l < params.k; l++) {
    let value = b[l * params.n + j];
    for (var row = 0u; row < 8u; row++) { sum[row] += a[(i + row) * params.k + l] * value; }
  }
  for (var row = 0u; row < 8u; row++) { y[(i + row) * params.n + j] = sum[row]; }
}
