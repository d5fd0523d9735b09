// From the mean and the sum of squares of each split of the rows, those of all rows (Chan, Golub and LeVeque 1979):
//   mean = sum of n_i mean_i / n,  variance = (sum of squares_i + n_i (mean_i - mean)^2) / n
// and what normalising with them needs: inverse = 1 / sqrt(variance + eps), scale = gamma inverse.
// With UPDATE, also the running statistics: running = old running + weight of the batch (mean or variance).
// One invocation handles one channel, or with V = vec4f four.

// Specialisation
const UPDATE: bool = true;
const SIZE: u32 = 64u; // invocations per workgroup
alias V = vec4f; // f32 where the channels are not a multiple of four

struct Params {
  images: u32,
  rows: u32, // of each image
  channels: u32, // in units of V
  splits: u32, perSplit: u32, // of each image: how many, and rows of each
  eps: f32,
  old: f32, meanWeight: f32, varWeight: f32, // of the running statistics
}

@group(0) @binding(0) var<storage, read> moments: array<V>; // [N, splits, 2, C]
@group(0) @binding(1) var<storage, read> gamma: array<V>;
@group(0) @binding(2) var<storage, read_write> mean: array<V>;
@group(0) @binding(3) var<storage, read_write> variance: array<V>;
@group(0) @binding(4) var<storage, read_write> inverse: array<V>;
@group(0) @binding(5) var<storage, read_write> scale: array<V>;
@group(0) @binding(6) var<storage, read_write> runningMean: array<V>;
@group(0) @binding(7) var<storage, read_write> runningVar: array<V>;
@group(0) @binding(8) var<uniform> params: Params;

fn rowsOf(split: u32) -> f32 {
  return f32(min(params.perSplit, params.rows - split % params.splits * params.perSplit));
}

@compute @workgroup_size(SIZE)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let c = id.x;
  if (c >= params.channels) { return; }
  let n = f32(params.images * params.rows);
  // Differences from the first split's mean keep precision, as in batch_norm_statistics.wgsl.
  let first = moments[c];
  var sum = V();
  var total = V();
  for (var split = 0u; split < params.images * params.splits; split++) {
    sum += rowsOf(split) * (moments[2u * split * params.channels + c] - first);
  }
  let center = first + sum / n;
  for (var split = 0u; split < params.images * params.splits; split++) {
    let at = 2u * split * params.channels + c;
    let d = moments[at] - center;
    total += moments[at + params.channels] + rowsOf(split) * d * d;
  }
  let spread = total / n;
  let root = V(1.0) / sqrt(spread + params.eps);
  mean[c] = center;
  variance[c] = spread;
  inverse[c] = root;
  scale[c] = gamma[c] * root;
  if (UPDATE) {
    runningMean[c] = params.meanWeight * center + params.old * runningMean[c];
    runningVar[c] = params.varWeight * spread + params.old * runningVar[c];
  }
}
