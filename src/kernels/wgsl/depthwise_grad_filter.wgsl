// dw[split, r, s, k] = sum over the outputs n, p, q of one split of x[n, h, v, k / M] dy[n, p, q, k], where tap r, s reads h, v:
// the filter gradient of depthwise_conv2d.wgsl. There are few results and each is a long sum, so it is divided into splits,
// which are added afterwards.
// x is [N, H, W, K / M], dy is [N, P, Q, K], dw is [splits, R, S, K].
// One invocation computes one split of one tap of one channel, or with V = vec4f (M = 1 only) of four neighbouring channels.

// Specialisation
const SIZE: u32 = 64u; // invocations per workgroup
alias V = vec4f; // f32 where the channels are not a multiple of four, or M is not 1

struct Params {
  h: u32, w: u32, // size of x
  p: u32, q: u32, // size of dy
  k: u32, multiplier: u32, // channels of dy in units of V, and M
  kernelY: u32, kernelX: u32,
  strideY: i32, strideX: i32,
  padY: i32, padX: i32,
  dilationY: i32, dilationX: i32,
  pixels: u32, // N P Q
  splits: u32, perSplit: u32, // how many, and pixels of each
}

@group(0) @binding(0) var<storage, read> x: array<V>;
@group(0) @binding(1) var<storage, read> dy: array<V>;
@group(0) @binding(2) var<storage, read_write> dw: array<V>;
@group(0) @binding(3) var<uniform> params: Params;

@compute @workgroup_size(SIZE)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let i = (group.y * groups.x + group.x) * SIZE + lane;
  let taps = params.kernelY * params.kernelX;
  if (i >= params.splits * taps * params.k) { return; }
  let k = i % params.k;
  let tap = i / params.k % taps;
  let channels = params.k / params.multiplier;
  let c = k / params.multiplier;
  let down = i32(tap / params.kernelX) * params.dilationY - params.padY;
  let right = i32(tap % params.kernelX) * params.dilationX - params.padX;
  var sum = V();
  // The pixels, image row by image row, so that no division is made for each.
  var m = i / params.k / taps * params.perSplit;
  let end = min(m + params.perSplit, params.pixels);
  var line = m / params.q;
  var first = m % params.q;
  while (m < end) {
    let row = i32(line % params.p) * params.strideY + down;
    let length = min(params.q - first, end - m);
    if (u32(row) < params.h) {
      let start = (line / params.p * params.h + u32(row)) * params.w;
      for (var j = 0u; j < length; j++) {
        let column = i32(first + j) * params.strideX + right;
        if (u32(column) < params.w) {
          sum += x[(start + u32(column)) * channels + c] * dy[(m + j) * params.k + k];
        }
      }
    }
    m += length;
    line++;
    first = 0u;
  }
  dw[i] = sum;
}
