// y[o, j, i] = x[o, indices[j], i]; an index outside 0 .. extent - 1 gives the value `outside`.
// With GRADIENT, x is dy and y is dx: dx[o, a, i] = sum of dy[o, j, i] over the j with indices[j] = a. Each element of dx
// searches the indices, so that repeated ones need no atomics.
// One invocation computes one element of y.

// Specialisation
const SIZE: u32 = 64u; // invocations per workgroup
const GRADIENT: bool = false;
alias T = f32; // element type

struct Params {
  elements: u32,
  extent: u32,
  count: u32, // indices
  inner: u32,
  outside: u32, // its bits
}

@group(0) @binding(0) var<storage, read> x: array<T>;
@group(0) @binding(1) var<storage, read> indices: array<i32>;
@group(0) @binding(2) var<storage, read_write> y: array<T>;
@group(0) @binding(3) var<uniform> params: Params;

@compute @workgroup_size(SIZE)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let at = (group.y * groups.x + group.x) * SIZE + lane;
  if (at >= params.elements) { return; }
  let i = at % params.inner;
  if (GRADIENT) {
    let a = i32((at / params.inner) % params.extent);
    let base = at / params.inner / params.extent * params.count * params.inner + i;
    var sum = T();
    for (var j = 0u; j < params.count; j++) {
      if (indices[j] == a) { sum += x[base + j * params.inner]; }
    }
    y[at] = sum;
    return;
  }
  let j = (at / params.inner) % params.count;
  let o = at / params.inner / params.count;
  let index = indices[j];
  if (index < 0 || index >= i32(params.extent)) {
    y[at] = bitcast<T>(params.outside);
  } else {
    y[at] = x[(o * params.extent + u32(index)) * params.inner + i];
  }
}
