// y[b, split, t, v, k] = sum over the pixels m of one split of a[b, m, t, v] z[b, m, k], as gemm_tn_subgroup.wgsl computes it, for
// adapters with subgroups of four whose broadcasts cost less than loads, but only from a lane known in advance (SwiftShader).
// x is [B, N, H, W, C / 4] vectors, z is [B, N, P, Q, K / 4], y is [B, splits, spans, 4 span, K / 4].
// A workgroup is a subgroup of four lanes. It computes 4 vectors of a span times 32 channels k, over one split: each lane two
// vectors of channels, four apart. Each lane loads x of another pixel, and hands it to the others.
enable subgroups;

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

// Products with the four values of a vector.
struct Four { x: vec4f, y: vec4f, z: vec4f, w: vec4f }

// z of four pixels.
struct Gradients { g0: vec4f, g1: vec4f, g2: vec4f, g3: vec4f }

fn multiply(sum: vec4f, u: vec4f, g: Gradients) -> vec4f {
  return fma(vec4f(u.w), g.g3, fma(vec4f(u.z), g.g2, fma(vec4f(u.y), g.g1, fma(vec4f(u.x), g.g0, sum))));
}

// One vector of x of each of four pixels, which are columns of `u`.
fn multiplyFour(s: Four, u: mat4x4f, g: Gradients) -> Four {
  let rows = transpose(u);
  return Four(multiply(s.x, rows[0], g), multiply(s.y, rows[1], g), multiply(s.z, rows[2], g), multiply(s.w, rows[3], g));
}

// What the four lanes loaded.
fn fromLanes(a: vec4f) -> mat4x4f {
  return mat4x4f(subgroupBroadcast(a, 0u), subgroupBroadcast(a, 1u), subgroupBroadcast(a, 2u), subgroupBroadcast(a, 3u));
}

// z of the first `count` of four pixels, from vector `at` on.
fn gradients(at: u32, count: u32) -> Gradients {
  return Gradients(
    z[at],
    select(vec4f(), z[at + params.k4], count > 1u),
    select(vec4f(), z[at + 2u * params.k4], count > 2u),
    select(vec4f(), z[at + 3u * params.k4], count > 3u),
  );
}

// A vector of a span: column from the window's first, and vector within its pixel.
struct Value { across: i32, vector: u32 }

fn value(v: u32) -> Value {
  let mine = min(v, params.span - 1u); // Past the end it repeats the last, and is not written.
  return Value(i32(mine / params.c4), mine % params.c4);
}

fn load(line: i32, column: i32, isPixel: bool, v: Value) -> vec4f {
  let inside = isPixel & (u32(column + v.across) < params.w);
  return select(vec4f(), x[select(0u, u32(line + column + v.across) * params.c4 + v.vector, inside)], inside);
}

fn write(at: u32, k: u32, isThere: bool, s: Four) {
  if (!isThere || k >= params.k4) { return; }
  y[at + k] = s.x;
  y[at + params.k4 + k] = s.y;
  y[at + 2u * params.k4 + k] = s.z;
  y[at + 3u * params.k4 + k] = s.w;
}

@compute @workgroup_size(4)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(subgroup_invocation_id) lane: u32) {
  let k = group.x * 8u + lane;
  let blocks = (params.span + 3u) / 4u;
  let t = group.y / blocks;
  let v = group.y % blocks * 4u;
  let batch = group.z / params.splits;
  let down = params.rowStart + i32(t / params.spansX) * params.rowStep;
  let right = params.colStart + i32(t % params.spansX) * params.colStep;
  let z0 = batch * params.zBatch + min(k, params.k4 - 1u);
  let z1 = batch * params.zBatch + min(k + 4u, params.k4 - 1u);
  let v0 = value(v);
  let v1 = value(v + 1u);
  let v2 = value(v + 2u);
  let v3 = value(v + 3u);

  // Sums of the four vectors, for the lane's first and second vector of channels.
  var s00: Four; var s10: Four; var s20: Four; var s30: Four;
  var s01: Four; var s11: Four; var s21: Four; var s31: Four;
  // The pixels, image row by image row, so that no division is made for each.
  var m = group.z % params.splits * params.perSplit;
  let end = min(m + params.perSplit, params.pixels);
  var line = m / params.q;
  var first = m % params.q;
  while (m < end) {
    let row = i32(line % params.p) * params.rowScale + down;
    let length = min(params.q - first, end - m);
    let isRow = u32(row) < params.h;
    let image = i32(batch * params.xBatch / params.c4) + i32((line / params.p * params.h + u32(row)) * params.w);
    for (var j = 0u; j < length; j += 4u) {
      let column = right + i32(first + j + lane) * params.colScale;
      let isPixel = isRow & (j + lane < length);
      let count = length - j;
      let g = gradients(z0 + (m + j) * params.k4, count);
      let h = gradients(z1 + (m + j) * params.k4, count);
      let u0 = fromLanes(load(image, column, isPixel, v0));
      s00 = multiplyFour(s00, u0, g);
      s01 = multiplyFour(s01, u0, h);
      let u1 = fromLanes(load(image, column, isPixel, v1));
      s10 = multiplyFour(s10, u1, g);
      s11 = multiplyFour(s11, u1, h);
      let u2 = fromLanes(load(image, column, isPixel, v2));
      s20 = multiplyFour(s20, u2, g);
      s21 = multiplyFour(s21, u2, h);
      let u3 = fromLanes(load(image, column, isPixel, v3));
      s30 = multiplyFour(s30, u3, g);
      s31 = multiplyFour(s31, u3, h);
    }
    m += length;
    line++;
    first = 0u;
  }

  let at = ((group.z * params.spans + t) * params.span + v) * 4u * params.k4;
  let step = 4u * params.k4;
  write(at, k, true, s00);
  write(at, k + 4u, true, s01);
  write(at + step, k, v + 1u < params.span, s10);
  write(at + step, k + 4u, v + 1u < params.span, s11);
  write(at + 2u * step, k, v + 2u < params.span, s20);
  write(at + 2u * step, k + 4u, v + 2u < params.span, s21);
  write(at + 3u * step, k, v + 3u < params.span, s30);
  write(at + 3u * step, k + 4u, v + 3u < params.span, s31);
}
