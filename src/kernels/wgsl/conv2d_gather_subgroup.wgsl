// y[n, i, j, k] = bias[k] + sum over taps and c of x[n, row, column, c] w[r, s, c, k], as conv2d_gather.wgsl computes it, for
// channels that are multiples of four, on adapters that shuffle values between the lanes of a subgroup for nothing and
// pay for every load (llvmpipe).
//   row = rowStart + i rowScale + a rowStep, with r = firstR + a stepR for a = 0 .. rowTaps - 1; columns likewise.
// For a stride in the input gradient, a launch computes one phase of the outputs; the taps are those that reach it.
// x is [N, H, W, C / 4] vectors, w is [R, S, C, K / 4], y is [N, P, Q, K / 4] (NHWC, HWIO).
// One invocation computes 8 pixels times 4 channels. GROUP neighbouring invocations compute neighbouring channels of the
// same pixels: each loads four input channels of the 8 pixels, different ones, and hands them to the others.
enable subgroups;

// Specialisation
const GROUP: u32 = 8u; // invocations that share pixels, at most a subgroup, and at most LANES; a power of two
const LANES: u32 = 16u; // invocations along the channels; a power of two
const SIZE: u32 = 64u; // invocations per workgroup
const HAS_BIAS: bool = true;

struct Params {
  h: i32, w: i32, c4: u32, // size of x, channels in vectors
  p: u32, q: u32, k4: u32, // size of y
  s: u32, // columns of the filter
  rows: u32, cols: u32, pixels: u32, // outputs of this phase
  phaseY: u32, phaseX: u32, divY: u32, divX: u32, // output row = phaseY + i divY
  rowStart: i32, rowScale: i32, rowStep: i32, rowTaps: u32, firstR: u32, stepR: u32,
  colStart: i32, colScale: i32, colStep: i32, colTaps: u32, firstS: u32, stepS: u32,
}

@group(0) @binding(0) var<storage, read> x: array<vec4f>;
@group(0) @binding(1) var<storage, read> w: array<vec4f>;
@group(0) @binding(2) var<storage, read> bias: array<vec4f>; // any tensor without HAS_BIAS
@group(0) @binding(3) var<storage, read_write> y: array<vec4f>;
@group(0) @binding(4) var<uniform> params: Params;

// Where one output pixel starts to read, and where it is written.
struct Pixel {
  image: i32,
  row: i32,
  column: i32,
  out: u32,
}

fn pixel(number: u32) -> Pixel {
  let m = min(number, params.pixels - 1u);
  let j = m % params.cols;
  let line = m / params.cols;
  let i = line % params.rows;
  let n = line / params.rows;
  return Pixel(
    i32(n) * params.h,
    params.rowStart + i32(i) * params.rowScale,
    params.colStart + i32(j) * params.colScale,
    ((n * params.p + params.phaseY + i * params.divY) * params.q + params.phaseX + j * params.divX) * params.k4,
  );
}

// First vector of the input pixel that a tap reads; whether it lies in the image is for `inside` to say.
fn address(o: Pixel, down: i32, right: i32) -> u32 {
  let row = o.image + clamp(o.row + down, 0, params.h - 1);
  return u32(row * params.w + clamp(o.column + right, 0, params.w - 1)) * params.c4;
}

fn inside(o: Pixel, down: i32, right: i32) -> bool {
  return o.row + down >= 0 && o.row + down < params.h && o.column + right >= 0 && o.column + right < params.w;
}

// Four input channels times four output channels.
fn add(sum: vec4f, a: vec4f, b0: vec4f, b1: vec4f, b2: vec4f, b3: vec4f) -> vec4f {
  return fma(vec4f(a.w), b3, fma(vec4f(a.z), b2, fma(vec4f(a.y), b1, fma(vec4f(a.x), b0, sum))));
}

