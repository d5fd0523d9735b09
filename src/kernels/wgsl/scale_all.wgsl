// x = factor x, in place, element by element, for several tensors and one factor, a scalar that is on the GPU.
// One invocation computes four neighbouring elements of one tensor; the tensors follow one another: what is between SLOT and
// END is repeated for each, with its number instead of 0 (withSlots in wgsl.ts).

// Specialisation
const SIZE: u32 = 64u; // invocations per workgroup

struct Params {
  /* SLOT */
  vectors0: u32, // elements / 4, rounded up; 0 where there is no tensor
  /* END */
}

@group(0) @binding(0) var<storage, read> factor: array<f32>;
/* SLOT */
@group(0) @binding(1) var<storage, read_write> x0: array<vec4f>;
/* END */
@group(0) @binding(2) var<uniform> params: Params;

@compute @workgroup_size(SIZE)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32) {
  var i = (group.y * groups.x + group.x) * SIZE + lane;
  /* SLOT */
  if (i < params.vectors0) {
    x0[i] *= factor[0];
    return;
  }
  i -= params.vectors0;
  /* END */
}
