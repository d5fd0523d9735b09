// y[yStart + i . yStrides] = x[xStart + i . xStrides] for every index i of a shape of up to six axes.
// With these strides one kernel transposes, slices, flips, stretches (stride 0), concatenates and places inside padding.
// One invocation copies one element.

// Specialisation
const SIZE: u32 = 64u; // invocations per workgroup
alias T = f32; // element type

struct Params {
  elements: u32,
  xStart: u32,
  yStart: u32,
  s1: u32, s2: u32, s3: u32, s4: u32, s5: u32, // extents except the outermost
  x0: i32, x1: i32, x2: i32, x3: i32, x4: i32, x5: i32, // strides in elements; negative ones walk backwards
  y0: u32, y1: u32, y2: u32, y3: u32, y4: u32, y5: u32,
}

@group(0) @binding(0) var<storage, read> x: array<T>;
@group(0) @binding(1) var<storage, read_write> y: array<T>;
@group(0) @binding(2) var<uniform> params: Params;

@compute @workgroup_size(SIZE)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let i = (group.y * groups.x + group.x) * SIZE + lane;
  if (i >= params.elements) { return; }
  var rest = i;
  let i5 = rest % params.s5; rest /= params.s5;
  let i4 = rest % params.s4; rest /= params.s4;
  let i3 = rest % params.s3; rest /= params.s3;
  let i2 = rest % params.s2; rest /= params.s2;
  let i1 = rest % params.s1; rest /= params.s1;
  let source = i32(params.xStart) + i32(rest) * params.x0 + i32(i1) * params.x1 + i32(i2) * params.x2
    + i32(i3) * params.x3 + i32(i4) * params.x4 + i32(i5) * params.x5;
  let target_index = params.yStart + rest * params.y0 + i1 * params.y1 + i2 * params.y2 + i3 * params.y3 + i4 * params.y4 + i5 * params.y5;
  y[target_index] = x[source];
}
