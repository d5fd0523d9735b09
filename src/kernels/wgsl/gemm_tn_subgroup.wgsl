// y[b, split, t, v, k] = sum over the pixels m of one split of a[b, m, t, v] z[b, m, k]: the product of a transposed left
// operand, gathered from an image x as gemm_subgroup.wgsl gathers it, and a matrix z: a convolution's weight gradient
// with z = dy, or with one span of one pixel a plain product A^T Z.
//   Pixel m = (n, i, j) reads span t = (ty, tx) from row = rowStart + i rowScale + ty rowStep on, columns likewise.
// x is [B, N, H, W, C / 4] vectors, z is [B, N, P, Q, K / 4], y is [B, splits, spans, 4 span, K / 4].
// For adapters where subgroup shuffles are free and every load is expensive (llvmpipe).
// One invocation computes VECTORS times 4 values of a span times 4 channels k, over one split. LANES neighbouring
// invocations compute neighbouring k of the same values: each loads x of another pixel and hands it to the others.
enable subgroups;

// Specialisation
const LANES: u32 = 8u; // invocations along k, which share x: 4 or 8, at most a subgroup
const SIZE: u32 = 8u; // invocations per workgroup: SIZE / LANES blocks of vectors
const VECTORS: u32 = 4u; // vectors of a span per invocation

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

// Four values times four channels each.
fn multiply(sum: vec4f, u0: f32, u1: f32, u2: f32, u3: f32, g0: vec4f, g1: vec4f, g2: vec4f, g3: vec4f) -> vec4f {
  return fma(vec4f(u3), g3, fma(vec4f(u2), g2, fma(vec4f(u1), g1, fma(vec4f(u0), g0, sum))));
}

@compute @workgroup_size(SIZE)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(local_invocation_index) local: u32,
  @builtin(subgroup_invocation_id) lane: u32,
) {
  // No lane returns early: all take part in the shuffles.
  let own = lane % LANES;
  let base = lane - own;
  let channel = group.x * LANES + local % LANES;
  let k = min(channel, params.k4 - 1u);
  let blocks = (params.span + VECTORS - 1u) / VECTORS;
  let job = group.y * (SIZE / LANES) + local / LANES;
  let t = job / blocks;
  let v = job % blocks * VECTORS;
  let batch = group.z / params.splits;
  let down = params.rowStart + i32(t / params.spansX) * params.rowStep;
  let right = params.colStart + i32(t % params.spansX) * params.colStep;
  let x0 = batch * params.xBatch + k / params.groupK4 * params.groupC4;
  let z0 = batch * params.zBatch + k;
  // Which column of the span each vector lies in. Vectors past the end repeat the last; they are not written.
  var across: array<i32, VECTORS>;
  var within: array<u32, VECTORS>;
  for (var i = 0u; i < VECTORS; i++) {
    let vector = min(v + i, params.span - 1u);
    across[i] = right + i32(vector / params.groupC4);
    within[i] = vector % params.groupC4;
  }

  var sum: array<vec4f, 4u * VECTORS>;
  // The pixels, image row by image row, so that no division is made for each.
  var m = group.z % params.splits * params.perSplit;
  let end = min(m + params.perSplit, params.pixels);
  var line = m / params.q;
  var first = m % params.q;
  while (m < end) {
    let row = i32(line % params.p) * params.rowScale + down;
    let length = min(params.q - first, end - m);
    // Whether the row lies in the image; not a branch, because lanes of other spans read other rows.
    let isRow = u32(row) < params.h;
    let image = i32((line / params.p * params.h + u32(row)) * params.w);
    for (var j = 0u; j < length; j += LANES) {
      let column = i32(first + j + own) * params.colScale;
      var a: array<vec4f, VECTORS>;
      for (var i = 0u; i < VECTORS; i++) {
        let inside = isRow && j + own < length && u32(column + across[i]) < params.w;
        let at = x0 + u32(image + column + across[i]) * params.c4 + within[i];
        a[i] = select(vec4f(), x[select(0u, at, inside)], inside);
      }
      let count = min(LANES, length - j);
      var at = z0 + (m + j) * params.k4;
      for (var l = 0u; l < count; l += 4u) {
        // Four pixels at a time, so that a sum is stored once for four products. Past the row's end they count nothing.
        let g0 = z[at];
        let g1 = select(vec4f(), z[at + params.k4], l + 1u < count);
        let g2 = select(vec4f(), z[at + 2u * params.k4], l + 2u < count);
        let g3 = select(vec4f(), z[at + 3u * params.k4], l + 3u < count);
        at += 4u * params.k4;
        for (var i = 0u; i < VECTORS; i++) {
          let u0 = subgroupShuffle(a[i], base + l);
          let u1 = subgroupShuffle(a[i], base + l + 1u);
          let u2 = subgroupShuffle(a[i], base + l + 2u);
          let u3 = subgroupShuffle(a[i], base + l + 3u);
          sum[4u * i] = multiply(sum[4u * i], u0.x, u1.x, u2.x, u3.x, g0, g1, g2, g3);
          sum[4u * i + 1u] = multiply(sum[4u * i + 1u], u0.y, u1.y, u2.y, u3.y, g0, g1, g2, g3);
          sum[4u * i + 2u] = multiply(sum[4u * i + 2u], u0.z, u1.z, u2.z, u3.z, g0, g1, g2, g3);
          sum[4u * i + 3u] = multiply(sum[4u * i + 3u], u0.w, u1.w, u2.w, u3.w, g0, g1, g2, g3);
        }
      }
    }
    m += length;
    line++;
    first = 0u;
  }

  if (channel >= params.k4 || t >= params.spans) { return; }
  for (var i = 0u; i < VECTORS; i++) {
    if (v + i >= params.span) { return; }
    let at = ((group.z * params.spans + t) * params.span + v + i) * 4u * params.k4 + k;
    for (var j = 0u; j < 4u; j++) { y[at + j * params.k4] = sum[4u * i + j]; }
  }
}
