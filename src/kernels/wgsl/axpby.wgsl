// y = alpha x + beta y, in place, element by element, for several pairs of x and y with an alpha each.
// One invocation computes four neighbouring elements of one pair; the pairs follow one another: what is between SLOT and END is
// repeated for each, with its number instead of 0 (withSlots in wgsl.ts).

// Specialisation
const SIZE: u32 = 64u; // invocations per workgroup

struct Params {
  beta: f32,
  /* SLOT */
  vectors0: u32, // elements / 4, rounded up; 0 where there is no pair
  alpha0: f32,
  /* END */
}

/* SLOT */
@group(0) @binding(0) var<storage, read> x0: array<vec4f>;
@group(0) @binding(1) var<storage, read_write> y0: array<vec4f>;
/* END */
@group(0) @binding(2) var<uniform> params: Params;

@compute @workgroup_size(SIZE)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32) {
  var i = (group.y * groups.x + group.x) * SIZE + lane;
  /* SLOT */
  if (i < params.vectors0) {
    y0[i] = params.alpha0 * x0[i] + params.beta * y0[i];
    return;
  }
  i -= params.vectors0;
  /* END */
}
