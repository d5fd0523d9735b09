// y = alpha x + beta y, in place, element by element.
// One invocation computes four neighbouring elements, as in unary.wgsl.

// Specialisation
const SIZE: u32 = 64u; // invocations per workgroup

struct Params {
  vectors: u32, // elements / 4, rounded up
  alpha: f32,
  beta: f32,
}

@group(0) @binding(0) var<storage, read> x: array<vec4f>;
@group(0) @binding(1) var<storage, read_write> y: array<vec4f>;
@group(0) @binding(2) var<uniform> params: Params;

@compute @workgroup_size(SIZE)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let i = (group.y * groups.x + group.x) * SIZE + lane;
  if (i < params.vectors) {
    y[i] = params.alpha * x[i] + params.beta * y[i];
  }
}
