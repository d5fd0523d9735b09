// v[i, j, t, c] = (B^T d B)[i, j] of the 4x4 pixels d of x around the 2x2 outputs of tile t: the image of Winograd's
// F(2x2, 3x3).
// x is [N, H, W, C / 4] vectors, v is [16, N H/2 W/2, C / 4]; H and W are even.
// B^T is | 1 0 -1 0 |, | 0 1 1 0 |, | 0 -1 1 0 |, | 0 1 0 -1 |. Cost: only additions, and 4 values written for each
// that is read.

struct Params { n: u32, h: u32, w: u32, c4: u32 }

@group(0) @binding(0) var<storage, read> x: array<vec4f>;
@group(0) @binding(1) var<storage, read_write> v: array<vec4f>;
@group(0) @binding(2) var<uniform> params: Params;

// B^T times a column of four.
fn transform(a: vec4f, b: vec4f, c: vec4f, d: vec4f) -> array<vec4f, 4> {
  return array(a - c, b + c, c - b, b - d);
}

fn pixel(image: u32, row: u32, column: u32, c: u32) -> vec4f {
  let inside = row < params.h && column < params.w;
  let at = ((image * params.h + row) * params.w + column) * params.c4 + c;
  return select(vec4f(), x[select(0u, at, inside)], inside);
}

@compute @workgroup_size(16)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let tile = id.y;
  let c = id.x;
  if (c >= params.c4) { return; }
  let across = params.w / 2u;
  let down = params.h / 2u;
  let column = tile % across * 2u - 1u;
  let row = tile / across % down * 2u - 1u;
  let image = tile / (across * down);
  var columns: array<array<vec4f, 4>, 4>; // column j of d, transformed
  for (var j = 0u; j < 4u; j++) {
    columns[j] = transform(
      pixel(image, row, column + j, c),
      pixel(image, row + 1u, column + j, c),
      pixel(image, row + 2u, column + j, c),
      pixel(image, row + 3u, column + j, c),
    );
  }
  let tiles = params.n * down * across;
  for (var i = 0u; i < 4u; i++) {
    let line = transform(columns[0][i], columns[1][i], columns[2][i], columns[3][i]);
    for (var j = 0u; j < 4u; j++) { v[((4u * i + j) * tiles + tile) * params.c4 + c] = line[j]; }
  }
}
