// Gradients of layer_norm.wgsl. With n = (x - mean) inverse, g = dy gamma, and means over the columns of a row:
//   dx = inverse (g - mean(g) - n mean(g n));  with PRODUCTS instead dy n, whose sum over the rows is dgamma.
// One workgroup computes one row.

// Specialisation
const SIZE: u32 = 64u; // invocations per workgroup
const HAS_GAMMA: bool = true; // otherwise 1
const PRODUCTS: bool = false;

struct Params {
  rows: u32,
  columns: u32,
}

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> dy: array<f32>;
@group(0) @binding(2) var<storage, read> gamma: array<f32>;
@group(0) @binding(3) var<storage, read> stats: array<f32>;
@group(0) @binding(4) var<storage, read_write> dx: array<f32>;
@group(0) @binding(5) var<uniform> params: Params;

var<workgroup> parts: array<vec2f, SIZE>;

// The sum of one value of each invocation.
fn total(value: vec2f, lane: u32) -> vec2f {
  parts[lane] = value;
  workgroupBarrier();
  for (var half = SIZE / 2u; half > 0u; half /= 2u) {
    if (lane < half) { parts[lane] += parts[lane + half]; }
    workgroupBarrier();
  }
  return parts[0];
}

// (g, n) of a column.
fn pair(start: u32, c: u32, mean: f32, inverse: f32) -> vec2f {
  var g = dy[start + c];
  if (HAS_GAMMA) { g *= gamma[c]; }
  return vec2f(g, (x[start + c] - mean) * inverse);
}

@compute @workgroup_size(SIZE)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let row = group.y * groups.x + group.x;
  if (row >= params.rows) { return; }
  let start = row * params.columns;
  let mean = stats[2u * row];
  let inverse = stats[2u * row + 1u];
  if (PRODUCTS) {
    for (var c = lane; c < params.columns; c += SIZE) {
      dx[start + c] = dy[start + c] * (x[start + c] - mean) * inverse;
    }
    return;
  }
  var sums = vec2f();
  for (var c = lane; c < params.columns; c += SIZE) {
    let v = pair(start, c, mean, inverse);
    sums += vec2f(v.x, v.x * v.y);
  }
  let means = total(sums, lane) / f32(params.columns);
  for (var c = lane; c < params.columns; c += SIZE) {
    let v = pair(start, c, mean, inverse);
    dx[start + c] = inverse * (v.x - means.x - v.y * means.y);
  }
}
