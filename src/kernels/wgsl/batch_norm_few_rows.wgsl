// Batch normalisation of few rows in one launch: y = relu(gamma (x - mean) / sqrt(variance + eps) + beta + u), with the mean and
// the variance of each channel over the rows of x [rows, C], and what the gradient needs of them:
// stats [3, C] = mean, inverse = 1 / sqrt(variance + eps), scale = gamma inverse.
// A workgroup handles COLUMNS neighbouring vectors of channels, which are read three times: for the mean (of x minus its first
// row, so that a mean that is large against the deviation costs no precision), for the variance, and for y. Its invocations
// share the rows, and add their sums as a tree in workgroup memory.

// Specialisation
const UPDATE: bool = true; // whether a and b are the running mean and variance, to update; otherwise those of the batch
const HAS_U: bool = true;
const RELU: bool = false;
const COLUMNS: u32 = 2u; // vectors of channels per workgroup
const LANES: u32 = 128u; // invocations per vector; a power of two
alias V = vec4f; // f32 where the channels are not a multiple of four

struct Params {
  rows: u32,
  channels: u32, // in units of V
  eps: f32,
  old: f32, meanWeight: f32, varWeight: f32, // of the running statistics: running = old running + weight of the batch
}

@group(0) @binding(0) var<storage, read> x: array<V>;
@group(0) @binding(1) var<storage, read> gamma: array<V>;
@group(0) @binding(2) var<storage, read> beta: array<V>;
@group(0) @binding(3) var<storage, read> u: array<V>; // any tensor without HAS_U
@group(0) @binding(4) var<storage, read_write> y: array<V>;
@group(0) @binding(5) var<storage, read_write> stats: array<V>;
@group(0) @binding(6) var<storage, read_write> a: array<V>;
@group(0) @binding(7) var<storage, read_write> b: array<V>;
@group(0) @binding(8) var<uniform> params: Params;

var<workgroup> sums: array<V, COLUMNS * LANES>;

// The sum of the values of all lanes of a column.
fn total(value: V, local: u32) -> V {
  sums[local] = value;
  workgroupBarrier();
  for (var half = LANES / 2u; half > 0u; half /= 2u) {
    if (local < half * COLUMNS) { sums[local] += sums[local + half * COLUMNS]; }
    workgroupBarrier();
  }
  let result = sums[local % COLUMNS];
  workgroupBarrier();
  return result;
}

@compute @workgroup_size(COLUMNS * LANES)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) local: u32) {
  let c = group.x * COLUMNS + local % COLUMNS;
  let lane = local / COLUMNS;
  // Barriers are for all invocations: those past the last channel have no rows.
  let rows = select(0u, params.rows, c < params.channels);
  let n = f32(params.rows);
  let first = x[min(c, params.channels - 1u)];
  var sum = V();
  for (var row = lane; row < rows; row += LANES) { sum += x[row * params.channels + c] - first; }
  let center = first + total(sum, local) / n;
  var squares = V();
  for (var row = lane; row < rows; row += LANES) {
    let d = x[row * params.channels + c] - center;
    squares += d * d;
  }
  let spread = total(squares, local) / n;
  if (rows == 0u) { return; }
  let root = V(1.0) / sqrt(spread + params.eps);
  let scale = gamma[c] * root;
  let shift = beta[c];
  for (var row = lane; row < rows; row += LANES) {
    let i = row * params.channels + c;
    var result = scale * (x[i] - center) + shift;
    if (HAS_U) { result += u[i]; }
    if (RELU) { result = select(result, V(), result < V()); } // a NaN stays a NaN
    y[i] = result;
  }
  if (lane > 0u) { return; }
  stats[c] = center;
  stats[params.channels + c] = root;
  stats[2u * params.channels + c] = scale;
  if (UPDATE) {
    a[c] = params.meanWeight * center + params.old * a[c];
    b[c] = params.varWeight * spread + params.old * b[c];
  } else {
    a[c] = center;
    b[c] = spread;
  }
}
