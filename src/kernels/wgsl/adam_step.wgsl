// One step of Adam (Kingma and Ba 2015, algorithm 1), in place:
//   m = beta1 m + (1 - beta1) g;  v = beta2 v + (1 - beta2) g^2
//   p = p - lr / correction1 * m / (sqrt(v) / sqrt(correction2) + eps),  correction = 1 - beta^t
// Weight decay is added to g, or with DECOUPLED it shrinks p directly (AdamW, Loshchilov and Hutter 2019).
// One invocation updates four neighbouring parameters.

// Specialisation
const SIZE: u32 = 64u; // invocations per workgroup
const DECOUPLED: bool = false;

struct Params {
  vectors: u32, // parameters / 4, rounded up
  lr: f32,
  beta1: f32,
  beta2: f32,
  rest1: f32, // 1 - beta1, and
  rest2: f32, // 1 - beta2: in float32 the difference would lose digits
  eps: f32,
  weightDecay: f32,
  stepSize: f32, // lr / correction1
  rootCorrection2: f32,
}

@group(0) @binding(0) var<storage, read> g: array<vec4f>;
@group(0) @binding(1) var<storage, read_write> m: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> v: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> p: array<vec4f>;
@group(0) @binding(4) var<uniform> params: Params;

@compute @workgroup_size(SIZE)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let i = (group.y * groups.x + group.x) * SIZE + lane;
  if (i >= params.vectors) { return; }
  var value = p[i];
  var d = g[i];
  if (DECOUPLED) {
    value *= 1.0 - params.lr * params.weightDecay;
  } else {
    d += params.weightDecay * value;
  }
  let first = params.beta1 * m[i] + params.rest1 * d;
  let second = params.beta2 * v[i] + params.rest2 * d * d;
  m[i] = first;
  v[i] = second;
  p[i] = value - params.stepSize * first / (sqrt(second) / params.rootCorrection2 + params.eps);
}
