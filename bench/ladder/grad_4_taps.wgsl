// dw[r, s, c, k] = sum over n, p, q of x[n, p + r - 1, q + s - 1, c] dy[n, p, q, k], 0 outside x: the three taps of a
// row together.
// x is [N, H, W, C / 4] vectors, dy is [N, H, W, K / 4], dw is [3, 3, C, K / 4]. An invocation computes 3 taps, 4 c
// times 4 k.
// Cost: while q moves right, a vector of x is that of tap 2, then of tap 1, then of tap 0. It is loaded once: 2 loads
// for 48 multiply-adds. But there are only 3 C/4 K/4 invocations: 768 for 64 channels, fewer than a GPU has lanes.

struct Params { n: u32, h: u32, w: u32, c4: u32, k4: u32 }

@group(0) @binding(0) var<storage, read> x: array<vec4f>;
@group(0) @binding(1) var<storage, read> dy: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> dw: array<vec4f>;
@group(0) @binding(3) var<uniform> params: Params;

@compute @workgroup_size(16)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let k = id.x;
  let c = id.y;
  let r = id.z;
  if (k >= params.k4) { return; }
  var a0 = vec4f(); var a1 = a0; var a2 = a0; var a3 = a0; // tap 0
  var b0 = a0; var b1 = a0; var b2 = a0; var b3 = a0; // tap 1
  var c0 = a0; var c1 = a0; var c2 = a0; var c3 = a0; // tap 2
  for (var line = 0u; line < params.n * params.h; line++) {
    if (line % params.h + r - 1u >= params.h) { continue; }
    let row = (line + r - 1u) * params.w;
    var left = vec4f();
    var middle = x[row * params.c4 + c];
    for (var q = 0u; q < params.w; q++) {
      let isLast = q + 1u == params.w;
      let right = select(x[(row + select(q + 1u, q, isLast)) * params.c4 + c], vec4f(), isLast);
      let g = dy[(line * params.w + q) * params.k4 + k];
      a0 = fma(vec4f(left.x), g, a0); a1 = fma(vec4f(left.y), g, a1);
      a2 = fma(vec4f(left.z), g, a2); a3 = fma(vec4f(left.w), g, a3);
      b0 = fma(vec4f(middle.x), g, b0); b1 = fma(vec4f(middle.y), g, b1);
      b2 = fma(vec4f(middle.z), g, b2); b3 = fma(vec4f(middle.w), g, b3);
      c0 = fma(vec4f(right.x), g, c0); c1 = fma(vec4f(right.y), g, c1);
      c2 = fma(vec4f(right.z), g, c2); c3 = fma(vec4f(right.w), g, c3);
      left = middle;
      middle = right;
    }
  }
  let step = params.k4;
  var at = (r * 3u * params.c4 + c) * 4u * step + k;
  dw[at] = a0; dw[at + step] = a1; dw[at + 2u * step] = a2; dw[at + 3u * step] = a3;
  at += 4u * params.c4 * step;
  dw[at] = b0; dw[at + step] = b1; dw[at + 2u * step] = b2; dw[at + 3u * step] = b3;
  at += 4u * params.c4 * step;
  dw[at] = c0; dw[at + step] = c1; dw[at + 2u * step] = c2; dw[at + 3u * step] = c3;
}
