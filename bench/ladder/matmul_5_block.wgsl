// y[i, j] = sum over l of a[i, l] b[l, j]: a block of 4 x 4 outputs for each invocation.
// a is [M, K], b is [K, N], y is [M, N], row-major; M and N are multiples of 4.
// Cost: 4 values of a meet 4 of b: 8 loads for 16 multiply-adds. A block of size s takes 2 / s loads for each: the
// larger the better, until the registers are used up. Names instead of an array: some drivers keep arrays in memory.

struct Params { m: u32, n: u32, k: u32 }

@group(0) @binding(0) var<storage, read> a: array<f32>;
@group(0) @binding(1) var<storage, read> b: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;
@group(0) @binding(3) var<uniform> params: Params;

fn write(i: u32, j: u32, sum: vec4f) {
  let at = i * params.n + j;
  y[at] = sum.x; y[at + 1u] = sum.y; y[at + 2u] = sum.z; y[at + 3u] = sum.w;
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let i = id.y * 4u;
  let j = id.x * 4u;
  if (j >= params.n) { return; }
  var y0 = vec4f(); var y1 = y0; var y2 = y0; var y3 = y0;
  for (var l = 0u; l < params.k; l++) {
    let start = l * params.n + j;
    let right = vec4f(b[start], b[start + 1u], b[start + 2u], b[start + 3u]);
    let down = i * params.k + l;
    y0 += a[down] * right;
    y1 += a[down + params.k] * right;
    y2 += a[down + 2u * params.k] * right;
    y3 += a[down + 3u * params.k] * right;
  }
  write(i, j, y0); write(i + 1u, j, y1); write(i + 2u, j, y2); write(i + 3u, j, y3);
}
