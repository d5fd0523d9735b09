// y[b, m, k] = relu(scale[k] sum over t, v of a[b, m, t, v] w[b, t, v, k] + bias[k] + add[b, m, k]), as gemm_subgroup.wgsl computes it, for
// adapters with subgroups of four whose broadcasts cost less than loads, but only from a lane known in advance (SwiftShader).
// x is [B, N, H, W, C / 4] vectors, w is [B, spans, 4 span, K / 4], y and add are [B, N, P, Q, K / 4].
// A workgroup is a subgroup of four lanes. It computes 16 pixels times 32 channels: each lane two vectors of channels, four
// apart, of all pixels. Each lane loads another vector of the span for every pixel, and hands it to the others. Pixels
// have names instead of places in an array, because SwiftShader keeps arrays in memory.
enable subgroups;

struct Params {
  h: u32, w: u32, c4: u32, // size of x, channels in vectors
  p: u32, q: u32, k4: u32, // size of y
  rows: u32, cols: u32, pixels: u32, // outputs of this launch per image and in all
  phaseY: u32, phaseX: u32, divY: u32, divX: u32, // output row = phaseY + i divY
  rowStart: i32, rowScale: i32, rowStep: i32, spansY: u32,
  colStart: i32, colScale: i32, colStep: i32, spansX: u32,
  span: u32, // vectors per span
  xBatch: u32, wBatch: u32, yBatch: u32, // vectors from one product of the batch to the next
  groupC4: u32, groupK4: u32, // channels of a group in vectors: those of y read only those of x
  lastTap: u32, tapDown: u32, tapAcross: u32, // only gemm_tile: with TRANSPOSED, tap (i, j) of the sum is lastTap - i tapDown - j tapAcross
  hasScale: u32, hasBias: u32, hasAdd: u32, relu: u32, // 1 for yes: parameters, so that there is one kernel to compile
}

@group(0) @binding(0) var<storage, read> x: array<vec4f>;
@group(0) @binding(1) var<storage, read> w: array<vec4f>;
@group(0) @binding(2) var<storage, read> scale: array<vec4f>; // any tensor without hasScale
@group(0) @binding(3) var<storage, read> bias: array<vec4f>; // any tensor without hasBias
@group(0) @binding(4) var<storage, read> add: array<vec4f>; // any tensor without hasAdd
@group(0) @binding(5) var<storage, read_write> y: array<vec4f>;
@group(0) @binding(6) var<uniform> params: Params;

// Values of eight pixels.
struct Eight { p0: vec4f, p1: vec4f, p2: vec4f, p3: vec4f, p4: vec4f, p5: vec4f, p6: vec4f, p7: vec4f }

// Weights of four input channels and four output channels.
struct Weights { w0: vec4f, w1: vec4f, w2: vec4f, w3: vec4f }

fn multiply(sum: vec4f, u: vec4f, w: Weights) -> vec4f {
  return fma(vec4f(u.w), w.w3, fma(vec4f(u.z), w.w2, fma(vec4f(u.y), w.w1, fma(vec4f(u.x), w.w0, sum))));
}

fn multiplyEight(s: Eight, u: Eight, w: Weights) -> Eight {
  return Eight(
    multiply(s.p0, u.p0, w), multiply(s.p1, u.p1, w), multiply(s.p2, u.p2, w), multiply(s.p3, u.p3, w),
    multiply(s.p4, u.p4, w), multiply(s.p5, u.p5, w), multiply(s.p6, u.p6, w), multiply(s.p7, u.p7, w),
  );
}

