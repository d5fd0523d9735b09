// One step of RMSprop (Tieleman and Hinton 2012) in PyTorch's form, in place:
//   d = g + weightDecay p;  v = alpha v + (1 - alpha) d^2;  u = d / (sqrt(v) + eps);  m = momentum m + u;  p = p - lr m
// Without MOMENTUM, p = p - lr u and m is untouched.
// One invocation updates four neighbouring parameters. Several tensors share a launch, one after the other: what is between
// SLOT and END is repeated for each, with its number instead of 0 (withSlots in wgsl.ts).

// Specialisation
const SIZE: u32 = 64u; // invocations per workgroup
const MOMENTUM: bool = false;

struct Params {
  /* SLOT */
  vectors0: u32, // parameters / 4, rounded up
  /* END */
  lr: f32,
  alpha: f32,
  oneMinusAlpha: f32, // in float32 the difference would lose digits
  eps: f32,
  weightDecay: f32,
  momentum: f32,
}

/* SLOT */
@group(0) @binding(0) var<storage, read> g0: array<vec4f>;
@group(0) @binding(1) var<storage, read_write> v0: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> m0: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> p0: array<vec4f>;
/* END */
@group(0) @binding(4) var<uniform> params: Params;

struct State {
  v: vec4f,
  m: vec4f,
  p: vec4f,
}

fn step(g: vec4f, v: vec4f, m: vec4f, p: vec4f) -> State {
  let d = g + params.weightDecay * p;
  let squares = params.alpha * v + params.oneMinusAlpha * d * d;
  var update = d / (sqrt(squares) + params.eps);
  if (MOMENTUM) { update += params.momentum * m; }
  return State(squares, update, p - params.lr * update);
}

@compute @workgroup_size(SIZE)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32) {
  var i = (group.y * groups.x + group.x) * SIZE + lane;
  /* SLOT */
  if (i < params.vectors0) {
    let next = step(g0[i], v0[i], m0[i], p0[i]);
    v0[i] = next.v;
    if (MOMENTUM) { m0[i] = next.m; }
    p0[i] = next.p;
    return;
  }
  i -= params.vectors0;
  /* END */
}
