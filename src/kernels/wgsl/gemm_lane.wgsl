// y[b, m, k] = relu(scale[k] sum over t, v of a[b, m, t, v] w[b, t, v, k] + bias[k] + add[b, m, k]), as gemm_subgroup.wgsl computes it, for
// adapters without subgroups of a known size, or where shuffles cost more than loads (SwiftShader).
// x is [B, N, H, W, C / 4] vectors, w is [B, runs, 4 run, K / 4], y and add are [B, N, P, Q, K / 4].
// One invocation computes ROWS pixels times 4 channels. Neighbouring invocations compute neighbouring channels of the same
// pixels, so that all of a workgroup read the same x and consecutive w.

// Specialisation
const LANES: u32 = 16u; // invocations along the channels; a power of two
const SIZE: u32 = 16u; // invocations per workgroup: SIZE / LANES blocks of pixels
const ROWS: u32 = 8u; // pixels per invocation

struct Params {
  h: u32, w: u32, c4: u32, // size of x, channels in vectors
  p: u32, q: u32, k4: u32, // size of y
  rows: u32, cols: u32, pixels: u32, // outputs of this launch per image and in all
  phaseY: u32, phaseX: u32, divY: u32, divX: u32, // output row = phaseY + i divY
  rowStart: i32, rowScale: i32, rowStep: i32, runsY: u32,
  colStart: i32, colScale: i32, colStep: i32, runsX: u32,
  run: u32, // vectors per run
  xBatch: u32, wBatch: u32, yBatch: u32, // vectors from one product of the batch to the next
  hasScale: u32, hasBias: u32, hasAdd: u32, relu: u32, // 1 for yes: parameters, so that there is one kernel to compile
}

@group(0) @binding(0) var<storage, read> x: array<vec4f>;
@group(0) @binding(1) var<storage, read> w: array<vec4f>;
@group(0) @binding(2) var<storage, read> scale: array<vec4f>; // any tensor without hasScale
@group(0) @binding(3) var<storage, read> bias: array<vec4f>; // any tensor without hasBias
@group(0) @binding(4) var<storage, read> add: array<vec4f>; // any tensor without hasAdd
@group(0) @binding(5) var<storage, read_write> y: array<vec4f>;
@group(0) @binding(6) var<uniform> params: Params;

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
  let first = ((group.y * groups.x + group.x) * (SIZE / LANES) + local / LANES) * ROWS;

  // Where each pixel starts to read: row, column, and their vector of x, which may lie outside.
  var row: array<i32, ROWS>;
  var column: array<i32, ROWS>;
  var corner: array<i32, ROWS>;
  var sum: array<vec4f, ROWS>;
  for (var i = 0u; i < ROWS; i++) {
    let m = min(first + i, params.pixels - 1u);
    let line = m / params.cols;
    row[i] = params.rowStart + i32(line % params.rows) * params.rowScale;
    column[i] = params.colStart + i32(m % params.cols) * params.colScale;
    corner[i] = ((i32(line / params.rows * params.h) + row[i]) * i32(params.w) + column[i]) * i32(params.c4);
  }

  for (var ty = 0u; ty < params.runsY; ty++) {
    for (var tx = 0u; tx < params.runsX; tx++) {
      let down = i32(ty) * params.rowStep;
      let right = i32(tx) * params.colStep;
      let start = i32(batch * params.xBatch) + (down * i32(params.w) + right) * i32(params.c4);
      let weights = batch * params.wBatch + (ty * params.runsX + tx) * params.run * 4u * params.k4 + k;
      // A run crosses from one pixel into the next; each is inside of the image or not.
      for (var across = 0u; across * params.c4 < params.run; across++) {
        let pixel = start + i32(across * params.c4);
        var at: array<u32, ROWS>;
        var inside: array<bool, ROWS>;
        for (var i = 0u; i < ROWS; i++) {
          inside[i] = u32(row[i] + down) < params.h && u32(column[i] + right + i32(across)) < params.w;
          at[i] = select(0u, u32(corner[i] + pixel), inside[i]);
        }
        var next = weights + across * params.c4 * 4u * params.k4;
        for (var c = 0u; c < params.c4; c++) {
          let w0 = w[next];
          let w1 = w[next + params.k4];
          let w2 = w[next + 2u * params.k4];
          let w3 = w[next + 3u * params.k4];
          next += 4u * params.k4;
          for (var i = 0u; i < ROWS; i++) {
            let u = select(vec4f(), x[at[i] + c], inside[i]);
            sum[i] = fma(vec4f(u.w), w3, fma(vec4f(u.z), w2, fma(vec4f(u.y), w1, fma(vec4f(u.x), w0, sum[i]))));
          }
        }
      }
    }
  }

  var factor = vec4f(1.0);
  if (params.hasScale != 0u) { factor = scale[k]; }
  var offset = vec4f();
  if (params.hasBias != 0u) { offset = bias[k]; }
  for (var i = 0u; i < ROWS; i++) {
    let m = first + i;
    if (m >= params.pixels) { return; }
    let line = m / params.cols;
    let outRow = line / params.rows * params.p + params.phaseY + line % params.rows * params.divY;
    let at = batch * params.yBatch + (outRow * params.q + params.phaseX + m % params.cols * params.divX) * params.k4 + k;
    var value = sum[i] * factor + offset;
    if (params.hasAdd != 0u) { value += add[at]; }
    if (params.relu != 0u) { value = select(value, vec4f(), value < vec4f()); } // a NaN stays a NaN
    y[at] = value;
  }
}