// The vectors that one lane loaded. The lane must be known when the kernel is compiled.
fn fromLane0(a: Eight) -> Eight {
  return Eight(
    subgroupBroadcast(a.p0, 0u), subgroupBroadcast(a.p1, 0u), subgroupBroadcast(a.p2, 0u), subgroupBroadcast(a.p3, 0u),
    subgroupBroadcast(a.p4, 0u), subgroupBroadcast(a.p5, 0u), subgroupBroadcast(a.p6, 0u), subgroupBroadcast(a.p7, 0u),
  );
}
fn fromLane1(a: Eight) -> Eight {
  return Eight(
    subgroupBroadcast(a.p0, 1u), subgroupBroadcast(a.p1, 1u), subgroupBroadcast(a.p2, 1u), subgroupBroadcast(a.p3, 1u),
    subgroupBroadcast(a.p4, 1u), subgroupBroadcast(a.p5, 1u), subgroupBroadcast(a.p6, 1u), subgroupBroadcast(a.p7, 1u),
  );
}
fn fromLane2(a: Eight) -> Eight {
  return Eight(
    subgroupBroadcast(a.p0, 2u), subgroupBroadcast(a.p1, 2u), subgroupBroadcast(a.p2, 2u), subgroupBroadcast(a.p3, 2u),
    subgroupBroadcast(a.p4, 2u), subgroupBroadcast(a.p5, 2u), subgroupBroadcast(a.p6, 2u), subgroupBroadcast(a.p7, 2u),
  );
}
fn fromLane3(a: Eight) -> Eight {
  return Eight(
    subgroupBroadcast(a.p0, 3u), subgroupBroadcast(a.p1, 3u), subgroupBroadcast(a.p2, 3u), subgroupBroadcast(a.p3, 3u),
    subgroupBroadcast(a.p4, 3u), subgroupBroadcast(a.p5, 3u), subgroupBroadcast(a.p6, 3u), subgroupBroadcast(a.p7, 3u),
  );
}

// Four rows of w from vector `at` on.
fn weights(at: u32) -> Weights {
  return Weights(w[at], w[at + params.k4], w[at + 2u * params.k4], w[at + 3u * params.k4]);
}

// Where an output pixel starts to read: row, column, and their vector of x, which may lie outside.
struct Pixel { row: i32, column: i32, corner: i32 }
struct EightPixels { o0: Pixel, o1: Pixel, o2: Pixel, o3: Pixel, o4: Pixel, o5: Pixel, o6: Pixel, o7: Pixel }

fn pixel(number: u32) -> Pixel {
  let m = min(number, params.pixels - 1u);
  let line = m / params.cols;
  let row = params.rowStart + i32(line % params.rows) * params.rowScale;
  let column = params.colStart + i32(m % params.cols) * params.colScale;
  let corner = ((i32(line / params.rows * params.h) + row) * i32(params.w) + column) * i32(params.c4);
  return Pixel(row, column, corner);
}

fn eightPixels(m: u32) -> EightPixels {
  return EightPixels(
    pixel(m), pixel(m + 1u), pixel(m + 2u), pixel(m + 3u), pixel(m + 4u), pixel(m + 5u), pixel(m + 6u), pixel(m + 7u),
  );
}

// What a lane reads of each window: rows down, columns to the right, vectors from the corner; and whether it is there.
struct Tap { down: i32, right: i32, vector: i32, isInSpan: bool }

fn load(o: Pixel, tap: Tap) -> vec4f {
  // Not &&, which branches: sixteen loads one after the other would take SwiftShader minutes to compile.
  let inside = tap.isInSpan & (u32(o.row + tap.down) < params.h) & (u32(o.column + tap.right) < params.w);
  return select(vec4f(), x[select(0u, u32(o.corner + tap.vector), inside)], inside);
}

fn loadEight(o: EightPixels, tap: Tap) -> Eight {
  return Eight(
    load(o.o0, tap), load(o.o1, tap), load(o.o2, tap), load(o.o3, tap),
    load(o.o4, tap), load(o.o5, tap), load(o.o6, tap), load(o.o7, tap),
  );
}

fn write(m: u32, batch: u32, k: u32, scaled: vec4f) {
  if (m >= params.pixels) { return; }
  let line = m / params.cols;
  let outRow = line / params.rows * params.p + params.phaseY + line % params.rows * params.divY;
  let at = batch * params.yBatch + (outRow * params.q + params.phaseX + m % params.cols * params.divX) * params.k4 + k;
  var value = scaled;
  if (params.hasAdd != 0u) { value += add[at]; }
  if (params.relu != 0u) { value = select(value, vec4f(), value < vec4f()); } // a NaN stays a NaN
  y[at] = value;
}

