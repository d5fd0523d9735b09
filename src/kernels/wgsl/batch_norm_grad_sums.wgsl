// For the rows of each split and every channel c: sums[split, c] of dy[row, c], and products[split, c] of
// dy[row, c] (x[row, c] - mean[c]), in one pass over both [N, rows, C]. Splits are of one image.
// With RELU, dy is the gradient of y = relu(...), which passes unless y is 0.
// One invocation handles one channel, or with V = vec4f four, of one split.

// Specialisation
const RELU: bool = false;
const SIZE: u32 = 64u; // invocations per workgroup
alias V = vec4f; // f32 where the channels are not a multiple of four

struct Params {
  images: u32,
  rows: u32, // of each image
  channels: u32, // in units of V
  splits: u32, perSplit: u32, // of each image: how many, and rows of each
}

@group(0) @binding(0) var<storage, read> dy: array<V>;
@group(0) @binding(1) var<storage, read> x: array<V>;
@group(0) @binding(2) var<storage, read> mean: array<V>;
@group(0) @binding(3) var<storage, read_write> sums: array<V>;
@group(0) @binding(4) var<storage, read_write> products: array<V>;
@group(0) @binding(5) var<storage, read> y: array<V>;
@group(0) @binding(6) var<uniform> params: Params;

// A NaN of y lets the gradient pass.
fn gradient(i: u32) -> V {
  if (RELU) { return select(dy[i], V(), y[i] <= V()); }
  return dy[i];
}

@compute @workgroup_size(SIZE)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let i = (group.y * groups.x + group.x) * SIZE + lane;
  if (i >= params.images * params.splits * params.channels) { return; }
  let c = params.channels;
  let image = i / c / params.splits * params.rows;
  let begin = image + i / c % params.splits * params.perSplit;
  let end = min(begin + params.perSplit, image + params.rows);
  let center = mean[i % c];
  var at = begin * c + i % c;
  var sum = V();
  var product = V();
  // Two rows at a time, so that their loads overlap.
  var row = begin;
  for (; row + 2u <= end; row += 2u) {
    let g0 = gradient(at);
    let g1 = gradient(at + c);
    sum += g0 + g1;
    product += g0 * (x[at] - center) + g1 * (x[at + c] - center);
    at += 2u * c;
  }
  if (row < end) {
    let g = gradient(at);
    sum += g;
    product += g * (x[at] - center);
  }
  sums[i] = sum;
  products[i] = product;
}
