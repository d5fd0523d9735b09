// For the rows of each split and every channel c: their mean, moments[split, 0, c], and the sum of (x - mean)^2,
// moments[split, 1, c], in one pass over x [N, rows, C]. Splits are of one image.
// Sums are taken of x minus its first row in the split, so that a mean that is large against the deviation costs no
// precision: with d = x - first, sum (x - mean)^2 = sum d^2 - (sum d)^2 / n.
// One invocation handles one channel, or with V = vec4f four, of one split.

// Specialisation
const SIZE: u32 = 64u; // invocations per workgroup
alias V = vec4f; // f32 where the channels are not a multiple of four

struct Params {
  images: u32,
  rows: u32, // of each image
  channels: u32, // in units of V
  splits: u32, perSplit: u32, // of each image: how many, and rows of each
}

@group(0) @binding(0) var<storage, read> x: array<V>;
@group(0) @binding(1) var<storage, read_write> moments: array<V>;
@group(0) @binding(2) var<uniform> params: Params;

@compute @workgroup_size(SIZE)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let i = (group.y * groups.x + group.x) * SIZE + lane;
  if (i >= params.images * params.splits * params.channels) { return; }
  let c = params.channels;
  let image = i / c / params.splits * params.rows;
  let begin = image + i / c % params.splits * params.perSplit;
  let end = min(begin + params.perSplit, image + params.rows);
  var at = begin * c + i % c;
  let first = x[at];
  var sum = V();
  var sumSquares = V();
  // Four rows at a time, so that their loads overlap.
  var row = begin;
  for (; row + 4u <= end; row += 4u) {
    let d0 = x[at] - first;
    let d1 = x[at + c] - first;
    let d2 = x[at + 2u * c] - first;
    let d3 = x[at + 3u * c] - first;
    at += 4u * c;
    sum += (d0 + d1) + (d2 + d3);
    sumSquares += (d0 * d0 + d1 * d1) + (d2 * d2 + d3 * d3);
  }
  for (; row < end; row++) {
    let d = x[at] - first;
    at += c;
    sum += d;
    sumSquares += d * d;
  }
  let n = f32(end - begin);
  let result = i / c * 2u * c + i % c;
  moments[result] = first + sum / n;
  moments[result + c] = max(sumSquares - sum * sum / n, V());
}