@compute @workgroup_size(SIZE)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) local: u32,
  @builtin(subgroup_invocation_id) lane: u32,
) {
  // Nobody leaves early: all lanes take part in the shuffles.
  let own = lane % GROUP;
  let base = lane - own;
  let channel = group.z * LANES + local % LANES;
  let k = min(channel, params.k4 - 1u);
  let first = ((group.y * groups.x + group.x) * (SIZE / LANES) + local / LANES) * 8u;
  let o0 = pixel(first); let o1 = pixel(first + 1u); let o2 = pixel(first + 2u); let o3 = pixel(first + 3u);
  let o4 = pixel(first + 4u); let o5 = pixel(first + 5u); let o6 = pixel(first + 6u); let o7 = pixel(first + 7u);

  var y0 = vec4f();
  if (HAS_BIAS) { y0 = bias[k]; }
  var y1 = y0; var y2 = y0; var y3 = y0; var y4 = y0; var y5 = y0; var y6 = y0; var y7 = y0;

  for (var a = 0u; a < params.rowTaps; a++) {
    let down = i32(a) * params.rowStep;
    for (var b = 0u; b < params.colTaps; b++) {
      let right = i32(b) * params.colStep;
      let tap = (params.firstR + a * params.stepR) * params.s + params.firstS + b * params.stepS;
      let p0 = address(o0, down, right); let v0 = inside(o0, down, right);
      let p1 = address(o1, down, right); let v1 = inside(o1, down, right);
      let p2 = address(o2, down, right); let v2 = inside(o2, down, right);
      let p3 = address(o3, down, right); let v3 = inside(o3, down, right);
      let p4 = address(o4, down, right); let v4 = inside(o4, down, right);
      let p5 = address(o5, down, right); let v5 = inside(o5, down, right);
      let p6 = address(o6, down, right); let v6 = inside(o6, down, right);
      let p7 = address(o7, down, right); let v7 = inside(o7, down, right);
      for (var c = 0u; c < params.c4; c += GROUP) {
        let mine = min(c + own, params.c4 - 1u);
        let a0 = select(vec4f(), x[p0 + mine], v0);
        let a1 = select(vec4f(), x[p1 + mine], v1);
        let a2 = select(vec4f(), x[p2 + mine], v2);
        let a3 = select(vec4f(), x[p3 + mine], v3);
        let a4 = select(vec4f(), x[p4 + mine], v4);
        let a5 = select(vec4f(), x[p5 + mine], v5);
        let a6 = select(vec4f(), x[p6 + mine], v6);
        let a7 = select(vec4f(), x[p7 + mine], v7);
        let count = min(GROUP, params.c4 - c);
        var at = (tap * params.c4 + c) * 4u * params.k4 + k;
        for (var i = 0u; i < count; i++) {
          let b0 = w[at];
          let b1 = w[at + params.k4];
          let b2 = w[at + 2u * params.k4];
          let b3 = w[at + 3u * params.k4];
          at += 4u * params.k4;
          y0 = add(y0, subgroupShuffle(a0, base + i), b0, b1, b2, b3);
          y1 = add(y1, subgroupShuffle(a1, base + i), b0, b1, b2, b3);
          y2 = add(y2, subgroupShuffle(a2, base + i), b0, b1, b2, b3);
          y3 = add(y3, subgroupShuffle(a3, base + i), b0, b1, b2, b3);
          y4 = add(y4, subgroupShuffle(a4, base + i), b0, b1, b2, b3);
          y5 = add(y5, subgroupShuffle(a5, base + i), b0, b1, b2, b3);
          y6 = add(y6, subgroupShuffle(a6, base + i), b0, b1, b2, b3);
          y7 = add(y7, subgroupShuffle(a7, base + i), b0, b1, b2, b3);
        }
      }
    }
  }
  if (channel >= params.k4) { return; }
  if (first < params.pixels) { y[o0.out + k] = y0; }
  if (first + 1u < params.pixels) { y[o1.out + k] = y1; }
  if (first + 2u < params.pixels) { y[o2.out + k] = y2; }
  if (first + 3u < params.pixels) { y[o3.out + k] = y3; }
  if (first + 4u < params.pixels) { y[o4.out + k] = y4; }
  if (first + 5u < params.pixels) { y[o5.out + k] = y5; }
  if (first + 6u < params.pixels) { y[o6.out + k] = y6; }
  if (first + 7u < params.pixels) { y[o7.out + k] = y7; }
}
