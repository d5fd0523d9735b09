// dw[r, s, c, k] = sum over n, p, q of x[n, p + r - 1, q + s - 1, c] dy[n, p, q, k], 0 outside x: outer products of
// vectors.
// x is [N, H, W, C / 4] vectors, dy is [N, H, W, K / 4], dw is [3, 3, C, K / 4]. An invocation computes 4 c times 4 k
// of a tap.
// Cost: a vector of x and one of dy make 16 multiply-adds: 2 loads instead of 8.

struct Params { n: u32, h: u32, w: u32, c4: u32, k4: u32 }

@group(0) @binding(0) var<storage, read> x: array<vec4f>;
@group(0) @binding(1) var<storage, read> dy: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> dw: array<vec4f>;
@group(0) @binding(3) var<uniform> params: Params;

@compute @workgroup_size(16)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let k = id.x;
  let c = id.y;
  let r = id.z / 3u;
  let s = id.z % 3u;
  if (k >= params.k4) { return; }
  var d0 = vec4f(); var d1 = d0; var d2 = d0; var d3 = d0;
  for (var line = 0u; line < params.n * params.h; line++) {
    if (line % params.h + r - 1u >= params.h) { continue; }
    for (var q = 0u; q < params.w; q++) {
      if (q + s - 1u >= params.w) { continue; }
      let pixel = line * params.w + q;
      let u = x[(pixel + r * params.w + s - params.w - 1u) * params.c4 + c];
      let g = dy[pixel * params.k4 + k];
      d0 = fma(vec4f(u.x), g, d0);
      d1 = fma(vec4f(u.y), g, d1);
      d2 = fma(vec4f(u.z), g, d2);
      d3 = fma(vec4f(u.w), g, d3);
    }
  }
  let at = (id.z * params.c4 + c) * 4u * params.k4 + k;
  dw[at] = d0;
  dw[at + params.k4] = d1;
  dw[at + 2u * params.k4] = d2;
  dw[at + 3u * params.k4] = d3;
}
