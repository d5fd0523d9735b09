// v[e, t, c] = (B^T d B)[e] for each tile d of 6x6 pixels of x, four apart: the first step of Winograd's F(4x4, 3x3), which
// computes 4x4 outputs of a 3x3 convolution with 36 multiplications instead of 144 (Lavin and Gray 2016).
// x is [N, H, W, C / 4] vectors, zero outside; v is [36, tiles, C / 4]. Tiles are numbered image by image, row by row.
// One invocation computes one tile of four channels.

// Specialisation
const SIZE: u32 = 64u; // invocations per workgroup
const LOOPS: bool = false; // whether the loops over columns and rows stay loops: llvmpipe takes seconds to compile 36 loads

struct Params {
  h: u32, w: u32, c4: u32, // size of x, channels in vectors
  padY: i32, padX: i32,
  down: u32, across: u32, // tiles per image
  first: u32, tiles: u32, // of this launch
}

@group(0) @binding(0) var<storage, read> x: array<vec4f>;
@group(0) @binding(1) var<storage, read_write> v: array<vec4f>;
@group(0) @binding(2) var<uniform> params: Params;

// Points of interpolation: 0, A, -A, B, -B and infinity. With A = 1 / B rounding errors stay smaller than with 1 and 2.
const A = 0.70710678118654752;
const B = 1.41421356237309505;

// B^T d.
fn transform(d: array<vec4f, 6>) -> array<vec4f, 6> {
  let near = d[4] - 2.0 * d[2];
  let nearOdd = A * (d[3] - 2.0 * d[1]);
  let far = d[4] - 0.5 * d[2];
  let farOdd = B * (d[3] - 0.5 * d[1]);
  let first = d[0] - 2.5 * d[2] + d[4];
  let last = d[1] - 2.5 * d[3] + d[5];
  return array(first, near + nearOdd, near - nearOdd, far + farOdd, far - farOdd, last);
}

@compute @workgroup_size(SIZE)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let i = (group.y * groups.x + group.x) * SIZE + lane;
  if (i >= params.tiles * params.c4) { return; }
  let c = i % params.c4;
  let tile = i / params.c4 + params.first;
  let image = tile / (params.down * params.across);
  let top = i32(tile / params.across % params.down * 4u) - params.padY;
  let left = i32(tile % params.across * 4u) - params.padX;
  // With LOOPS, the driver must not know that this is 6, or it unrolls. So that indices of the array are constants nevertheless, its columns
  // and rows move by one in each iteration.
  let six = select(6, 6 + i32(params.tiles >> 31u), LOOPS);
  var columns: array<array<vec4f, 6>, 6>;
  for (var s = 0; s < six; s++) {
    for (var t = 0u; t < select(0u, 5u, LOOPS); t++) { columns[t] = columns[t + 1u]; }
    var d: array<vec4f, 6>;
    for (var r = 0; r < 6; r++) {
      let inside = u32(top + r) < params.h && u32(left + s) < params.w;
      let at = ((image * params.h + u32(top + r)) * params.w + u32(left + s)) * params.c4 + c;
      d[r] = select(vec4f(), x[select(0u, at, inside)], inside);
    }
    columns[select(s, 5, LOOPS)] = transform(d);
  }
  for (var r = 0u; r < u32(six); r++) {
    let at = select(r, 0u, LOOPS);
    let row = transform(array(columns[0][at], columns[1][at], columns[2][at], columns[3][at], columns[4][at], columns[5][at]));
    for (var s = 0u; s < 6u; s++) { for (var t = 0u; t < select(0u, 5u, LOOPS); t++) { columns[s][t] = columns[s][t + 1u]; } }
    for (var s = 0u; s < 6u; s++) { v[((r * 6u + s) * params.tiles) * params.c4 + i] = row[s]; }
  }
}
