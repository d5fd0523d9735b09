// y[n, i, j, k] = bias[k] + sum over r, s, c of x[n, row(i, r), col(j, s), c] w[r, s, c, k], where the tap r of output row
// i reads the input row (i * mul + offset + r * step) / div: nothing if that is no whole number, or outside the image.
//   forward:        mul = stride, offset = -padding, step = dilation, div = 1
//   input gradient: mul = 1, offset = padding, step = -dilation, div = stride, with w's channels swapped
// so that one kernel is both. For div > 1 a launch computes the outputs of one phase, those whose row and column leave a
// given remainder by div: then whether a tap divides is the same for all of them, and no zero is ever multiplied.
// x is [N, H, W, C], w is [R, S, C, K / 4] vectors, y is [N, P, Q, K / 4] vectors (NHWC, HWIO).
// One invocation computes 8 neighbouring columns (of the phase) times 4 channels. Neighbouring invocations take
// neighbouring channels, so that they read the same x and consecutive w; LANES of them share one strip of columns.

// Specialisation
const LANES: u32 = 16u; // invocations along the channels
const STRIPS: u32 = 4u; // strips of columns per workgroup
const HAS_BIAS: bool = true;

struct Params {
  n: u32, h: i32, w: i32, c: u32,
  p: u32, q: u32, k4: u32, // size of y, channels in vectors
  r: i32, s: i32,
  rows: u32, cols: u32, // outputs of this phase
  phaseY: u32, phaseX: u32,
  mulY: i32, mulX: i32,
  offsetY: i32, offsetX: i32,
  stepY: i32, stepX: i32,
  divY: i32, divX: i32,
}

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> w: array<vec4f>;
@group(0) @binding(2) var<storage, read> bias: array<vec4f>; // any tensor without HAS_BIAS
@group(0) @binding(3) var<storage, read_write> y: array<vec4f>;
@group(0) @binding(4) var<uniform> params: Params;

@compute @workgroup_size(LANES, STRIPS)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_id) lane: vec3u) {
  let k = group.z * LANES + lane.x;
  let strips = (params.cols + 7u) / 8u;
  let strip = (group.y * groups.x + group.x) * STRIPS + lane.y;
  if (k >= params.k4 || strip >= params.n * params.rows * strips) { return; }
  let j0 = (strip % strips) * 8u;
  let i = (strip / strips) % params.rows;
  let n = strip / strips / params.rows;
  let row = i32(params.phaseY + i * u32(params.divY));
  let column = i32(params.phaseX + j0 * u32(params.divX));
  let count = i32(params.cols - j0);

  var y0 = vec4f(0.0);
  if (HAS_BIAS) { y0 = bias[k]; }
  var y1 = y0; var y2 = y0; var y3 = y0; var y4 = y0; var y5 = y0; var y6 = y0; var y7 = y0;

  for (var r = 0; r < params.r; r++) {
    let atY = row * params.mulY + params.offsetY + r * params.stepY;
    if (atY < 0 || atY % params.divY != 0 || atY / params.divY >= params.h) { continue; }
    let line = (n * u32(params.h) + u32(atY / params.divY)) * u32(params.w);
    for (var s = 0; s < params.s; s++) {
      // The tap's input column for the first of the 8 outputs; the next ones are mulX apart.
      let atX = column * params.mulX + params.offsetX + s * params.stepX;
      if (atX % params.divX != 0) { continue; }
      let first = atX / params.divX;
      let stride = select(1, params.mulX, params.divX == 1);
      let end = params.w - 1;
      let c0 = first; let c1 = first + stride; let c2 = c1 + stride; let c3 = c2 + stride;
      let c4 = c3 + stride; let c5 = c4 + stride; let c6 = c5 + stride; let c7 = c6 + stride;
      let v0 = c0 >= 0 && c0 <= end;
      let v1 = c1 >= 0 && c1 <= end && count > 1;
      let v2 = c2 >= 0 && c2 <= end && count > 2;
      let v3 = c3 >= 0 && c3 <= end && count > 3;
      let v4 = c4 >= 0 && c4 <= end && count > 4;
      let v5 = c5 >= 0 && c5 <= end && count > 5;
      let v6 = c6 >= 0 && c6 <= end && count > 6;
      let v7 = c7 >= 0 && c7 <= end && count > 7;
      let p0 = (line + u32(clamp(c0, 0, end))) * params.c;
      let p1 = (line + u32(clamp(c1, 0, end))) * params.c;
      let p2 = (line + u32(clamp(c2, 0, end))) * params.c;
      let p3 = (line + u32(clamp(c3, 0, end))) * params.c;
      let p4 = (line + u32(clamp(c4, 0, end))) * params.c;
      let p5 = (line + u32(clamp(c5, 0, end))) * params.c;
      let p6 = (line + u32(clamp(c6, 0, end))) * params.c;
      let p7 = (line + u32(clamp(c7, 0, end))) * params.c;
      var at = u32(r * params.s + s) * params.c * params.k4 + k;
      for (var c = 0u; c < params.c; c++) {
        let b = w[at];
        at += params.k4;
        y0 += select(0.0, x[p0 + c], v0) * b;
        y1 += select(0.0, x[p1 + c], v1) * b;
        y2 += select(0.0, x[p2 + c], v2) * b;
        y3 += select(0.0, x[p3 + c], v3) * b;
        y4 += select(0.0, x[p4 + c], v4) * b;
        y5 += select(0.0, x[p5 + c], v5) * b;
        y6 += select(0.0, x[p6 + c], v6) * b;
        y7 += select(0.0, x[p7 + c], v7) * b;
      }
    }
  }
  let step = u32(params.divX) * params.k4;
  let out = ((n * params.p + u32(row)) * params.q + u32(column)) * params.k4 + k;
  y[out] = y0;
  if (count > 1) { y[out + step] = y1; }
  if (count > 2) { y[out + 2u * step] = y2; }
  if (count > 3) { y[out + 3u * step] = y3; }
  if (count > 4) { y[out + 4u * step] = y4; }
  if (count > 5) { y[out + 5u * step] = y5; }
  if (count > 6) { y[out + 6u * step] = y6; }
  if (count > 7) { y[out + 7u * step] = y7; }
}
