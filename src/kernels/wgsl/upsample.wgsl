// y[n, i, j, c] = x resized to P x Q. Nearest: the pixel floor(i H / P), floor(j W / Q). BILINEAR: between the four
// pixels around ((i + 1/2) H / P - 1/2, ...), clamped at the border (PyTorch's align_corners = false).
// With GRADIENT, x is dy [N, P, Q, C] and y is dx [N, H, W, C]: each input pixel sums what the outputs took from it.
// One invocation computes one element of y, or with V = vec4f four neighbouring channels.

// Specialisation
const SIZE: u32 = 64u; // invocations per workgroup
const BILINEAR: bool = false;
const GRADIENT: bool = false;
alias V = vec4f; // f32 where the channels are not a multiple of four

struct Params {
  elements: u32, // in units of V, like the channels
  h: u32, w: u32, // size of the forward input
  p: u32, q: u32, // size of the forward output
  c: u32,
}

@group(0) @binding(0) var<storage, read> x: array<V>;
@group(0) @binding(1) var<storage, read_write> y: array<V>;
@group(0) @binding(2) var<uniform> params: Params;

// What output i takes along one axis: pixel `low` with 1 - weight and pixel `high` with weight.
struct Tap { low: u32, high: u32, weight: f32 }

fn tap(i: u32, size: u32, target_size: u32) -> Tap {
  if (!BILINEAR) {
    let low = i * size / target_size;
    return Tap(low, low, 0.0);
  }
  let position = max((f32(i) + 0.5) * (f32(size) / f32(target_size)) - 0.5, 0.0);
  let low = min(u32(position), size - 1u);
  return Tap(low, min(low + 1u, size - 1u), position - f32(low));
}

// The weight of pixel h in output i.
fn weightOf(i: u32, h: u32, size: u32, target_size: u32) -> f32 {
  let t = tap(i, size, target_size);
  return select(0.0, 1.0 - t.weight, t.low == h) + select(0.0, t.weight, t.high == h);
}

// The first output that may depend on pixel h, and one past the last.
fn reach(h: u32, size: u32, target_size: u32) -> vec2u {
  let scale = f32(target_size) / f32(size);
  let before = select(0.0, 1.5, BILINEAR);
  let first = max(floor((f32(h) - before) * scale) - 1.0, 0.0);
  let last = min(ceil((f32(h) + 1.0 + before) * scale) + 1.0, f32(target_size));
  return vec2u(u32(first), u32(last));
}

@compute @workgroup_size(SIZE)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let i = (group.y * groups.x + group.x) * SIZE + lane;
  if (i >= params.elements) { return; }
  let c = i % params.c;
  let columns = select(params.q, params.w, GRADIENT);
  let rows = select(params.p, params.h, GRADIENT);
  let column = (i / params.c) % columns;
  let row = (i / params.c / columns) % rows;
  let n = i / params.c / columns / rows;
  if (GRADIENT) {
    let down = reach(row, params.h, params.p);
    let across = reach(column, params.w, params.q);
    var sum = V();
    for (var a = down.x; a < down.y; a++) {
      let part = weightOf(a, row, params.h, params.p);
      if (part == 0.0) { continue; }
      for (var b = across.x; b < across.y; b++) {
        let weight = weightOf(b, column, params.w, params.q);
        if (weight != 0.0) { sum += part * weight * x[((n * params.p + a) * params.q + b) * params.c + c]; }
      }
    }
    y[i] = sum;
    return;
  }
  let v = tap(row, params.h, params.p);
  let u = tap(column, params.w, params.q);
  let top = (n * params.h + v.low) * params.w;
  if (!BILINEAR) {
    y[i] = x[(top + u.low) * params.c + c];
    return;
  }
  let bottom = (n * params.h + v.high) * params.w;
  let a = (1.0 - u.weight) * x[(top + u.low) * params.c + c] + u.weight * x[(top + u.high) * params.c + c];
  let b = (1.0 - u.weight) * x[(bottom + u.low) * params.c + c] + u.weight * x[(bottom + u.high) * params.c + c];
  y[i] = (1.0 - v.weight) * a + v.weight * b;
}
