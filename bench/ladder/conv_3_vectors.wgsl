// y[n, p, q, k] = sum over r, s, c of x[n, p + r - 1, q + s - 1, c] w[r, s, c, k], 0 outside x: four channels to a
// vector.
// x is [N, H, W, C / 4] vectors, w is [3, 3, C, K / 4], y is [N, H, W, K / 4]. An invocation computes one pixel, 4
// channels.
// Cost: 1 vector of x and 4 of w make 16 multiply-adds: 5 loads instead of 32.

struct Params { n: u32, h: u32, w: u32, c4: u32, k4: u32 }

@group(0) @binding(0) var<storage, read> x: array<vec4f>;
@group(0) @binding(1) var<storage, read> w: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> y: array<vec4f>;
@group(0) @binding(3) var<uniform> params: Params;

@compute @workgroup_size(16)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let pixel = id.y;
  let k = id.x;
  if (k >= params.k4) { return; }
  let column = pixel % params.w;
  let row = pixel / params.w % params.h;
  var sum = vec4f();
  for (var r = 0u; r < 3u; r++) {
    for (var s = 0u; s < 3u; s++) {
      if (row + r - 1u >= params.h || column + s - 1u >= params.w) { continue; }
      let start = (pixel + r * params.w + s - params.w - 1u) * params.c4;
      var tap = (r * 3u + s) * 4u * params.c4 * params.k4 + k;
      for (var c = 0u; c < params.c4; c++) {
        let u = x[start + c];
        sum = fma(vec4f(u.x), w[tap], sum);
        sum = fma(vec4f(u.y), w[tap + params.k4], sum);
        sum = fma(vec4f(u.z), w[tap + 2u * params.k4], sum);
        sum = fma(vec4f(u.w), w[tap + 3u * params.k4], sum);
        tap += 4u * params.k4;
      }
    }
  }
  y[pixel * params.k4 + k] = sum;
}
