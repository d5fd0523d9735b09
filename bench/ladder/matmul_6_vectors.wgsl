// y[i, j] = sum over l of a[i, l] b[l, j]: 8 x 4 outputs for each invocation, four values to a load.
// a is [M, K / 4] vectors, b is [K, N / 4], y is [M, N / 4], row-major; M is a multiple of 8. The third axis of the
// launch counts products of a batch.
// Cost: one instruction loads four values. 8 vectors of a and 4 of b make 128 multiply-adds: 12 loads instead of 256.

struct Params { m: u32, n4: u32, k4: u32 }

@group(0) @binding(0) var<storage, read> a: array<vec4f>;
@group(0) @binding(1) var<storage, read> b: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> y: array<vec4f>;
@group(0) @binding(3) var<uniform> params: Params;

// Four values of a row of a times four rows of b.
fn multiply(sum: vec4f, u: vec4f, b0: vec4f, b1: vec4f, b2: vec4f, b3: vec4f) -> vec4f {
  return fma(vec4f(u.w), b3, fma(vec4f(u.z), b2, fma(vec4f(u.y), b1, fma(vec4f(u.x), b0, sum))));
}

@compute @workgroup_size(16)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let i = id.y * 8u;
  let j = id.x;
  if (j >= params.n4) { return; }
  var left = (id.z * params.m + i) * params.k4;
  var right = id.z * 4u * params.k4 * params.n4 + j;
  var y0 = vec4f(); var y1 = y0; var y2 = y0; var y3 = y0; var y4 = y0; var y5 = y0; var y6 = y0; var y7 = y0;
  for (var l = 0u; l < params.k4; l++) {
    let b0 = b[right];
    let b1 = b[right + params.n4];
    let b2 = b[right + 2u * params.n4];
    let b3 = b[right + 3u * params.n4];
    y0 = multiply(y0, a[left], b0, b1, b2, b3);
    y1 = multiply(y1, a[left + params.k4], b0, b1, b2, b3);
    y2 = multiply(y2, a[left + 2u * params.k4], b0, b1, b2, b3);
    y3 = multiply(y3, a[left + 3u * params.k4], b0, b1, b2, b3);
    y4 = multiply(y4, a[left + 4u * params.k4], b0, b1, b2, b3);
    y5 = multiply(y5, a[left + 5u * params.k4], b0, b1, b2, b3);
    y6 = multiply(y6, a[left + 6u * params.k4], b0, b1, b2, b3);
    y7 = multiply(y7, a[left + 7u * params.k4], b0, b1, b2, b3);
    left++;
    right += 4u * params.n4;
  }
  let at = (id.z * params.m + i) * params.n4 + j;
  y[at] = y0;
  y[at + params.n4] = y1;
  y[at + 2u * params.n4] = y2;
  y[at + 3u * params.n4] = y3;
  y[at + 4u * params.n4] = y4;
  y[at + 5u * params.n4] = y5;
  y[at + 6u * params.n4] = y6;
  y[at + 7u * params.n4] = y7;
}
