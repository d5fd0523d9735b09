// y[slot + i] = sum of x^2 over the vectors i, i + chains, i + 2 chains, ...: parts of a sum over many tensors, each of
// which has its own slots in y. reduce.wgsl adds the parts.
// One invocation computes one part. Neighbouring invocations read neighbouring vectors.

// Specialisation
const SIZE: u32 = 64u; // invocations per workgroup

struct Params {
  elements: u32, // of x; the last vector may reach past them
  chains: u32,
  slot: u32,
}

@group(0) @binding(0) var<storage, read> x: array<vec4f>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
@group(0) @binding(2) var<uniform> params: Params;

@compute @workgroup_size(SIZE)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let i = (group.y * groups.x + group.x) * SIZE + lane;
  if (i >= params.chains) { return; }
  let whole = params.elements / 4u;
  var sum = vec4f();
  for (var at = i; at < whole; at += params.chains) {
    let v = x[at];
    sum += v * v;
  }
  if (whole % params.chains == i && whole * 4u < params.elements) {
    let v = select(vec4f(), x[whole], vec4u(0u, 1u, 2u, 3u) < vec4u(params.elements - whole * 4u));
    sum += v * v;
  }
  y[params.slot + i] = sum.x + sum.y + sum.z + sum.w;
}
