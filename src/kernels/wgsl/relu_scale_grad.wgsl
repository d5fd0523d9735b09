// dx = scale dy where y is not 0, otherwise 0: the gradient of y = relu(scale x + ...), with y and dy [rows, C] and scale [C].
// A NaN of y lets the gradient pass. One invocation computes EACH rows of one channel, or with V = vec4f of four.

// Specialisation
const SIZE: u32 = 64u; // invocations per workgroup
const EACH: u32 = 8u;
alias V = vec4f; // f32 where the channels are not a multiple of four

struct Params {
  rows: u32,
  channels: u32, // in units of V
}

@group(0) @binding(0) var<storage, read> dy: array<V>;
@group(0) @binding(1) var<storage, read> y: array<V>;
@group(0) @binding(2) var<storage, read> scale: array<V>;
@group(0) @binding(3) var<storage, read_write> dx: array<V>;
@group(0) @binding(4) var<uniform> params: Params;

@compute @workgroup_size(SIZE)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let job = (group.y * groups.x + group.x) * SIZE + lane;
  let c = job % params.channels;
  let first = job / params.channels * EACH;
  let factor = scale[c];
  var i = first * params.channels + c;
  for (var row = first; row < min(first + EACH, params.rows); row++) {
    dx[i] = select(factor * dy[i], V(), y[i] <= V());
    i += params.channels;
  }
}
