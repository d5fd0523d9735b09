// dw[r, s, c, k] = sum over n, p, q of x[n, p + r - 1, q + s - 1, c] dy[n, p, q, k], 0 outside x: one invocation for
// each weight.
// x is [N, H, W, C], dy is [N, H, W, K], dw is [3, 3, C, K]. The lanes of a subgroup are neighbouring channels k.
// Cost: 2 loads for each multiply-add, and sums as long as the image has pixels: 9 C K invocations, each with N H W
// terms.

struct Params { n: u32, h: u32, w: u32, c: u32, k: u32 }

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> dy: array<f32>;
@group(0) @binding(2) var<storage, read_write> dw: array<f32>;
@group(0) @binding(3) var<uniform> params: Params;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let k = id.x;
  let c = id.y;
  let r = id.z / 3u;
  let s = id.z % 3u;
  if (k >= params.k) { return; }
  var sum = 0.0;
  for (var line = 0u; line < params.n * params.h; line++) { // the rows of all images
    if (line % params.h + r - 1u >= params.h) { continue; }
    for (var q = 0u; q < params.w; q++) {
      if (q + s - 1u >= params.w) { continue; }
      let pixel = line * params.w + q;
      sum += x[(pixel + r * params.w + s - params.w - 1u) * params.c + c] * dy[pixel * params.k + k];
    }
  }
  dw[(id.z * params.c + c) * params.k + k] = sum;
}
