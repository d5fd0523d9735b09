// u[n, p, q, r, s, c] = x[n, p + r - 1, q + s - 1, c], 0 outside x: the image as the matrix whose product with the
// filter is the convolution.
// x is [N, H, W, C / 4] vectors, u is [N H W, 9 C / 4]. The product with w as [9 C, K] is that of
// matmul_6_vectors.wgsl.
// Cost: a convolution is a matrix product once its operand is written out, but u is nine times the size of x. Each of
// its values is written and read once, 8 bytes for K multiply-adds: the fewer channels, the more that is.

struct Params { n: u32, h: u32, w: u32, c4: u32 }

@group(0) @binding(0) var<storage, read> x: array<vec4f>;
@group(0) @binding(1) var<storage, read_write> u: array<vec4f>;
@group(0) @binding(2) var<uniform> params: Params;

@compute @workgroup_size(16)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let pixel = id.y;
  let c = id.x;
  if (c >= params.c4) { return; }
  let column = pixel % params.w;
  let row = pixel / params.w % params.h;
  for (var r = 0u; r < 3u; r++) {
    for (var s = 0u; s < 3u; s++) {
      let inside = row + r - 1u < params.h && column + s - 1u < params.w;
      let start = select(0u, pixel + r * params.w + s - params.w - 1u, inside);
      u[((pixel * 3u + r) * 3u + s) * params.c4 + c] = select(vec4f(), x[start * params.c4 + c], inside);
    }
  }
}
