// y = alpha x + beta y, in place, element by element, for several pairs of x and y with an alpha each.
// One invocation computes four neighbouring elements of one pair; the pairs follow one another. The names of the first end
// with 0, those of the second with 1. What is between SLOT and END is repeated for more (wgsl.ts).

// Specialisation
const SIZE: u32 = 64u; // invocations per workgroup

struct Params {
  beta: f32,
  vectors0: u32, // elements / 4, rounded up; 0 where there is no pair
  alpha0: f32,
  /* SLOT */
  vectors1: u32,
  alpha1: f32,
  /* END */
}

@group(0) @binding(0) var<storage, read> x0: array<vec4f>;
@group(0) @binding(1) var<storage, read_write> y0: array<vec4f>;
/* SLOT */
@group(0) @binding(2) var<storage, read> x1: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> y1: array<vec4f>;
/* END */
@group(0) @binding(4) var<uniform> params: Params;

@compute @workgroup_size(SIZE)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32) {
  var i = (group.y * groups.x + group.x) * SIZE + lane;
  if (i < params.vectors0) {
    y0[i] = params.alpha0 * x0[i] + params.beta * y0[i];
    return;
  }
  i -= params.vectors0;
  /* SLOT */
  if (i < params.vectors1) {
    y1[i] = params.alpha1 * x1[i] + params.beta * y1[i];
    return;
  }
  i -= params.vectors1;
  /* END */
}
