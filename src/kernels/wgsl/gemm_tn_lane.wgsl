// y[b, split, t, v, k] = sum over the pixels m of one split of a[b, m, t, v] z[b, m, k], as gemm_tn_subgroup.wgsl computes it,
// for software adapters without subgroups of a known size, and on all adapters for small groups of channels.
// x is [B, N, H, W, C / 4] vectors, z is [B, N, P, Q, K / 4], y is [B, splits, spans, 4 span, K / 4]. A span
// has the channels of one group only.
// One invocation computes 8 values of a span times 4 channels k, over one split. Neighbouring invocations
// compute neighbouring k of the same values, so that all of a workgroup read the same x and consecutive z.
// Sums have names instead of places in an array, because some drivers (SwiftShader) keep arrays in memory.

// Specialisation
const LANES: u32 = 16u; // invocations along k; a power of two
const SIZE: u32 = 16u; // invocations per workgroup: SIZE / LANES blocks of vectors

struct Params {
  h: u32, w: u32, c4: u32, // size of x, channels in vectors
  p: u32, q: u32, k4: u32, // size of z
  rowStart: i32, rowScale: i32, rowStep: i32,
  colStart: i32, colScale: i32, colStep: i32, spansX: u32,
  spans: u32,
  groupC4: u32, groupK4: u32, // channels of a group in vectors: those of z meet only those of x
  span: u32, // vectors per span
  pixels: u32, // N P Q
  splits: u32, perSplit: u32, // how many, and pixels of each
  xBatch: u32, zBatch: u32, // vectors from one product of the batch to the next
}

@group(0) @binding(0) var<storage, read> x: array<vec4f>;
@group(0) @binding(1) var<storage, read> z: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> y: array<vec4f>;
@group(0) @binding(3) var<uniform> params: Params;

@compute @workgroup_size(SIZE)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let k = group.x * LANES + local % LANES;
  if (k >= params.k4) { return; }
  let blocks = (params.span + 1u) / 2u;
  let job = group.y * (SIZE / LANES) + local / LANES;
  let t = job / blocks;
  let v = job % blocks * 2u;
  if (t >= params.spans) { return; }
  let batch = group.z / params.splits;
  let down = params.rowStart + i32(t / params.spansX) * params.rowStep;
  let right = params.colStart + i32(t % params.spansX) * params.colStep;
  let x0 = batch * params.xBatch + k / params.groupK4 * params.groupC4;
  let z0 = batch * params.zBatch + k;
  // Which column of the span each vector lies in. The second of an odd number repeats the first; it is not written.
  let hasSecond = v + 1u < params.span;
  let second = select(v, v + 1u, hasSecond);
  let across0 = right + i32(v / params.groupC4);
  let across1 = right + i32(second / params.groupC4);
  let within0 = v % params.groupC4;
  let within1 = second % params.groupC4;

  var y0 = vec4f(); var y1 = y0; var y2 = y0; var y3 = y0;
  var y4 = y0; var y5 = y0; var y6 = y0; var y7 = y0;
  // The pixels, image row by image row, so that no division is made for each.
  var m = group.z % params.splits * params.perSplit;
  let end = min(m + params.perSplit, params.pixels);
  var line = m / params.q;
  var first = m % params.q;
  while (m < end) {
    let row = i32(line % params.p) * params.rowScale + down;
    let length = min(params.q - first, end - m);
    if (u32(row) < params.h) {
      let image = i32((line / params.p * params.h + u32(row)) * params.w);
      for (var j = 0u; j < length; j++) {
        let g = z[z0 + (m + j) * params.k4];
        let column = i32(first + j) * params.colScale;
        let column0 = column + across0;
        let column1 = column + across1;
        let inside0 = u32(column0) < params.w;
        let inside1 = u32(column1) < params.w;
        let a = select(vec4f(), x[select(0u, x0 + u32(image + column0) * params.c4 + within0, inside0)], inside0);
        let b = select(vec4f(), x[select(0u, x0 + u32(image + column1) * params.c4 + within1, inside1)], inside1);
        y0 = fma(vec4f(a.x), g, y0); y1 = fma(vec4f(a.y), g, y1); y2 = fma(vec4f(a.z), g, y2); y3 = fma(vec4f(a.w), g, y3);
        y4 = fma(vec4f(b.x), g, y4); y5 = fma(vec4f(b.y), g, y5); y6 = fma(vec4f(b.z), g, y6); y7 = fma(vec4f(b.w), g, y7);
      }
    }
    m += length;
    line++;
    first = 0u;
  }

  let k4 = params.k4;
  let at = ((group.z * params.spans + t) * params.span + v) * 4u * k4 + k;
  y[at] = y0; y[at + k4] = y1; y[at + 2u * k4] = y2; y[at + 3u * k4] = y3;
  if (!hasSecond) { return; }
  y[at + 4u * k4] = y4; y[at + 5u * k4] = y5; y[at + 6u * k4] = y6; y[at + 7u * k4] = y7;
}
