// y = x as another type, element by element; floats are truncated towards zero. With TRUTH, y = 1 where x is not 0, as a
// bool; a NaN is not 0.
// One invocation converts four neighbouring elements, as in unary.wgsl.

// Specialisation
const SIZE: u32 = 64u; // invocations per workgroup
const TRUTH: bool = false;
const MASK: u32 = 0xffffffffu; // bits of x that count for its truth; all except the sign for floats, where -0 is 0
alias T = f32; // from
alias U = u32; // to

struct Params {
  vectors: u32, // elements / 4, rounded up
}

@group(0) @binding(0) var<storage, read> x: array<vec4<T>>;
@group(0) @binding(1) var<storage, read_write> y: array<vec4<U>>;
@group(0) @binding(2) var<uniform> params: Params;

@compute @workgroup_size(SIZE)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let i = (group.y * groups.x + group.x) * SIZE + lane;
  if (i < params.vectors) {
    if (TRUTH) {
      y[i] = select(vec4<U>(), vec4<U>(1), (bitcast<vec4u>(x[i]) & vec4u(MASK)) != vec4u());
    } else {
      y[i] = vec4<U>(x[i]);
    }
  }
}
