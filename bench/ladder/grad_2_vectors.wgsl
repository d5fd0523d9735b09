// dw[r, s, c, k] = sum over n, p, q of x[n, p + r - 1, q + s - 1, c] dy[n, p, q, k], 0 outside x: four channels of dy
// to a vector.
// x is [N, H, W, C], dy is [N, H, W, K / 4] vectors, dw is [3, 3, C, K / 4].
// Cost: a value of x and a vector of dy make 4 multiply-adds: 2 loads instead of 8.

struct Params { n: u32, h: u32, w: u32, c: u32, k4: u32 }

@group(0) @binding(0) var<storage, read> x: array<f32>;
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
  var sum = vec4f();
  for (var line = 0u; line < params.n * params.h; line++) {
    if (line % params.h + r - 1u >= params.h) { continue; }
    for (var q = 0u; q < params.w; q++) {
      if (q + s - 1u >= params.w) { continue; }
      let pixel = line * params.w + q;
      sum = fma(vec4f(x[(pixel + r * params.w + s - params.w - 1u) * params.c + c]), dy[pixel * params.k4 + k], sum);
    }
  }
  dw[(id.z * params.c + c) * params.k4 + k] = sum;
}
