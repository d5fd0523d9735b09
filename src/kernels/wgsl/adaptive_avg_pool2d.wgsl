// y[n, p, q, c] = mean of x[n, h, w, c] over floor(p H / P) <= h < ceil((p + 1) H / P) and the same range of columns: as many
// windows as wanted, of nearly equal sizes, which cover the image and overlap where P does not divide H (PyTorch's rule).
// With GRADIENT, x is dy [N, P, Q, C] and y is dx [N, H, W, C]: a pixel h lies in the windows of floor(h P / H) <= p <
// ceil((h + 1) P / H), the same rule with the sizes swapped, and sums their gradients, each divided by the size of its window.
// One invocation computes one element of y, or with V = vec4f four neighbouring channels.

// Specialisation
const SIZE: u32 = 64u; // invocations per workgroup
const GRADIENT: bool = false;
alias V = vec4f; // f32 where the channels are not a multiple of four

struct Params {
  elements: u32, // of y, in units of V, like the channels
  h: u32, w: u32, // size of x
  p: u32, q: u32, // size of y
  c: u32,
}

@group(0) @binding(0) var<storage, read> x: array<V>;
@group(0) @binding(1) var<storage, read_write> y: array<V>;
@group(0) @binding(2) var<uniform> params: Params;

// The first of `size` pixels in window i of `windows`, and one past the last.
fn window(i: u32, size: u32, windows: u32) -> vec2u {
  return vec2u(i * size / windows, ((i + 1u) * size + windows - 1u) / windows);
}

fn length(range: vec2u) -> f32 { return f32(range.y - range.x); }

@compute @workgroup_size(SIZE)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let i = (group.y * groups.x + group.x) * SIZE + lane;
  if (i >= params.elements) { return; }
  let c = i % params.c;
  let column = i / params.c % params.q;
  let row = i / params.c / params.q % params.p;
  let n = i / params.c / params.q / params.p;
  let down = window(row, params.h, params.p);
  let across = window(column, params.w, params.q);
  var sum = V();
  for (var a = down.x; a < down.y; a++) {
    for (var b = across.x; b < across.y; b++) {
      var value = x[((n * params.h + a) * params.w + b) * params.c + c];
      if (GRADIENT) { value /= length(window(a, params.p, params.h)) * length(window(b, params.q, params.w)); }
      sum += value;
    }
  }
  if (!GRADIENT) { sum /= length(down) * length(across); }
  y[i] = sum;
}
