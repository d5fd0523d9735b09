// u[i, j, c, k] = (G w[., ., c, k] G^T)[i, j]: the filters of Winograd's F(2x2, 3x3) (Lavin and Gray, arXiv
// 1509.09308), 3x3 to 4x4.
// w is [3, 3, C, K / 4] vectors, u is [16, C, K / 4].
// G is | 1 0 0 |, | 1/2 1/2 1/2 |, | 1/2 -1/2 1/2 |, | 0 0 1 |.

struct Params { count: u32 } // C K / 4

@group(0) @binding(0) var<storage, read> w: array<vec4f>;
@group(0) @binding(1) var<storage, read_write> u: array<vec4f>;
@group(0) @binding(2) var<uniform> params: Params;

// G times a column of three.
fn transform(a: vec4f, b: vec4f, c: vec4f) -> array<vec4f, 4> {
  return array(a, 0.5 * (a + b + c), 0.5 * (a - b + c), c);
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let at = id.x;
  if (at >= params.count) { return; }
  var rows: array<array<vec4f, 4>, 3>; // column s of w, transformed
  for (var s = 0u; s < 3u; s++) {
    rows[s] = transform(w[s * params.count + at], w[(3u + s) * params.count + at], w[(6u + s) * params.count + at]);
  }
  for (var i = 0u; i < 4u; i++) {
    let line = transform(rows[0][i], rows[1][i], rows[2][i]);
    for (var j = 0u; j < 4u; j++) { u[(4u * i + j) * params.count + at] = line[j]; }
  }
}
