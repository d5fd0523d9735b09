// y[o, i] = sum, max or min of x[o, k, i] over k < extent, as reduce.wgsl with one split, for a long axis in one launch.
// x is [outer, extent, inner], y is [outer, inner].
// A workgroup computes COLUMNS neighbouring elements of y. LANES invocations share the axis of each, and combine what they have
// as a tree in workgroup memory.

// Specialisation
const OP: u32 = 0u; // 0 sum, 1 max, 2 min
const FLOAT: bool = true; // whether T is f32
const COLUMNS: u32 = 8u;
const LANES: u32 = 32u; // a power of two
alias T = f32; // element type

struct Params {
  elements: u32, // of y
  extent: u32,
  inner: u32,
}

@group(0) @binding(0) var<storage, read> x: array<T>;
@group(0) @binding(1) var<storage, read_write> y: array<T>;
@group(0) @binding(2) var<uniform> params: Params;

var<workgroup> results: array<T, COLUMNS * LANES>;

// By its bits, because drivers may compile v != v away.
fn isNan(v: T) -> bool {
  return FLOAT && (bitcast<u32>(v) & 0x7fffffffu) > 0x7f800000u;
}

fn combined(a: T, b: T) -> T {
  switch OP {
    case 0u: { return a + b; }
    case 1u: { return select(a, b, (b > a && !isNan(a)) || isNan(b)); } // a NaN wins
    default: { return select(a, b, (b < a && !isNan(a)) || isNan(b)); }
  }
}

@compute @workgroup_size(COLUMNS * LANES)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) local: u32) {
  let at = (group.y * groups.x + group.x) * COLUMNS + local % COLUMNS;
  let lane = local / COLUMNS;
  // Barriers are for all invocations: those past the last element compute it again. The axis is longer than LANES.
  let element = min(at, params.elements - 1u);
  let base = element / params.inner * params.extent * params.inner + element % params.inner;
  var result = x[base + lane * params.inner];
  for (var k = lane + LANES; k < params.extent; k += LANES) { result = combined(result, x[base + k * params.inner]); }
  results[local] = result;
  workgroupBarrier();
  for (var half = LANES / 2u; half > 0u; half /= 2u) {
    if (local < half * COLUMNS) { results[local] = combined(results[local], results[local + half * COLUMNS]); }
    workgroupBarrier();
  }
  if (lane == 0u && at < params.elements) { y[at] = results[local]; }
}
