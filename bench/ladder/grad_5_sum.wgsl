// dw[i] = sum over slices of parts[slice, i]: the second half of grad_5_slices.wgsl, in a fixed order.
// parts is [slices, count] vectors, dw is [count].

struct Params { count: u32, slices: u32 }

@group(0) @binding(0) var<storage, read> parts: array<vec4f>;
@group(0) @binding(1) var<storage, read_write> dw: array<vec4f>;
@group(0) @binding(2) var<uniform> params: Params;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let i = id.x;
  if (i >= params.count) { return; }
  var sum = vec4f();
  for (var slice = 0u; slice < params.slices; slice++) { sum += parts[slice * params.count + i]; }
  dw[i] = sum;
}
