// Focal loss of logits against one target class per row (Lin et al. 2017, equation 5), element by element:
//   loss = alpha_t (1 - p_t)^gamma BCE(x, t),  t = 1 for the target class, otherwise 0,
//   p_t = t ? p : 1 - p,  alpha_t = t ? alpha : 1 - alpha,  p = sigmoid(x),
// computed from logits so that it stays finite and precise for any x. A row with target -1 is background (all t = 0);
// with target IGNORED its loss is 0. Any other target that is no class gives NaN, as loss only. With GRADIENT the kernel
// returns dy * d loss / dx instead.
// One invocation computes one element of [rows, classes].

// Specialisation
const SIZE: u32 = 64u; // invocations per workgroup
const GRADIENT: bool = false;
const IGNORED: i32 = -2;

struct Params {
  elements: u32,
  classes: u32,
  alpha: f32, // negative: no weighting
  gamma: f32,
  nan: u32, // its bits; WGSL has no constant NaN
}

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> targets: array<i32>;
@group(0) @binding(2) var<storage, read> dy: array<f32>; // only read for the gradient
@group(0) @binding(3) var<storage, read_write> y: array<f32>;
@group(0) @binding(4) var<uniform> params: Params;

// log(1 + e) for 0 <= e <= 1, as in unary.wgsl.
fn log1p(e: f32) -> f32 {
  let s = e / (2.0 + e);
  let z = s * s;
  return 2.0 * s * (1.0 + z * (1.0 / 3.0 + z * (0.2 + z * (1.0 / 7.0 + z * (1.0 / 9.0 + z * (1.0 / 11.0 + z / 13.0))))));
}

@compute @workgroup_size(SIZE)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let i = (group.y * groups.x + group.x) * SIZE + lane;
  if (i >= params.elements) { return; }
  let wanted = targets[i / params.classes];
  if (wanted < -1 || wanted >= i32(params.classes)) {
    y[i] = 0.0;
    if (!GRADIENT && wanted != IGNORED) { y[i] = bitcast<f32>(params.nan); }
    return;
  }
  let positive = wanted == i32(i % params.classes);
  // For a positive the loss is that of a negative at -x.
  let v = select(x[i], -x[i], positive);
  let e = exp(-abs(v));
  let bce = max(v, 0.0) + log1p(e);
  // q = 1 - p_t = sigmoid(v), and p_t, both without cancellation.
  let q = select(1.0, e, v < 0.0) / (1.0 + e);
  let p = select(e, 1.0, v < 0.0) / (1.0 + e);
  var weight = 1.0;
  if (params.alpha >= 0.0) { weight = select(1.0 - params.alpha, params.alpha, positive); }
  // q^gamma; pow(0, 0) must be 1.
  var modulation = 1.0;
  if (params.gamma == 2.0) { modulation = q * q; } else if (params.gamma != 0.0) { modulation = pow(q, params.gamma); }
  if (GRADIENT) {
    // d/dv [q^gamma bce] = q^gamma (gamma (1 - q) bce + q)
    let slope = weight * modulation * (params.gamma * p * bce + q);
    y[i] = dy[i] * select(slope, -slope, positive);
  } else {
    y[i] = weight * modulation * bce;
  }
}
