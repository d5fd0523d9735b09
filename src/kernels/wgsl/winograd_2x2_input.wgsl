// v[e, t, c] = (B^T d B)[e] for each tile d of 4x4 pixels of x, two apart: the first step of Winograd's F(2x2, 3x3), which
// computes 2x2 outputs of a 3x3 convolution with 16 multiplications instead of 36 (Lavin and Gray 2016).
// x is [N, H, W, C / 4] vectors, zero outside; v is [16, tiles, C / 4]. Tiles are numbered image by image, row by row.
// One invocation computes one tile of four channels.

// Specialisation
const SIZE: u32 = 64u; // invocations per workgroup

struct Params {
  h: u32, w: u32, c4: u32, // size of x, channels in vectors
  padY: i32, padX: i32,
  down: u32, across: u32, // tiles per image
  first: u32, tiles: u32, // of this launch
}

@group(0) @binding(0) var<storage, read> x: array<vec4f>;
@group(0) @binding(1) var<storage, read_write> v: array<vec4f>;
@group(0) @binding(2) var<uniform> params: Params;

// B^T d. Points of interpolation: 0, 1, -1 and infinity.
fn transform(d0: vec4f, d1: vec4f, d2: vec4f, d3: vec4f) -> array<vec4f, 4> {
  return array(d0 - d2, d1 + d2, d2 - d1, d1 - d3);
}

fn load(image: u32, row: i32, column: i32, c: u32) -> vec4f {
  let inside = (u32(row) < params.h) & (u32(column) < params.w);
  let at = ((image * params.h + u32(row)) * params.w + u32(column)) * params.c4 + c;
  return select(vec4f(), x[select(0u, at, inside)], inside);
}

// B^T of a column of the tile.
fn column(image: u32, top: i32, left: i32, c: u32) -> array<vec4f, 4> {
  return transform(
    load(image, top, left, c),
    load(image, top + 1, left, c),
    load(image, top + 2, left, c),
    load(image, top + 3, left, c),
  );
}

fn store(first: u32, row: array<vec4f, 4>) {
  let n = params.tiles * params.c4;
  v[first] = row[0];
  v[first + n] = row[1];
  v[first + 2u * n] = row[2];
  v[first + 3u * n] = row[3];
}

@compute @workgroup_size(SIZE)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let i = (group.y * groups.x + group.x) * SIZE + lane;
  if (i >= params.tiles * params.c4) { return; }
  let c = i % params.c4;
  let tile = i / params.c4 + params.first;
  let image = tile / (params.down * params.across);
  let top = i32(tile / params.across % params.down * 2u) - params.padY;
  let left = i32(tile % params.across * 2u) - params.padX;
  // No loops: SwiftShader keeps arrays that are indexed by variables in memory.
  let d0 = column(image, top, left, c);
  let d1 = column(image, top, left + 1, c);
  let d2 = column(image, top, left + 2, c);
  let d3 = column(image, top, left + 3, c);
  let n = 4u * params.tiles * params.c4;
  store(i, transform(d0[0], d1[0], d2[0], d3[0]));
  store(i + n, transform(d0[1], d1[1], d2[1], d3[1]));
  store(i + 2u * n, transform(d0[2], d1[2], d2[2], d3[2]));
  store(i + 3u * n, transform(d0[3], d1[3], d2[3], d3[3]));
}
