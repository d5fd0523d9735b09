// y[i] = start + i * step: a constant when step is 0, otherwise a range.
// One invocation writes one element.

// Specialisation
const SIZE: u32 = 64u; // invocations per workgroup
alias T = f32; // element type

struct Params {
  elements: u32,
  first: u32, // number of the first element, where y is a part of a larger tensor
  start: u32, // bits of a T
  step: u32, // bits of a T
}

@group(0) @binding(0) var<storage, read_write> y: array<T>;
@group(0) @binding(1) var<uniform> params: Params;

@compute @workgroup_size(SIZE)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let i = (group.y * groups.x + group.x) * SIZE + lane;
  if (i < params.elements) {
    let start = bitcast<T>(params.start);
    // Adding 0 would change -0.
    y[i] = select(start + T(i + params.first) * bitcast<T>(params.step), start, params.step == 0u);
  }
}
