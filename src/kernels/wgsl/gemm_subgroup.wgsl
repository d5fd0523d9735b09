// y[b, m, k] = relu(scale[k] sum over t, v of a[b, m, t, v] w[b, t, v, k] + bias[k] + add[b, m, k]): a matrix product whose left
// operand is gathered from an image x, so that it computes convolutions without writing their windows out (implicit GEMM).
//   Row m is output pixel (n, i, j). It reads spans t = (ty, tx) of neighbouring values: `span` vectors of x from pixel
//   (row, column) on, with row = rowStart + i rowScale + ty rowStep, and column likewise; zero outside of the image.
//   A span is a row of the filter's taps with all their channels, which lie side by side in NHWC. One span of one pixel
//   makes it a plain matrix product.
// x is [B, N, H, W, C / 4] vectors, w is [B, spans, 4 span, K / 4], y and add are [B, N, P, Q, K / 4].
// For adapters where subgroup shuffles are free and every load is expensive (llvmpipe).
// One invocation computes ROWS pixels times 4 channels. LANES neighbouring invocations compute neighbouring channels of
// the same pixels: each loads another vector of the span for every pixel, and hands it to the others.
enable subgroups;

// Specialisation
const LANES: u32 = 8u; // invocations along the channels, which share what they load: 4 or 8, at most a subgroup
const SIZE: u32 = 8u; // invocations per workgroup: SIZE / LANES blocks of pixels
const ROWS: u32 = 32u; // pixels per invocation

// Pixels whose loads and stores are unrolled. A load is hundreds of instructions on a CPU: 32 of them take seconds to compile, and more time to
// run, because they exceed the instruction cache. Loops over all pixels shift the array by so many, so that its indices stay constants.
const STEP = 4u;

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

// An output pixel of this launch: image, row and column.
struct Place { image: u32, row: u32, column: u32 }

fn place(pixel: u32) -> Place {
  let line = pixel / params.cols;
  return Place(line / params.rows, line % params.rows, pixel % params.cols);
}

// The next pixel, without the divisions, which take longer than a load on a CPU.
fn next(o: Place) -> Place {
  let isEnd = o.column + 1u == params.cols;
  let row = o.row + u32(isEnd);
  let isLast = row == params.rows;
  return Place(o.image + u32(isLast), select(row, 0u, isLast), select(o.column + 1u, 0u, isEnd));
}

@compute @workgroup_size(SIZE)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) local: u32,
  @builtin(subgroup_invocation_id) lane: u32,
) {
  // No lane returns early: all take part in the shuffles.
  let own = lane % LANES;
  let base = lane - own;
  let blocks = (params.k4 + LANES - 1u) / LANES;
  let batch = group.z / blocks;
  let channel = group.z % blocks * LANES + local % LANES;
  let k = min(channel, params.k4 - 1u);
  let first = ((group.y * groups.x + group.x) * (SIZE / LANES) + local / LANES) * ROWS;
  let origin = place(first);
  let rows = ROWS + (params.pixels >> 31u); // ROWS, which the driver must not know, or it unrolls

  var sum: array<vec4f, ROWS>;
  for (var ty = 0u; ty < params.spansY; ty++) {
    for (var tx = 0u; tx < params.spansX; tx++) {
      let row = params.rowStart + i32(ty) * params.rowStep;
      let column = params.colStart + i32(tx) * params.colStep;
      let weights = batch * params.wBatch + (ty * params.spansX + tx) * params.span * 4u * params.k4 + k;
      for (var v = 0u; v < params.span; v += LANES) {
        let mine = v + own;
        let across = column + i32(mine / params.groupC4);
        let at = batch * params.xBatch + k / params.groupK4 * params.groupC4 + mine % params.groupC4;
        // Pixels past the last are computed from whatever lies there, and not written.
        var a: array<vec4f, ROWS>;
        var o = origin;
        for (var done = 0u; done < rows; done += STEP) {
          for (var i = 0u; i < ROWS - STEP; i++) { a[i] = a[i + STEP]; }
          for (var i = ROWS - STEP; i < ROWS; i++) {
            let down = row + i32(o.row) * params.rowScale;
            let right = across + i32(o.column) * params.colScale;
            let inside = mine < params.span && u32(down) < params.h && u32(right) < params.w;
            let pixel = (o.image * params.h + u32(down)) * params.w + u32(right);
            a[i] = select(vec4f(), x[select(0u, pixel * params.c4 + at, inside)], inside);
            o = next(o);
          }
        }
        let count = select(params.span - v, LANES, v + LANES <= params.span); // min() would let the driver unroll
        var tap = weights + v * 4u * params.k4;
        for (var l = 0u; l < count; l++) {
          let w0 = w[tap];
          let w1 = w[tap + params.k4];
          let w2 = w[tap + 2u * params.k4];
          let w3 = w[tap + 3u * params.k4];
          tap += 4u * params.k4;
          for (var i = 0u; i < ROWS; i++) {
            let u = subgroupShuffle(a[i], base + l);
            sum[i] = fma(vec4f(u.w), w3, fma(vec4f(u.z), w2, fma(vec4f(u.y), w1, fma(vec4f(u.x), w0, sum[i]))));
          }
        }
      }
    }
  }

  if (channel >= params.k4) { return; }
  var factor = vec4f(1.0);
  if (params.hasScale != 0u) { factor = scale[k]; }
  var offset = vec4f();
  if (params.hasBias != 0u) { offset = bias[k]; }
  var o = origin;
  for (var pixel = first; pixel < min(params.pixels, first + ROWS); pixel += STEP) {
    for (var i = 0u; i < STEP; i++) {
      if (pixel + i < params.pixels) {
        let outRow = o.image * params.p + params.phaseY + o.row * params.divY;
        let at = batch * params.yBatch + (outRow * params.q + params.phaseX + o.column * params.divX) * params.k4 + k;
        var value = sum[i] * factor + offset;
        if (params.hasAdd != 0u) { value += add[at]; }
        if (params.relu != 0u) { value = select(value, vec4f(), value < vec4f()); } // a NaN stays a NaN
        y[at] = value;
      }
      o = next(o);
    }
    for (var i = 0u; i < ROWS - STEP; i++) { sum[i] = sum[i + STEP]; }
  }
}
