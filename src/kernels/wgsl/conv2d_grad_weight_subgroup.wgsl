// dw[split, r, s, c, k] = sum over the output pixels m of one split of x[pixel that tap r, s of m reads, c] dy[m, k], as
// conv2d_grad_weight.wgsl computes it, for channels that are multiples of four, on adapters that shuffle values between the
// lanes of a subgroup for nothing and pay for every load (llvmpipe).
// x is [N, H, W, C / 4] vectors, dy is [N, P, Q, K / 4], dw is [splits, R, S, C, K / 4] (NHWC, HWIO).
// One invocation computes 16 channels c times 4 channels k of one tap, over one split. GROUP neighbouring invocations
// compute neighbouring k of the same c: each loads x of another pixel and hands it to the others.
enable subgroups;

// Specialisation
const GROUP: u32 = 8u; // invocations that share x, at most a subgroup, and at most LANES; a power of two
const LANES: u32 = 16u; // invocations along k; a power of two
const SIZE: u32 = 64u; // invocations per workgroup

struct Params {
  h: i32, w: i32, c4: u32, // size of x, channels in vectors
  p: u32, q: u32, k4: u32, // size of dy
  s: u32,
  taps: u32, // R S
  strideY: i32, strideX: i32,
  padY: i32, padX: i32,
  dilationY: i32, dilationX: i32,
  pixels: u32, // N P Q
  perSplit: u32,
}

@group(0) @binding(0) var<storage, read> x: array<vec4f>;
@group(0) @binding(1) var<storage, read> dy: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> dw: array<vec4f>;
@group(0) @binding(3) var<uniform> params: Params;

@compute @workgroup_size(SIZE)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(local_invocation_index) local: u32,
  @builtin(subgroup_invocation_id) lane: u32,
) {
  // Nobody leaves early: all lanes take part in the shuffles.
  let own = lane % GROUP;
  let base = lane - own;
  let channel = group.x * LANES + local % LANES;
  let k = min(channel, params.k4 - 1u);
  let blocks = (params.c4 + 3u) / 4u; // of 16 channels
  let job = group.y * (SIZE / LANES) + local / LANES;
  let tap = min(job / blocks, params.taps - 1u);
  let c = (job % blocks) * 4u;
  let shiftY = i32(tap / params.s) * params.dilationY - params.padY;
  let shiftX = i32(tap % params.s) * params.dilationX - params.padX;
  // Channels past the last one repeat it; their results are not written.
  let last = params.c4 - 1u;
  let c1 = min(c + 1u, last); let c2 = min(c + 2u, last); let c3 = min(c + 3u, last);

  var w0 = vec4f(); var w1 = w0; var w2 = w0; var w3 = w0; var w4 = w0; var w5 = w0; var w6 = w0; var w7 = w0;
  var w8 = w0; var w9 = w0; var w10 = w0; var w11 = w0; var w12 = w0; var w13 = w0; var w14 = w0; var w15 = w0;
  let begin = group.z * params.perSplit;
  let end = min(begin + params.perSplit, params.pixels);
  for (var m = begin; m < end; m += GROUP) {
    let mine = m + own;
    let line = mine / params.q;
    let row = i32(line % params.p) * params.strideY + shiftY;
    let column = i32(mine % params.q) * params.strideX + shiftX;
    let inside = mine < end && row >= 0 && row < params.h && column >= 0 && column < params.w;
    let at = ((line / params.p * u32(params.h) + u32(row)) * u32(params.w) + u32(column)) * params.c4;
    let a = select(0u, at, inside);
    let a0 = select(vec4f(), x[a + c], inside);
    let a1 = select(vec4f(), x[a + c1], inside);
    let a2 = select(vec4f(), x[a + c2], inside);
    let a3 = select(vec4f(), x[a + c3], inside);
    let count = min(GROUP, end - m);
    for (var i = 0u; i < count; i++) {
      let g = dy[(m + i) * params.k4 + k];
      let v0 = subgroupShuffle(a0, base + i);
      w0 = fma(vec4f(v0.x), g, w0); w1 = fma(vec4f(v0.y), g, w1); w2 = fma(vec4f(v0.z), g, w2); w3 = fma(vec4f(v0.w), g, w3);
      let v1 = subgroupShuffle(a1, base + i);
      w4 = fma(vec4f(v1.x), g, w4); w5 = fma(vec4f(v1.y), g, w5); w6 = fma(vec4f(v1.z), g, w6); w7 = fma(vec4f(v1.w), g, w7);
      let v2 = subgroupShuffle(a2, base + i);
      w8 = fma(vec4f(v2.x), g, w8); w9 = fma(vec4f(v2.y), g, w9); w10 = fma(vec4f(v2.z), g, w10); w11 = fma(vec4f(v2.w), g, w11);
      let v3 = subgroupShuffle(a3, base + i);
      w12 = fma(vec4f(v3.x), g, w12); w13 = fma(vec4f(v3.y), g, w13); w14 = fma(vec4f(v3.z), g, w14); w15 = fma(vec4f(v3.w), g, w15);
    }
  }
  if (channel >= params.k4 || job >= params.taps * blocks) { return; }
  let k4 = params.k4;
  let out = ((group.z * params.taps + tap) * params.c4 + c) * 4u * k4 + k;
  dw[out] = w0; dw[out + k4] = w1; dw[out + 2u * k4] = w2; dw[out + 3u * k4] = w3;
  if (c + 1u > last) { return; }
  dw[out + 4u * k4] = w4; dw[out + 5u * k4] = w5; dw[out + 6u * k4] = w6; dw[out + 7u * k4] = w7;
  if (c + 2u > last) { return; }
  dw[out + 8u * k4] = w8; dw[out + 9u * k4] = w9; dw[out + 10u * k4] = w10; dw[out + 11u * k4] = w11;
  if (c + 3u > last) { return; }
  dw[out + 12u * k4] = w12; dw[out + 13u * k4] = w13; dw[out + 14u * k4] = w14; dw[out + 15u * k4] = w15;
}