fn writeEight(m: u32, batch: u32, k: u32, s: Eight) {
  if (k >= params.k4) { return; }
  var factor = vec4f(1.0);
  if (params.hasScale != 0u) { factor = scale[k]; }
  var offset = vec4f();
  if (params.hasBias != 0u) { offset = bias[k]; }
  write(m, batch, k, s.p0 * factor + offset);
  write(m + 1u, batch, k, s.p1 * factor + offset);
  write(m + 2u, batch, k, s.p2 * factor + offset);
  write(m + 3u, batch, k, s.p3 * factor + offset);
  write(m + 4u, batch, k, s.p4 * factor + offset);
  write(m + 5u, batch, k, s.p5 * factor + offset);
  write(m + 6u, batch, k, s.p6 * factor + offset);
  write(m + 7u, batch, k, s.p7 * factor + offset);
}

@compute @workgroup_size(4)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(subgroup_invocation_id) lane: u32,
) {
  let blocks = (params.k4 + 7u) / 8u;
  let batch = group.z / blocks;
  let k = group.z % blocks * 8u + lane;
  // Lanes past the last channel repeat it, and write nothing.
  let k0 = min(k, params.k4 - 1u);
  let k1 = min(k + 4u, params.k4 - 1u);
  let m = (group.y * groups.x + group.x) * 16u;
  let pixels0 = eightPixels(m);
  let pixels1 = eightPixels(m + 8u);

  // Sums of pixels 0 to 7 and 8 to 15, of the lane's first and second vector of channels.
  var s00: Eight;
  var s01: Eight;
  var s10: Eight;
  var s11: Eight;
  for (var ty = 0u; ty < params.spansY; ty++) {
    for (var tx = 0u; tx < params.spansX; tx++) {
      let down = i32(ty) * params.rowStep;
      let right = i32(tx) * params.colStep;
      let start = i32(batch * params.xBatch) + (down * i32(params.w) + right) * i32(params.c4);
      let filter0 = batch * params.wBatch + (ty * params.spansX + tx) * params.span * 4u * params.k4;
      for (var v = 0u; v < params.span; v += 4u) {
        let mine = v + lane;
        let tap = Tap(down, right + i32(mine / params.c4), start + i32(mine), mine < params.span);
        let a0 = loadEight(pixels0, tap);
        let a1 = loadEight(pixels1, tap);
        let at0 = filter0 + min(v + 0u, params.span - 1u) * 4u * params.k4;
        let w0_0 = weights(at0 + k0);
        let w1_0 = weights(at0 + k1);
        let u0_0 = fromLane0(a0);
        s00 = multiplyEight(s00, u0_0, w0_0);
        s01 = multiplyEight(s01, u0_0, w1_0);
        let u1_0 = fromLane0(a1);
        s10 = multiplyEight(s10, u1_0, w0_0);
        s11 = multiplyEight(s11, u1_0, w1_0);
        let at1 = filter0 + min(v + 1u, params.span - 1u) * 4u * params.k4;
        let w0_1 = weights(at1 + k0);
        let w1_1 = weights(at1 + k1);
        let u0_1 = fromLane1(a0);
        s00 = multiplyEight(s00, u0_1, w0_1);
        s01 = multiplyEight(s01, u0_1, w1_1);
        let u1_1 = fromLane1(a1);
        s10 = multiplyEight(s10, u1_1, w0_1);
        s11 = multiplyEight(s11, u1_1, w1_1);
        let at2 = filter0 + min(v + 2u, params.span - 1u) * 4u * params.k4;
        let w0_2 = weights(at2 + k0);
        let w1_2 = weights(at2 + k1);
        let u0_2 = fromLane2(a0);
        s00 = multiplyEight(s00, u0_2, w0_2);
        s01 = multiplyEight(s01, u0_2, w1_2);
        let u1_2 = fromLane2(a1);
        s10 = multiplyEight(s10, u1_2, w0_2);
        s11 = multiplyEight(s11, u1_2, w1_2);
        let at3 = filter0 + min(v + 3u, params.span - 1u) * 4u * params.k4;
        let w0_3 = weights(at3 + k0);
        let w1_3 = weights(at3 + k1);
        let u0_3 = fromLane3(a0);
        s00 = multiplyEight(s00, u0_3, w0_3);
        s01 = multiplyEight(s01, u0_3, w1_3);
        let u1_3 = fromLane3(a1);
        s10 = multiplyEight(s10, u1_3, w0_3);
        s11 = multiplyEight(s11, u1_3, w1_3);
      }
    }
  }

  writeEight(m, batch, k, s00);
  writeEight(m + 8u, batch, k, s10);
  writeEight(m, batch, k + 4u, s01);
  writeEight(m + 8u, batch, k + 4u, s11);
}
