// The gradients of batch normalisation of few rows in one launch, from stats [3, C] = mean, inverse and scale
// (batch_norm_few_rows.wgsl), over n rows of x and dy [n, C]:
//   dbeta = sum dy,  dgamma = inverse sum dy (x - mean),  dx = scale (dy - dbeta / n - inverse (x - mean) dgamma / n)
// With MASK, dy is the gradient of y = relu(...), which passes unless y is 0; with ADDED, too, that is written to du: the gradient of
// what was added before the ReLU.
// A workgroup handles COLUMNS neighbouring vectors of channels, which are read twice: for the sums and for dx. Its invocations
// share the rows, and add their sums as a tree in workgroup memory.

// Specialisation
const MASK: bool = false;
const ADDED: bool = false;
const COLUMNS: u32 = 2u; // vectors of channels per workgroup
const LANES: u32 = 128u; // invocations per vector; a power of two
alias V = vec4f; // f32 where the channels are not a multiple of four

struct Params {
  rows: u32,
  channels: u32, // in units of V
}

@group(0) @binding(0) var<storage, read> dy: array<V>;
@group(0) @binding(1) var<storage, read> y: array<V>; // any tensor without MASK
@group(0) @binding(2) var<storage, read> x: array<V>;
@group(0) @binding(3) var<storage, read> stats: array<V>;
@group(0) @binding(4) var<storage, read_write> dx: array<V>;
@group(0) @binding(5) var<storage, read_write> dgamma: array<V>;
@group(0) @binding(6) var<storage, read_write> dbeta: array<V>;
@group(0) @binding(7) var<storage, read_write> du: array<V>;
@group(0) @binding(8) var<uniform> params: Params;

var<workgroup> sums: array<V, COLUMNS * LANES>;
var<workgroup> products: array<V, COLUMNS * LANES>;

// A NaN of y lets the gradient pass.
fn gradient(i: u32) -> V {
  if (MASK) { return select(dy[i], V(), y[i] <= V()); }
  return dy[i];
}

@compute @workgroup_size(COLUMNS * LANES)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) local: u32) {
  let c = group.x * COLUMNS + local % COLUMNS;
  let lane = local / COLUMNS;
  // Barriers are for all invocations: those past the last channel have no rows.
  let rows = select(0u, params.rows, c < params.channels);
  let center = stats[min(c, params.channels - 1u)];
  var sum = V();
  var product = V();
  for (var row = lane; row < rows; row += LANES) {
    let i = row * params.channels + c;
    let g = gradient(i);
    sum += g;
    product += g * (x[i] - center);
  }
  sums[local] = sum;
  products[local] = product;
  workgroupBarrier();
  for (var half = LANES / 2u; half > 0u; half /= 2u) {
    if (local < half * COLUMNS) {
      sums[local] += sums[local + half * COLUMNS];
      products[local] += products[local + half * COLUMNS];
    }
    workgroupBarrier();
  }
  if (rows == 0u) { return; }
  let n = f32(params.rows);
  let inverse = stats[params.channels + c];
  let scale = stats[2u * params.channels + c];
  let total = sums[local % COLUMNS];
  let factor = inverse * products[local % COLUMNS];
  let q = -scale * inverse * factor / n;
  let r = -scale * total / n;
  for (var row = lane; row < rows; row += LANES) {
    let i = row * params.channels + c;
    let g = gradient(i);
    dx[i] = scale * g + (q * (x[i] - center) + r);
    if (ADDED) { du[i] = g; }
  }
  if (lane > 0u) { return; }
  dgamma[c] = factor;
  dbeta[c] = total;
}
