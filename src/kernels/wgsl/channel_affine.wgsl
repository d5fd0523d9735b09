// y = relu(p u + q (v - mean) + r), with u and v [N, rows, C] and p, q, r, mean per channel [C], or per image and channel
// [N, C] with a stride: what batch and group normalisation apply, forward (U: the shortcut around a residual block,
// not scaled) and backward (U: the gradient, without ReLU). With MASK, u counts only where m is positive: the gradient of a
// ReLU that gave m.
// One invocation computes EACH rows of one channel, or with V = vec4f of four neighbouring channels, so that the factors are
// loaded once for all of them.

// Specialisation
const HAS_U: bool = true;
const HAS_P: bool = true; // otherwise u is added unscaled
const RELU: bool = false;
const MASK: bool = false;
const SIZE: u32 = 64u; // invocations per workgroup
const EACH: u32 = 8u;
alias V = vec4f; // f32 where the channels are not a multiple of four

struct Params {
  images: u32,
  rows: u32, // of an image
  blocks: u32, // rows / EACH, rounded up
  channels: u32, // in units of V
  stride: u32, // from one image's factors to the next: channels, or 0 if they share
}

@group(0) @binding(0) var<storage, read> u: array<V>;
@group(0) @binding(1) var<storage, read> p: array<V>;
@group(0) @binding(2) var<storage, read> v: array<V>;
@group(0) @binding(3) var<storage, read> mean: array<V>;
@group(0) @binding(4) var<storage, read> q: array<V>;
@group(0) @binding(5) var<storage, read> r: array<V>;
@group(0) @binding(6) var<storage, read> m: array<V>;
@group(0) @binding(7) var<storage, read_write> y: array<V>;
@group(0) @binding(8) var<uniform> params: Params;

// A NaN of m lets the gradient pass.
fn added(i: u32) -> V {
  if (MASK) { return select(u[i], V(), m[i] <= V()); }
  return u[i];
}

@compute @workgroup_size(SIZE)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let job = (group.y * groups.x + group.x) * SIZE + lane;
  if (job >= params.images * params.blocks * params.channels) { return; }
  let channel = job % params.channels;
  let block = job / params.channels % params.blocks;
  let image = job / params.channels / params.blocks;
  let c = image * params.stride + channel;
  let scale = q[c];
  let center = mean[c];
  let shift = r[c];
  var factor = V(1.0);
  if (HAS_P) { factor = p[c]; }
  let first = block * EACH;
  var i = (image * params.rows + first) * params.channels + channel;
  for (var row = first; row < min(first + EACH, params.rows); row++) {
    var result = scale * (v[i] - center) + shift;
    if (HAS_U && HAS_P) { result += factor * added(i); }
    if (HAS_U && !HAS_P) { result += added(i); }
    if (RELU) { result = select(result, V(), result < V()); } // a NaN stays a NaN
    y[i] = result;
    i += params.channels;
  }
}
