// One step of stochastic gradient descent with momentum, in place (PyTorch's form of Sutskever et al. 2013):
//   d = g + weightDecay p;  m = momentum m + (1 - dampening) d;  p = p - lr (NESTEROV ? d + momentum m : m)
// Without MOMENTUM, p = p - lr d and m is untouched. In the first step m = d.
// One invocation updates four neighbouring parameters. Several tensors share a launch, one after the other: what is between
// SLOT and END is repeated for each, with its number instead of 0 (withSlots in wgsl.ts).

// Specialisation
const SIZE: u32 = 64u; // invocations per workgroup
const MOMENTUM: bool = true;
const NESTEROV: bool = false;

struct Params {
  /* SLOT */
  vectors0: u32, // parameters / 4, rounded up
  /* END */
  lr: f32,
  momentum: f32,
  dampening: f32,
  weightDecay: f32,
  first: u32, // whether m holds nothing yet
}

/* SLOT */
@group(0) @binding(0) var<storage, read> g0: array<vec4f>;
@group(0) @binding(1) var<storage, read_write> m0: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> p0: array<vec4f>;
/* END */
@group(0) @binding(3) var<uniform> params: Params;

struct State {
  m: vec4f,
  p: vec4f,
}

fn step(g: vec4f, m: vec4f, p: vec4f) -> State {
  var d = g + params.weightDecay * p;
  var velocity = m;
  if (MOMENTUM) {
    velocity = select(params.momentum * m + (1.0 - params.dampening) * d, d, params.first != 0u);
    d = select(velocity, d + params.momentum * velocity, NESTEROV);
  }
  return State(velocity, p - params.lr * d);
}

@compute @workgroup_size(SIZE)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32) {
  var i = (group.y * groups.x + group.x) * SIZE + lane;
  /* SLOT */
  if (i < params.vectors0) {
    let next = step(g0[i], m0[i], p0[i]);
    if (MOMENTUM) { m0[i] = next.m; }
    p0[i] = next.p;
    return;
  }
  i -= params.vectors0;
  /* END */
}
