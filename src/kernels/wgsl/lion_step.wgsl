// One step of Lion (Chen et al. 2023, algorithm 2), in place:
//   u = sign(beta1 m + (1 - beta1) g);  p = p - lr (u + weightDecay p);  m = beta2 m + (1 - beta2) g
// A NaN stays one: sign(NaN) may be a number, and a step that ignores it would hide it.
// One invocation updates four neighbouring parameters. Several tensors share a launch, one after the other: what is between
// SLOT and END is repeated for each, with its number instead of 0 (withSlots in wgsl.ts).

// Specialisation
const SIZE: u32 = 64u; // invocations per workgroup

struct Params {
  /* SLOT */
  vectors0: u32, // parameters / 4, rounded up
  /* END */
  lr: f32,
  beta1: f32,
  beta2: f32,
  oneMinusBeta1: f32, // in float32 the differences would lose digits
  oneMinusBeta2: f32,
  weightDecay: f32,
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
  let c = params.beta1 * m + params.oneMinusBeta1 * g;
  // By bits: drivers may take c != c for false.
  let isNan = (bitcast<vec4u>(c) & vec4u(0x7fffffffu)) > vec4u(0x7f800000u);
  let update = select(sign(c), c, isNan);
  return State(params.beta2 * m + params.oneMinusBeta2 * g, p - params.lr * (update + params.weightDecay * p));
}

@compute @workgroup_size(SIZE)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32) {
  var i = (group.y * groups.x + group.x) * SIZE + lane;
  /* SLOT */
  if (i < params.vectors0) {
    let next = step(g0[i], m0[i], p0[i]);
    m0[i] = next.m;
    p0[i] = next.p;
    return;
  }
  i -= params.vectors0;
  /* END */
}
