// y[o, j, i] = x[o, indices[j], i]; an index outside 0 .. extent - 1 gives the value `outside`.
// One invocation computes one element of y.

// Specialisation
const SIZE: u32 = 64u; // invocations per workgroup
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
  let j = (at / params.inner) % params.count;
  let o = at / params.inner / params.count;
  let index = indices[j];
  if (index < 0 || index >= i32(params.extent)) {
    y[at] = bitcast<T>(params.outside);
  } else {
    y[at] = x[(o * params.extent + u32(index)) * params.inner + i];
  }
}
