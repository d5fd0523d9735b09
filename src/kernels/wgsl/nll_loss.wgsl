// Negative log-likelihood of one target class per row, for log-probabilities x [rows, classes] and weights w [classes]:
//   LOSS: y[row] = -w[t] x[row, t];  WEIGHTS: y[row] = w[t];  GRADIENT: y[row, c] = -w[t] dy[row] where c = t, otherwise 0.
// A row whose target is `ignored` gives 0 everywhere. A target that is no class gives NaN as loss and 0 elsewhere.
// One invocation computes one element of y.

// Specialisation
const SIZE: u32 = 64u; // invocations per workgroup
const KIND: u32 = 0u;
const WEIGHTED: bool = false; // otherwise all weights are 1

const LOSS: u32 = 0u;
const WEIGHTS: u32 = 1u;
const GRADIENT: u32 = 2u;

struct Params {
  elements: u32, // of y
  classes: u32,
  ignored: i32,
  nan: u32, // its bits; WGSL has no constant NaN
}

@group(0) @binding(0) var<storage, read> x: array<f32>; // dy for the gradient, not read for WEIGHTS
@group(0) @binding(1) var<storage, read> targets: array<i32>;
@group(0) @binding(2) var<storage, read> w: array<f32>; // only read if WEIGHTED
@group(0) @binding(3) var<storage, read_write> y: array<f32>;
@group(0) @binding(4) var<uniform> params: Params;

@compute @workgroup_size(SIZE)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let i = (group.y * groups.x + group.x) * SIZE + lane;
  if (i >= params.elements) { return; }
  var row = i;
  if (KIND == GRADIENT) { row = i / params.classes; }
  let wanted = targets[row];
  let isIgnored = wanted == params.ignored;
  if (isIgnored || wanted < 0 || u32(wanted) >= params.classes) {
    y[i] = 0.0;
    if (KIND == LOSS && !isIgnored) { y[i] = bitcast<f32>(params.nan); }
    return;
  }
  var weight = 1.0;
  if (WEIGHTED) { weight = w[wanted]; }
  if (KIND == LOSS) {
    y[i] = -weight * x[row * params.classes + u32(wanted)];
  } else if (KIND == WEIGHTS) {
    y[i] = weight;
  } else {
    y[i] = select(0.0, -weight * x[row], u32(wanted) == i % params.classes);
  }
}
