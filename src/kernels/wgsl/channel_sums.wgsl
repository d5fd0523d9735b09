// y[n, split, c] = sum over the rows of one split of image n of f(row, c): the statistics that normalisation layers need.
//   OP 0: v    OP 1: (v - mean)^2    OP 2: u (v - mean)    OP 3: v - mean
// v and u are [N, rows, C], mean is [C], or [N, C] with a stride. Splits take every splits-th row; their sums are added
// by reduce.wgsl. Subtracting the mean before squaring keeps precision where the mean is large against the deviation.
// One invocation handles one channel, or with V = vec4f four, of one split.

// Specialisation
const OP: u32 = 0u;
const SIZE: u32 = 64u; // invocations per workgroup
alias V = vec4f; // f32 where the channels are not a multiple of four

struct Params {
  images: u32,
  rows: u32,
  channels: u32, // in units of V
  splits: u32,
  meanStride: u32, // from one image's means to the next: channels, or 0 if they share
}

@group(0) @binding(0) var<storage, read> v: array<V>;
@group(0) @binding(1) var<storage, read> u: array<V>;
@group(0) @binding(2) var<storage, read> mean: array<V>;
@group(0) @binding(3) var<storage, read_write> y: array<V>;
@group(0) @binding(4) var<uniform> params: Params;

@compute @workgroup_size(SIZE)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let i = (group.y * groups.x + group.x) * SIZE + lane;
  if (i >= params.images * params.splits * params.channels) { return; }
  let c = i % params.channels;
  let split = (i / params.channels) % params.splits;
  let n = i / params.channels / params.splits;
  var center = V();
  if (OP != 0u) { center = mean[n * params.meanStride + c]; }
  var result = V();
  for (var row = split; row < params.rows; row += params.splits) {
    let at = (n * params.rows + row) * params.channels + c;
    switch OP {
      case 0u: { result += v[at]; }
      case 1u: {
        let d = v[at] - center;
        result += d * d;
      }
      case 2u: { result += u[at] * (v[at] - center); }
      default: { result += v[at] - center; }
    }
  }
  y[i] = result;
}
