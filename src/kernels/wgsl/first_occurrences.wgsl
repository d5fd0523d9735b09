// first[indices[p]] = p for the first position p of each index; an index outside 0 .. extent - 1 is ignored, and elements of
// `first` whose index does not occur stay as they are. With DISTINCT no index occurs twice, otherwise p = order[s] for the
// places s that begin a segment of equal indices (see segment_starts.wgsl).
// One invocation handles one position.

// Specialisation
const SIZE: u32 = 64u; // invocations per workgroup
const DISTINCT: bool = false;

struct Params {
  count: u32, // indices
  extent: u32,
}

@group(0) @binding(0) var<storage, read> indices: array<i32>;
@group(0) @binding(1) var<storage, read> order: array<i32>; // not read with DISTINCT
@group(0) @binding(2) var<storage, read> starts: array<u32>; // not read with DISTINCT
@group(0) @binding(3) var<storage, read_write> first: array<i32>;
@group(0) @binding(4) var<uniform> params: Params;

@compute @workgroup_size(SIZE)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let s = (group.y * groups.x + group.x) * SIZE + lane;
  if (s >= params.count) { return; }
  var p = i32(s);
  if (!DISTINCT) {
    if (starts[s] != s) { return; }
    p = order[s];
  }
  let index = indices[p];
  if (index >= 0 && index < i32(params.extent)) { first[index] = p; }
}
