// y = A^T m A for the 4x4 products m of each tile: the 2x2 outputs of Winograd's F(2x2, 3x3).
// m is [16, N H/2 W/2, K / 4] vectors, the 16 products v[i, j] u[i, j] of matmul_6_vectors.wgsl; y is [N, H, W, K / 4].
// A^T is | 1 1 1 0 |, | 0 1 -1 -1 |. Cost of the whole: 16 multiply-adds for 4 outputs, instead of 36. The additions
// around them are cheap if there are many channels: a value is transformed once and multiplied with all of them.

struct Params { n: u32, h: u32, w: u32, k4: u32 }

@group(0) @binding(0) var<storage, read> m: array<vec4f>;
@group(0) @binding(1) var<storage, read_write> y: array<vec4f>;
@group(0) @binding(2) var<uniform> params: Params;

// A^T times a column of four.
fn transform(a: vec4f, b: vec4f, c: vec4f, d: vec4f) -> array<vec4f, 2> {
  return array(a + b + c, b - c - d);
}

@compute @workgroup_size(16)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let tile = id.y;
  let k = id.x;
  if (k >= params.k4) { return; }
  let across = params.w / 2u;
  let tiles = params.n * params.h / 2u * across;
  let at = tile * params.k4 + k;
  let step = tiles * params.k4; // from one of the 16 products to the next
  var columns: array<array<vec4f, 2>, 4>; // column j of m, transformed
  for (var j = 0u; j < 4u; j++) {
    columns[j] = transform(m[at + j * step], m[at + (4u + j) * step], m[at + (8u + j) * step], m[at + (12u + j) * step]);
  }
  // Rows of all images follow each other, and H is even: tile rows do not mix images.
  let corner = (tile / across * 2u * params.w + tile % across * 2u) * params.k4 + k;
  for (var i = 0u; i < 2u; i++) {
    let line = transform(columns[0][i], columns[1][i], columns[2][i], columns[3][i]);
    y[corner + i * params.w * params.k4] = line[0];
    y[corner + (i * params.w + 1u) * params.k4] = line[1];
  }
}
