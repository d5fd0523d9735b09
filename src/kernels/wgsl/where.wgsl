// y = condition ? a : b, element by element; the condition holds where its element is not 0, so that a NaN holds.
// Elements of every type are moved as 32 bits: what they mean does not matter.
// One invocation computes four neighbouring elements, as in unary.wgsl.

// Specialisation
const SIZE: u32 = 64u; // invocations per workgroup
const MASK: u32 = 0xffffffffu; // bits of the condition that count; all except the sign for floats, where -0 is 0

struct Params {
  vectors: u32, // elements / 4, rounded up
}

@group(0) @binding(0) var<storage, read> condition: array<vec4u>;
@group(0) @binding(1) var<storage, read> a: array<vec4u>;
@group(0) @binding(2) var<storage, read> b: array<vec4u>;
@group(0) @binding(3) var<storage, read_write> y: array<vec4u>;
@group(0) @binding(4) var<uniform> params: Params;

@compute @workgroup_size(SIZE)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let i = (group.y * groups.x + group.x) * SIZE + lane;
  if (i < params.vectors) {
    y[i] = select(b[i], a[i], (condition[i] & vec4u(MASK)) != vec4u());
  }
}
