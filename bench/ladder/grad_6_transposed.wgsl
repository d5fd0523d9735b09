// dw[r, s, c, k] = sum over m of u[m, r, s, c] dy[m, k]: the product of the transposed matrix of conv_5_unfold.wgsl
// with dy.
// u is [N H W, 9 C / 4] vectors, dy is [N H W, K / 4], parts is [slices, 9 C, K / 4]. The sum over m = (n, p, q) is
// divided into slices. An invocation computes 8 rows of dw times 4 k.
// Cost: 2 vectors of u and 1 of dy make 32 multiply-adds, without a condition in the loop. u is written before and read
// once.

struct Params { count: u32, rows4: u32, k4: u32, length: u32 } // count = N H W, rows4 = 9 C / 4, length = pixels of a slice

@group(0) @binding(0) var<storage, read> u: array<vec4f>;
@group(0) @binding(1) var<storage, read> dy: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> parts: array<vec4f>;
@group(0) @binding(3) var<uniform> params: Params;

@compute @workgroup_size(16)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let k = id.x;
  let row = id.y * 2u;
  if (k >= params.k4) { return; }
  var d0 = vec4f(); var d1 = d0; var d2 = d0; var d3 = d0; var d4 = d0; var d5 = d0; var d6 = d0; var d7 = d0;
  let end = min((id.z + 1u) * params.length, params.count);
  for (var m = id.z * params.length; m < end; m++) {
    let a = u[m * params.rows4 + row];
    let b = u[m * params.rows4 + row + 1u];
    let g = dy[m * params.k4 + k];
    d0 = fma(vec4f(a.x), g, d0); d1 = fma(vec4f(a.y), g, d1); d2 = fma(vec4f(a.z), g, d2); d3 = fma(vec4f(a.w), g, d3);
    d4 = fma(vec4f(b.x), g, d4); d5 = fma(vec4f(b.y), g, d5); d6 = fma(vec4f(b.z), g, d6); d7 = fma(vec4f(b.w), g, d7);
  }
  let at = (id.z * params.rows4 + row) * 4u * params.k4 + k;
  parts[at] = d0; parts[at + params.k4] = d1; parts[at + 2u * params.k4] = d2; parts[at + 3u * params.k4] = d3;
  parts[at + 4u * params.k4] = d4; parts[at + 5u * params.k4] = d5; parts[at + 6u * params.k4] = d6; parts[at + 7u * params.k4] = d7;
}
