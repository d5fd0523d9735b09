// y[n, p, q, k] = sum over r, s, c of x[n, p + r - 1, q + s - 1, c] w[r, s, c, k], 0 outside x: the product of conv_5,
// without its matrix.
// x is [N, H, W, C / 4] vectors, w is [3, 3, C, K / 4], y is [N H W, K / 4]; N H W is a multiple of 8. An invocation
// computes 8 pixels in the order of memory, across rows and images, 4 channels: 8 rows of the product.
// Cost: 8 vectors of x and 4 of w make 128 multiply-adds. The 8 rows of the matrix are found by their addresses, once
// for each tap; nothing but x and w is read.

struct Params { n: u32, h: u32, w: u32, c4: u32, k4: u32 }

@group(0) @binding(0) var<storage, read> x: array<vec4f>;
@group(0) @binding(1) var<storage, read> w: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> y: array<vec4f>;
@group(0) @binding(3) var<uniform> params: Params;

fn multiply(sum: vec4f, u: vec4f, w0: vec4f, w1: vec4f, w2: vec4f, w3: vec4f) -> vec4f {
  return fma(vec4f(u.w), w3, fma(vec4f(u.z), w2, fma(vec4f(u.y), w1, fma(vec4f(u.x), w0, sum))));
}

fn inside(pixel: u32, r: u32, s: u32) -> bool {
  return pixel / params.w % params.h + r - 1u < params.h && pixel % params.w + s - 1u < params.w;
}

@compute @workgroup_size(16)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let pixel = id.y * 8u;
  let k = id.x;
  if (k >= params.k4) { return; }
  var y0 = vec4f(); var y1 = y0; var y2 = y0; var y3 = y0; var y4 = y0; var y5 = y0; var y6 = y0; var y7 = y0;
  for (var r = 0u; r < 3u; r++) {
    for (var s = 0u; s < 3u; s++) {
      let start = pixel + r * params.w + s - params.w - 1u;
      let v0 = inside(pixel, r, s); let p0 = select(0u, start * params.c4, v0);
      let v1 = inside(pixel + 1u, r, s); let p1 = select(0u, (start + 1u) * params.c4, v1);
      let v2 = inside(pixel + 2u, r, s); let p2 = select(0u, (start + 2u) * params.c4, v2);
      let v3 = inside(pixel + 3u, r, s); let p3 = select(0u, (start + 3u) * params.c4, v3);
      let v4 = inside(pixel + 4u, r, s); let p4 = select(0u, (start + 4u) * params.c4, v4);
      let v5 = inside(pixel + 5u, r, s); let p5 = select(0u, (start + 5u) * params.c4, v5);
      let v6 = inside(pixel + 6u, r, s); let p6 = select(0u, (start + 6u) * params.c4, v6);
      let v7 = inside(pixel + 7u, r, s); let p7 = select(0u, (start + 7u) * params.c4, v7);
      var tap = (r * 3u + s) * 4u * params.c4 * params.k4 + k;
      for (var c = 0u; c < params.c4; c++) {
        let w0 = w[tap];
        let w1 = w[tap + params.k4];
        let w2 = w[tap + 2u * params.k4];
        let w3 = w[tap + 3u * params.k4];
        y0 = multiply(y0, select(vec4f(), x[p0 + c], v0), w0, w1, w2, w3);
        y1 = multiply(y1, select(vec4f(), x[p1 + c], v1), w0, w1, w2, w3);
        y2 = multiply(y2, select(vec4f(), x[p2 + c], v2), w0, w1, w2, w3);
        y3 = multiply(y3, select(vec4f(), x[p3 + c], v3), w0, w1, w2, w3);
        y4 = multiply(y4, select(vec4f(), x[p4 + c], v4), w0, w1, w2, w3);
        y5 = multiply(y5, select(vec4f(), x[p5 + c], v5), w0, w1, w2, w3);
        y6 = multiply(y6, select(vec4f(), x[p6 + c], v6), w0, w1, w2, w3);
        y7 = multiply(y7, select(vec4f(), x[p7 + c], v7), w0, w1, w2, w3);
        tap += 4u * params.k4;
      }
    }
  }
  let at = pixel * params.k4 + k;
  y[at] = y0;
  y[at + params.k4] = y1;
  y[at + 2u * params.k4] = y2;
  y[at + 3u * params.k4] = y3;
  y[at + 4u * params.k4] = y4;
  y[at + 5u * params.k4] = y5;
  y[at + 6u * params.k4] = y6;
  y[at + 7u * params.k4] = y7;
}
