// dw[split, r, s, c, k] = sum over the output pixels m of one split of x[pixel that tap r, s of m reads, c] dy[m, k].
// The sum over all pixels is cut into splits, so that there is enough work for every core; the splits are added by a
// second kernel, always in the same order (no float atomics: results do not change from run to run).
// x is [N, H, W, C], dy is [N, P, Q, K / 4] vectors, dw is [splits, R, S, C, K / 4] vectors (NHWC, HWIO).
// One invocation computes 4 channels c times 4 channels k of one tap, over one split.

// Specialisation
const LANES: u32 = 16u; // invocations along k
const ROWS: u32 = 4u; // invocations along taps and c

struct Params {
  h: i32, w: i32, c: u32,
  q: u32, k4: u32, // columns of dy, channels in vectors
  p: u32,
  s: u32,
  taps: u32, // R S
  strideY: i32, strideX: i32,
  padY: i32, padX: i32,
  dilationY: i32, dilationX: i32,
  pixels: u32, // N P Q
  perSplit: u32,
}

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> dy: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> dw: array<vec4f>;
@group(0) @binding(3) var<uniform> params: Params;

@compute @workgroup_size(LANES, ROWS)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) lane: vec3u) {
  let quads = (params.c + 3u) / 4u;
  let k = group.x * LANES + lane.x;
  let job = group.y * ROWS + lane.y;
  if (k >= params.k4 || job >= params.taps * quads) { return; }
  let c = (job % quads) * 4u;
  let tap = job / quads;
  let shiftY = i32(tap / params.s) * params.dilationY - params.padY;
  let shiftX = i32(tap % params.s) * params.dilationX - params.padX;
  // Channels past the last one repeat it; their results are not written.
  let last = params.c - 1u;
  let d1 = min(c + 1u, last); let d2 = min(c + 2u, last); let d3 = min(c + 3u, last);

  var w0 = vec4f(0.0); var w1 = w0; var w2 = w0; var w3 = w0;
  let begin = group.z * params.perSplit;
  let end = min(begin + params.perSplit, params.pixels);
  var column = begin % params.q;
  var line = begin / params.q;
  for (var m = begin; m < end; m++) {
    let row = i32(line % params.p) * params.strideY + shiftY;
    let col = i32(column) * params.strideX + shiftX;
    if (row >= 0 && row < params.h && col >= 0 && col < params.w) {
      let at = ((line / params.p * u32(params.h) + u32(row)) * u32(params.w) + u32(col)) * params.c;
      let g = dy[m * params.k4 + k];
      w0 += x[at + c] * g;
      w1 += x[at + d1] * g;
      w2 += x[at + d2] * g;
      w3 += x[at + d3] * g;
    }
    column++;
    if (column == params.q) {
      column = 0u;
      line++;
    }
  }
  let out = ((group.z * params.taps + tap) * params.c + c) * params.k4 + k;
  dw[out] = w0;
  if (c + 1u <= last) { dw[out + params.k4] = w1; }
  if (c + 2u <= last) { dw[out + 2u * params.k4] = w2; }
  if (c + 3u <= last) { dw[out + 3u * params.k4] = w3; }
}
