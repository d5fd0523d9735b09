// y = alpha x + beta y, in place, element by element, for up to four pairs of x and y with an alpha each.
// One invocation computes four neighbouring elements of one pair; the pairs follow one another.

// Specialisation
const SIZE: u32 = 64u; // invocations per workgroup

struct Params {
  vectors0: u32, // elements / 4, rounded up; 0 where there is no pair
  vectors1: u32,
  vectors2: u32,
  vectors3: u32,
  alpha0: f32,
  alpha1: f32,
  alpha2: f32,
  alpha3: f32,
  beta: f32,
}

@group(0) @binding(0) var<storage, read> x0: array<vec4f>;
@group(0) @binding(1) var<storage, read_write> y0: array<vec4f>;
@group(0) @binding(2) var<storage, read> x1: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> y1: array<vec4f>;
@group(0) @binding(4) var<storage, read> x2: array<vec4f>;
@group(0) @binding(5) var<storage, read_write> y2: array<vec4f>;
@group(0) @binding(6) var<storage, read> x3: array<vec4f>;
@group(0) @binding(7) var<storage, read_write> y3: array<vec4f>;
@group(0) @binding(8) var<uniform> params: Params;

@compute @workgroup_size(SIZE)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let i = (group.y * groups.x + group.x) * SIZE + lane;
  let j = i - params.vectors0;
  let k = j - params.vectors1;
  let l = k - params.vectors2;
  if (i < params.vectors0) {
    y0[i] = params.alpha0 * x0[i] + params.beta * y0[i];
  } else if (j < params.vectors1) {
    y1[j] = params.alpha1 * x1[j] + params.beta * y1[j];
  } else if (k < params.vectors2) {
    y2[k] = params.alpha2 * x2[k] + params.beta * y2[k];
  } else if (l < params.vectors3) {
    y3[l] = params.alpha3 * x3[l] + params.beta * y3[l];
  }
}
