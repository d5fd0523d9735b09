// Each thread writes the number of its workgroup, counted from 1, to its own element.
@group(0) @binding(0) var<storage, read_write> y: array<f32>;
@group(0) @binding(1) var<uniform> elements: u32;

@compute @workgroup_size(16)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(workgroup_id) group: vec3u) {
  let i = id.x;
  if (i >= elements) { return; } // the guard
  y[i] = f32(group.x + 1u);
}
