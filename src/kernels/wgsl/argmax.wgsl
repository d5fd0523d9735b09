// y[o, i] = the first k for which x[o, k, i] is largest, or with SMALLEST smallest; a NaN counts as both.
// One invocation computes one element of y.

// Specialisation
const SIZE: u32 = 64u; // invocations per workgroup
const SMALLEST: bool = false;
alias T = f32; // element type

struct Params {
  elements: u32,
  extent: u32,
  inner: u32,
}

@group(0) @binding(0) var<storage, read> x: array<T>;
@group(0) @binding(1) var<storage, read_write> y: array<i32>;
@group(0) @binding(2) var<uniform> params: Params;

fn isNan(v: T) -> bool {
  return (bitcast<u32>(f32(v)) & 0x7fffffffu) > 0x7f800000u; // v != v is compiled away by some drivers
}

@compute @workgroup_size(SIZE)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let at = (group.y * groups.x + group.x) * SIZE + lane;
  if (at >= params.elements) { return; }
  let base = at / params.inner * params.extent * params.inner + at % params.inner;
  var best = x[base];
  var place = 0u;
  for (var k = 1u; k < params.extent; k++) {
    let v = x[base + k * params.inner];
    let isBetter = select(v > best, v < best, SMALLEST);
    if ((isBetter || isNan(v)) && !isNan(best)) {
      best = v;
      place = k;
    }
  }
  y[at] = i32(place);
}
