// y[n, p, q, k] = sum over r, s, c of x[n, p + r - 1, q + s - 1, c] w[r, s, c, k], 0 outside x: one invocation for each
// output.
// x is [N, H, W, C], w is [3, 3, C, K], y is [N, H, W, K]. The lanes of a subgroup are neighbouring pixels of one
// channel.
// Cost: 2 loads for each multiply-add. The values of x that lanes load are C apart: a sector of memory for each.

struct Params { n: u32, h: u32, w: u32, c: u32, k: u32 }

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> w: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;
@group(0) @binding(3) var<uniform> params: Params;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let pixel = id.x;
  let k = id.y;
  if (pixel >= params.n * params.h * params.w) { return; }
  let column = pixel % params.w;
  let row = pixel / params.w % params.h;
  var sum = 0.0;
  for (var r = 0u; r < 3u; r++) {
    for (var s = 0u; s < 3u; s++) {
      // Left of and above the image, the difference wraps around to a large number.
      if (row + r - 1u >= params.h || column + s - 1u >= params.w) { continue; }
      let start = (pixel + r * params.w + s - params.w - 1u) * params.c;
      let tap = (r * 3u + s) * params.c;
      for (var c = 0u; c < params.c; c++) { sum += x[start + c] * w[(tap + c) * params.k + k]; }
    }
  }
  y[pixel * params.k + k] = sum;
}
