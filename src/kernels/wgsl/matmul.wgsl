// y[b, m, n] = sum over k of a[b, m, k] z[b, k, n], for operands of any strides, so that a transposed operand needs no
// copy and one batch entry can be used for all (stride 0).
// One invocation computes 4 rows times 4 columns of y: each loaded value is used four times.

// Specialisation
const COLS: u32 = 16u; // invocations along n
const ROWS: u32 = 4u; // invocations along m

struct Params {
  m: u32, n: u32, k: u32,
  aBatch: u32, aRow: u32, aCol: u32,
  zBatch: u32, zRow: u32, zCol: u32,
}

@group(0) @binding(0) var<storage, read> a: array<f32>;
@group(0) @binding(1) var<storage, read> z: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>; // [batch, M, N]
@group(0) @binding(3) var<uniform> params: Params;

@compute @workgroup_size(COLS, ROWS)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) lane: vec3u) {
  // Neighbouring invocations take neighbouring columns; a thread's four columns are COLS apart.
  let n0 = group.x * COLS * 4u + lane.x;
  let m0 = (group.y * ROWS + lane.y) * 4u;
  let batch = group.z;
  if (n0 >= params.n || m0 >= params.m) { return; }
  let lastM = params.m - 1u;
  let lastN = params.n - 1u;
  let columns = min(vec4u(n0, n0 + COLS, n0 + 2u * COLS, n0 + 3u * COLS), vec4u(lastN)) * params.zCol;
  let rows = min(vec4u(m0, m0 + 1u, m0 + 2u, m0 + 3u), vec4u(lastM)) * params.aRow;
  var y0 = vec4f(0.0); var y1 = y0; var y2 = y0; var y3 = y0;
  var i = batch * params.aBatch;
  var j = batch * params.zBatch;
  for (var k = 0u; k < params.k; k++) {
    let v = vec4f(z[j + columns.x], z[j + columns.y], z[j + columns.z], z[j + columns.w]);
    y0 += a[i + rows.x] * v;
    y1 += a[i + rows.y] * v;
    y2 += a[i + rows.z] * v;
    y3 += a[i + rows.w] * v;
    i += params.aCol;
    j += params.zRow;
  }
  for (var r = 0u; r < 4u; r++) {
    if (m0 + r > lastM) { break; }
    var v = y0;
    if (r == 1u) { v = y1; } else if (r == 2u) { v = y2; } else if (r == 3u) { v = y3; }
    let at = (batch * params.m + m0 + r) * params.n + n0;
    y[at] = v.x;
    if (n0 + COLS <= lastN) { y[at + COLS] = v.y; }
    if (n0 + 2u * COLS <= lastN) { y[at + 2u * COLS] = v.z; }
    if (n0 + 3u * COLS <= lastN) { y[at + 3u * COLS] = v.w; }
  }
}
