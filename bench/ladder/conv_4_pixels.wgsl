// y[n, p, q, k] = sum over r, s, c of x[n, p + r - 1, q + s - 1, c] w[r, s, c, k], 0 outside x: 4 pixels share the
// filter.
// x is [N, H, W, C / 4] vectors, w is [3, 3, C, K / 4], y is [N, H, W, K / 4]; W is a multiple of 4. An invocation
// computes 4 neighbouring pixels of a row, 4 channels.
// Cost: 4 vectors of x and 4 of w make 64 multiply-adds: 8 loads instead of 20.

struct Params { n: u32, h: u32, w: u32, c4: u32, k4: u32 }

@group(0) @binding(0) var<storage, read> x: array<vec4f>;
@group(0) @binding(1) var<storage, read> w: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> y: array<vec4f>;
@group(0) @binding(3) var<uniform> params: Params;

fn multiply(sum: vec4f, u: vec4f, w0: vec4f, w1: vec4f, w2: vec4f, w3: vec4f) -> vec4f {
  return fma(vec4f(u.w), w3, fma(vec4f(u.z), w2, fma(vec4f(u.y), w1, fma(vec4f(u.x), w0, sum))));
}

@compute @workgroup_size(16)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let pixel = id.y * 4u;
  let k = id.x;
  if (k >= params.k4) { return; }
  let column = pixel % params.w;
  let row = pixel / params.w % params.h;
  var y0 = vec4f(); var y1 = y0; var y2 = y0; var y3 = y0;
  for (var r = 0u; r < 3u; r++) {
    if (row + r - 1u >= params.h) { continue; }
    for (var s = 0u; s < 3u; s++) {
      // Of the four pixels, only the first can be left of the image and only the last right of it.
      let isLeft = column + s == 0u;
      let isRight = column + s + 2u >= params.w;
      let start = i32((pixel + r * params.w + s) * params.c4) - i32((params.w + 1u) * params.c4);
      let p0 = select(u32(start), 0u, isLeft);
      let p1 = u32(start + i32(params.c4));
      let p2 = p1 + params.c4;
      let p3 = select(p2 + params.c4, 0u, isRight);
      var tap = (r * 3u + s) * 4u * params.c4 * params.k4 + k;
      for (var c = 0u; c < params.c4; c++) {
        let w0 = w[tap];
        let w1 = w[tap + params.k4];
        let w2 = w[tap + 2u * params.k4];
        let w3 = w[tap + 3u * params.k4];
        y0 = multiply(y0, select(x[p0 + c], vec4f(), isLeft), w0, w1, w2, w3);
        y1 = multiply(y1, x[p1 + c], w0, w1, w2, w3);
        y2 = multiply(y2, x[p2 + c], w0, w1, w2, w3);
        y3 = multiply(y3, select(x[p3 + c], vec4f(), isRight), w0, w1, w2, w3);
        tap += 4u * params.k4;
      }
    }
  }
  let at = pixel * params.k4 + k;
  y[at] = y0;
  y[at + params.k4] = y1;
  y[at + 2u * params.k4] = y2;
  y[at + 3u * params.k4] = y3;
}
