// flat[j] = position in x of the element that index j along an axis points to: the other axes' part of the position, j . x
// strides (with the axis's own 0), plus indices[j] times the axis's stride; -1 for an index outside 0 .. extent - 1.
// One invocation computes one position.

// Specialisation
const SIZE: u32 = 64u; // invocations per workgroup

struct Params {
  elements: u32,
  first: u32, // number of the first element, where `indices` is a part of a larger tensor
  extent: u32,
  step: u32, // stride of the axis in x
  s1: u32, s2: u32, s3: u32, s4: u32, s5: u32, // extents of the indices except the outermost
  x0: u32, x1: u32, x2: u32, x3: u32, x4: u32, x5: u32, // strides of x in elements
}

@group(0) @binding(0) var<storage, read> indices: array<i32>;
@group(0) @binding(1) var<storage, read_write> flat: array<i32>;
@group(0) @binding(2) var<uniform> params: Params;

@compute @workgroup_size(SIZE)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let j = (group.y * groups.x + group.x) * SIZE + lane;
  if (j >= params.elements) { return; }
  let index = indices[j];
  if (index < 0 || index >= i32(params.extent)) {
    flat[j] = -1;
    return;
  }
  var rest = j + params.first;
  let i5 = rest % params.s5; rest /= params.s5;
  let i4 = rest % params.s4; rest /= params.s4;
  let i3 = rest % params.s3; rest /= params.s3;
  let i2 = rest % params.s2; rest /= params.s2;
  let i1 = rest % params.s1; rest /= params.s1;
  let others = rest * params.x0 + i1 * params.x1 + i2 * params.x2 + i3 * params.x3 + i4 * params.x4 + i5 * params.x5;
  flat[j] = i32(others + u32(index) * params.step);
}
