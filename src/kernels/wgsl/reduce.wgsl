// y[o, j, i] = sum, max or min of x[o, k, i] over k = j, j + splits, j + 2 splits, ... < extent.
// x is [outer, extent, inner], y is [outer, splits, inner]: with splits = 1 the axis is gone; a long axis is reduced in
// several passes, which keeps many invocations busy and the rounding error of a sum small (a tree, not a chain).
// One invocation computes one element of y.

// Specialisation
const OP: u32 = 0u; // 0 sum, 1 max, 2 min
const FLOAT: bool = true; // whether T is f32
const SIZE: u32 = 64u; // invocations per workgroup
alias T = f32; // element type

struct Params {
  elements: u32, // of y
  extent: u32,
  inner: u32,
  splits: u32,
}

@group(0) @binding(0) var<storage, read> x: array<T>;
@group(0) @binding(1) var<storage, read_write> y: array<T>;
@group(0) @binding(2) var<uniform> params: Params;

// By its bits, because drivers may compile v != v away.
fn isNan(v: T) -> bool {
  return FLOAT && (bitcast<u32>(v) & 0x7fffffffu) > 0x7f800000u;
}

@compute @workgroup_size(SIZE)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let at = (group.y * groups.x + group.x) * SIZE + lane;
  if (at >= params.elements) { return; }
  let i = at % params.inner;
  let j = (at / params.inner) % params.splits;
  let base = (at / params.inner / params.splits) * params.extent * params.inner + i;
  var result = x[base + j * params.inner];
  for (var k = j + params.splits; k < params.extent; k += params.splits) {
    let v = x[base + k * params.inner];
    switch OP {
      case 0u: { result += v; }
      case 1u: { result = select(result, v, (v > result && !isNan(result)) || isNan(v)); } // a NaN wins
      default: { result = select(result, v, (v < result && !isNan(result)) || isNan(v)); }
    }
  }
  y[at] = result;
}
