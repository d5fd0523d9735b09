// One step of Adam (Kingma and Ba 2015, algorithm 1), in place:
//   m = beta1 m + (1 - beta1) g;  v = beta2 v + (1 - beta2) g^2
//   p = p - lr / correction1 * m / (sqrt(v) / sqrt(correction2) + eps),  correction = 1 - beta^t
// Weight decay is added to g, or with DECOUPLED it shrinks p directly (AdamW, Loshchilov and Hutter 2019).
// One invocation updates four neighbouring parameters. Several tensors share a launch, one after the other: what is between
// SLOT and END is repeated for each, with its number instead of 0 (withSlots in wgsl.ts).

// Specialisation
const SIZE: u32 = 64u; // invocations per workgroup
const DECOUPLED: bool = false;

struct Params {
  /* SLOT */
  vectors0: u32, // parameters / 4, rounded up
  /* END */
  lr: f32,
  beta1: f32,
  beta2: f32,
  oneMinusBeta1: f32, // 1 - beta1, and
  oneMinusBeta2: f32, // 1 - beta2: in float32 the difference would lose digits
  eps: f32,
  weightDecay: f32,
  stepSize: f32, // lr / correction1
  rootCorrection2: f32,
}

/* SLOT */
@group(0) @binding(0) var<storage, read> g0: array<vec4f>;
@group(0) @binding(1) var<storage, read_write> m0: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> v0: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> p0: array<vec4f>;
/* END */
@group(0) @binding(4) var<uniform> params: Params;

struct State {
  m: vec4f,
  v: vec4f,
  p: vec4f,
}

fn step(g: vec4f, m: vec4f, v: vec4f, p: vec4f) -> State {
  var value = p;
  var d = g;
  if (DECOUPLED) {
    value *= 1.0 - params.lr * params.weightDecay;
  } else {
    d += params.weightDecay * value;
  }
  let first = params.beta1 * m + params.oneMinusBeta1 * d;
  let second = params.beta2 * v + params.oneMinusBeta2 * d * d;
  value -= params.stepSize * first / (sqrt(second) / params.rootCorrection2 + params.eps);
  return State(first, second, value);
}

@compute @workgroup_size(SIZE)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32) {
  var i = (group.y * groups.x + group.x) * SIZE + lane;
  /* SLOT */
  if (i < params.vectors0) {
    let next = step(g0[i], m0[i], v0[i], p0[i]);
    m0[i] = next.m;
    v0[i] = next.v;
    p0[i] = next.p;
    return;
  }
  i -= params.vectors0;
  /* END */
}
