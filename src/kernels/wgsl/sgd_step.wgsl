// One step of stochastic gradient descent with momentum, in place (PyTorch's form of Sutskever et al. 2013):
//   d = g + weightDecay p;  m = momentum m + (1 - dampening) d;  p = p - lr (NESTEROV ? d + momentum m : m)
// Without MOMENTUM, p = p - lr d and m is untouched. In the FIRST step m = d.
// One invocation updates four neighbouring parameters.

// Specialisation
const SIZE: u32 = 64u; // invocations per workgroup
const MOMENTUM: bool = true;
const NESTEROV: bool = false;
const FIRST: bool = false; // m holds nothing yet

struct Params {
  vectors: u32, // parameters / 4, rounded up
  lr: f32,
  momentum: f32,
  dampening: f32,
  weightDecay: f32,
}

@group(0) @binding(0) var<storage, read> g: array<vec4f>;
@group(0) @binding(1) var<storage, read_write> m: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> p: array<vec4f>;
@group(0) @binding(3) var<uniform> params: Params;

@compute @workgroup_size(SIZE)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let i = (group.y * groups.x + group.x) * SIZE + lane;
  if (i >= params.vectors) { return; }
  var d = g[i] + params.weightDecay * p[i];
  if (MOMENTUM) {
    var velocity = d;
    if (!FIRST) { velocity = params.momentum * m[i] + (1.0 - params.dampening) * d; }
    m[i] = velocity;
    d = select(velocity, d + params.momentum * velocity, NESTEROV);
  }
  p[i] -= params.lr * d;
}
