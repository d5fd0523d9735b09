// x = factor x, in place, element by element, for up to seven tensors and one factor, a scalar that is on the GPU.
// One invocation computes four neighbouring elements of one tensor; the tensors follow one another.

// Specialisation
const SIZE: u32 = 64u; // invocations per workgroup

struct Params {
  vectors0: u32, // elements / 4, rounded up; 0 where there is no tensor
  vectors1: u32,
  vectors2: u32,
  vectors3: u32,
  vectors4: u32,
  vectors5: u32,
  vectors6: u32,
}

@group(0) @binding(0) var<storage, read> factor: array<f32>;
@group(0) @binding(1) var<storage, read_write> x0: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> x1: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> x2: array<vec4f>;
@group(0) @binding(4) var<storage, read_write> x3: array<vec4f>;
@group(0) @binding(5) var<storage, read_write> x4: array<vec4f>;
@group(0) @binding(6) var<storage, read_write> x5: array<vec4f>;
@group(0) @binding(7) var<storage, read_write> x6: array<vec4f>;
@group(0) @binding(8) var<uniform> params: Params;

@compute @workgroup_size(SIZE)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let i0 = (group.y * groups.x + group.x) * SIZE + lane;
  let i1 = i0 - params.vectors0;
  let i2 = i1 - params.vectors1;
  let i3 = i2 - params.vectors2;
  let i4 = i3 - params.vectors3;
  let i5 = i4 - params.vectors4;
  let i6 = i5 - params.vectors5;
  if (i0 < params.vectors0) {
    x0[i0] *= factor[0];
  } else if (i1 < params.vectors1) {
    x1[i1] *= factor[0];
  } else if (i2 < params.vectors2) {
    x2[i2] *= factor[0];
  } else if (i3 < params.vectors3) {
    x3[i3] *= factor[0];
  } else if (i4 < params.vectors4) {
    x4[i4] *= factor[0];
  } else if (i5 < params.vectors5) {
    x5[i5] *= factor[0];
  } else if (i6 < params.vectors6) {
    x6[i6] *= factor[0];
  }
}
