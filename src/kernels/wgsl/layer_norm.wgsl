// y = (x - mean) / sqrt(variance + eps) * gamma + beta, with mean and variance of each row of x [rows, columns] (Ba et al. 2016).
// stats[2 row] is the mean, stats[2 row + 1] is 1 / sqrt(variance + eps).
// One workgroup computes one row: sum, then distances from the mean and their squares, then y. The sum of the distances would be
// 0 if the mean were not rounded: it corrects both, so that equal elements are at distance 0 (Chan et al. 1983).

// Specialisation
const SIZE: u32 = 64u; // invocations per workgroup
const HAS_GAMMA: bool = true; // otherwise 1
const HAS_BETA: bool = true; // otherwise 0

struct Params {
  rows: u32,
  columns: u32,
  eps: f32,
}

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> gamma: array<f32>;
@group(0) @binding(2) var<storage, read> beta: array<f32>;
@group(0) @binding(3) var<storage, read_write> y: array<f32>;
@group(0) @binding(4) var<storage, read_write> stats: array<f32>;
@group(0) @binding(5) var<uniform> params: Params;

var<workgroup> parts: array<vec2f, SIZE>;

// The sums of two values of each invocation.
fn total(value: vec2f, lane: u32) -> vec2f {
  workgroupBarrier();
  parts[lane] = value;
  workgroupBarrier();
  for (var half = SIZE / 2u; half > 0u; half /= 2u) {
    if (lane < half) { parts[lane] += parts[lane + half]; }
    workgroupBarrier();
  }
  return parts[0];
}

@compute @workgroup_size(SIZE)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let row = group.y * groups.x + group.x;
  if (row >= params.rows) { return; }
  let start = row * params.columns;
  var sum = 0.0;
  for (var c = lane; c < params.columns; c += SIZE) { sum += x[start + c]; }
  let rounded = total(vec2f(sum), lane).x / f32(params.columns);
  var distances = vec2f();
  for (var c = lane; c < params.columns; c += SIZE) {
    let d = x[start + c] - rounded;
    distances += vec2f(d, d * d);
  }
  let moments = total(distances, lane) / f32(params.columns);
  let mean = rounded + moments.x;
  let inverse = 1.0 / sqrt(max(moments.y - moments.x * moments.x, 0.0) + params.eps);
  for (var c = lane; c < params.columns; c += SIZE) {
    var value = (x[start + c] - mean) * inverse;
    if (HAS_GAMMA) { value *= gamma[c]; }
    if (HAS_BETA) { value += beta[c]; }
    y[start + c] = value;
  }
  if (lane == 0u) {
    stats[2u * row] = mean;
    stats[2u * row + 1u] = inverse;
  }
}
