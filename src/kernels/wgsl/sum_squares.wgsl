// y[slot + i] = sum of x^2 over the vectors k, k + chains, k + 2 chains, ... of one of several tensors: parts of a sum
// over many tensors. The parts of the first tensor come first in y, with k = i, then those of the second, and so on.
// reduce.wgsl adds them.
// One invocation computes one part. Neighbouring invocations read neighbouring vectors. What is between SLOT and END is
// repeated for each tensor, with its number instead of 0 (withSlots in wgsl.ts).

// Specialisation
const SIZE: u32 = 64u; // invocations per workgroup
const CHAIN: u32 = 64u; // maximum number of vectors in one part

struct Params {
  slot: u32,
  /* SLOT */
  elements0: u32, // the last vector may reach past them; 0 where there is no tensor
  /* END */
}

@group(0) @binding(0) var<storage, read_write> y: array<f32>;
/* SLOT */
@group(0) @binding(1) var<storage, read> x0: array<vec4f>;
/* END */
@group(0) @binding(2) var<uniform> params: Params;

fn chainsOf(elements: u32) -> u32 { return (elements + 4u * CHAIN - 1u) / (4u * CHAIN); }

// Which values of a vector the tensor has.
fn within(at: u32, elements: u32) -> vec4<bool> { return 4u * at + vec4u(0u, 1u, 2u, 3u) < vec4u(elements); }

@compute @workgroup_size(SIZE)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let i = (group.y * groups.x + group.x) * SIZE + lane;
  var k = i;
  var sum = vec4f();
  /* SLOT */
  if (k < chainsOf(params.elements0)) {
    for (var at = k; 4u * at < params.elements0; at += chainsOf(params.elements0)) {
      let v = select(vec4f(), x0[at], within(at, params.elements0));
      sum += v * v;
    }
    y[params.slot + i] = sum.x + sum.y + sum.z + sum.w;
    return;
  }
  k -= chainsOf(params.elements0);
  /* END */
}
