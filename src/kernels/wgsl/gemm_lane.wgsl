// y[b, m, k] = relu(scale[k] sum over t, v of a[b, m, t, v] w[b, t, v, k] + bias[k] + add[b, m, k]), as gemm_subgroup.wgsl computes it, for
// software adapters without subgroups of a known size, and on all adapters for small groups of channels.
// x is [B, N, H, W, C / 4] vectors, w is [B, spans, 4 span, K / 4], y and add are [B, N, P, Q, K / 4]. A span has the channels of
// one group only.
// One invocation computes 8 pixels times 4 channels. Neighbouring invocations compute neighbouring channels of the same
// pixels, so that all of a workgroup read the same x and consecutive w. Pixels have names instead of places in an array, because
// some drivers (SwiftShader) keep arrays in memory.

// Specialisation
const LANES: u32 = 16u; // invocations along the channels; a power of two
const SIZE: u32 = 16u; // invocations per workgroup: SIZE / LANES blocks of pixels

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

// Where an output pixel starts to read: row, column, and their vector of x, which may lie outside.
struct Pixel { row: i32, column: i32, corner: i32 }

fn pixel(number: u32) -> Pixel {
  let m = min(number, params.pixels - 1u);
  let line = m / params.cols;
  let row = params.rowStart + i32(line % params.rows) * params.rowScale;
  let column = params.colStart + i32(m % params.cols) * params.colScale;
  let corner = ((i32(line / params.rows * params.h) + row) * i32(params.w) + column) * i32(params.c4);
  return Pixel(row, column, corner);
}

fn inside(o: Pixel, down: i32, right: i32) -> bool {
  return u32(o.row + down) < params.h && u32(o.column + right) < params.w;
}

// Four input channels u times four output channels.
fn multiply(sum: vec4f, u: vec4f, w0: vec4f, w1: vec4f, w2: vec4f, w3: vec4f) -> vec4f {
  return fma(vec4f(u.w), w3, fma(vec4f(u.z), w2, fma(vec4f(u.y), w1, fma(vec4f(u.x), w0, sum))));
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

@compute @workgroup_size(SIZE)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let blocks = (params.k4 + LANES - 1u) / LANES;
  let batch = group.z / blocks;
  let k = group.z % blocks * LANES + local % LANES;
  if (k >= params.k4) { return; }
  let first = ((group.y * groups.x + group.x) * (SIZE / LANES) + local / LANES) * 8u;
  let channel = k / params.groupK4 * params.groupC4; // the first of its group in x

  let o0 = pixel(first); let o1 = pixel(first + 1u); let o2 = pixel(first + 2u); let o3 = pixel(first + 3u);
  let o4 = pixel(first + 4u); let o5 = pixel(first + 5u); let o6 = pixel(first + 6u); let o7 = pixel(first + 7u);
  var y0 = vec4f(); var y1 = y0; var y2 = y0; var y3 = y0; var y4 = y0; var y5 = y0; var y6 = y0; var y7 = y0;

  for (var ty = 0u; ty < params.spansY; ty++) {
    for (var tx = 0u; tx < params.spansX; tx++) {
      let down = i32(ty) * params.rowStep;
      let right = i32(tx) * params.colStep;
      let start = i32(batch * params.xBatch + channel) + (down * i32(params.w) + right) * i32(params.c4);
      let weights = batch * params.wBatch + (ty * params.spansX + tx) * params.span * 4u * params.k4 + k;
      // A span crosses from one pixel into the next; each is inside of the image or not.
      for (var across = 0u; across * params.groupC4 < params.span; across++) {
        let step = start + i32(across * params.c4);
        let shift = right + i32(across);
        let v0 = inside(o0, down, shift); let p0 = select(0u, u32(o0.corner + step), v0);
        let v1 = inside(o1, down, shift); let p1 = select(0u, u32(o1.corner + step), v1);
        let v2 = inside(o2, down, shift); let p2 = select(0u, u32(o2.corner + step), v2);
        let v3 = inside(o3, down, shift); let p3 = select(0u, u32(o3.corner + step), v3);
        let v4 = inside(o4, down, shift); let p4 = select(0u, u32(o4.corner + step), v4);
        let v5 = inside(o5, down, shift); let p5 = select(0u, u32(o5.corner + step), v5);
        let v6 = inside(o6, down, shift); let p6 = select(0u, u32(o6.corner + step), v6);
        let v7 = inside(o7, down, shift); let p7 = select(0u, u32(o7.corner + step), v7);
        var next = weights + across * params.groupC4 * 4u * params.k4;
        for (var c = 0u; c < params.groupC4; c++) {
          let w0 = w[next];
          let w1 = w[next + params.k4];
          let w2 = w[next + 2u * params.k4];
          let w3 = w[next + 3u * params.k4];
          next += 4u * params.k4;
          y0 = multiply(y0, select(vec4f(), x[p0 + c], v0), w0, w1, w2, w3);
          y1 = multiply(y1, select(vec4f(), x[p1 + c], v1), w0, w1, w2, w3);
          y2 = multiply(y2, select(vec4f(), x[p2 + c], v2), w0, w1, w2, w3);
          y3 = multiply(y3, select(vec4f(), x[p3 + c], v3), w0, w1, w2, w3);
          y4 = multiply(y4, select(vec4f(), x[p4 + c], v4), w0, w1, w2, w3);
          y5 = multiply(y5, select(vec4f(), x[p5 + c], v5), w0, w1, w2, w3);
          y6 = multiply(y6, select(vec4f(), x[p6 + c], v6), w0, w1, w2, w3);
          y7 = multiply(y7, select(vec4f(), x[p7 + c], v7), w0, w1, w2, w3);
        }
      }
    }
  }

  var factor = vec4f(1.0);
  if (params.hasScale != 0u) { factor = scale[k]; }
  var offset = vec4f();
  if (params.hasBias != 0u) { offset = bias[k]; }
  write(first + 0u, batch, k, y0 * factor + offset);
  write(first + 1u, batch, k, y1 * factor + offset);
  write(first + 2u, batch, k, y2 * factor + offset);
  write(first + 3u, batch, k, y3 * factor + offset);
  write(first + 4u, batch, k, y4 * factor + offset);
  write(first + 5u, batch, k, y5 * factor + offset);
  write(first + 6u, batch, k, y6 * factor + offset);
  write(first + 7u, batch, k, y7 * factor + offset);
}
