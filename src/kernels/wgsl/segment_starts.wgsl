// starts[s] = first place t with indices[order[t]] == indices[order[s]], where `order` sorts the indices: where the segment
// of equal indices begins that place s belongs to.
// One invocation searches for one place, by bisection.

// Specialisation
const SIZE: u32 = 64u; // invocations per workgroup

struct Params {
  count: u32,
}

@group(0) @binding(0) var<storage, read> indices: array<i32>;
@group(0) @binding(1) var<storage, read> order: array<i32>;
@group(0) @binding(2) var<storage, read_write> starts: array<u32>;
@group(0) @binding(3) var<uniform> params: Params;

@compute @workgroup_size(SIZE)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let s = (group.y * groups.x + group.x) * SIZE + lane;
  if (s >= params.count) { return; }
  let index = indices[order[s]];
  var low = 0u;
  var high = s;
  while (low < high) {
    let middle = (low + high) / 2u;
    if (indices[order[middle]] < index) { low = middle + 1u; } else { high = middle; }
  }
  starts[s] = low;
}
