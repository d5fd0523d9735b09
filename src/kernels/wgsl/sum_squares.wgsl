// y[slot + i] = sum of x^2 over the vectors k, k + chains, k + 2 chains, ... of one of up to seven tensors: parts of a sum
// over many tensors. The parts of the first tensor come first in y, with k = i, then those of the second, and so on.
// reduce.wgsl adds them.
// One invocation computes one part. Neighbouring invocations read neighbouring vectors.

// Specialisation
const SIZE: u32 = 64u; // invocations per workgroup
const CHAIN: u32 = 64u; // maximum number of vectors in one part

struct Params {
  slot: u32,
  elements0: u32, // the last vector may reach past them; 0 where there is no tensor
  elements1: u32,
  elements2: u32,
  elements3: u32,
  elements4: u32,
  elements5: u32,
  elements6: u32,
}

@group(0) @binding(0) var<storage, read> x0: array<vec4f>;
@group(0) @binding(1) var<storage, read> x1: array<vec4f>;
@group(0) @binding(2) var<storage, read> x2: array<vec4f>;
@group(0) @binding(3) var<storage, read> x3: array<vec4f>;
@group(0) @binding(4) var<storage, read> x4: array<vec4f>;
@group(0) @binding(5) var<storage, read> x5: array<vec4f>;
@group(0) @binding(6) var<storage, read> x6: array<vec4f>;
@group(0) @binding(7) var<storage, read_write> y: array<f32>;
@group(0) @binding(8) var<uniform> params: Params;

fn load(tensor: u32, i: u32) -> vec4f {
  switch tensor {
    case 0u: { return x0[i]; }
    case 1u: { return x1[i]; }
    case 2u: { return x2[i]; }
    case 3u: { return x3[i]; }
    case 4u: { return x4[i]; }
    case 5u: { return x5[i]; }
    default: { return x6[i]; }
  }
}

@compute @workgroup_size(SIZE)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let i = (group.y * groups.x + group.x) * SIZE + lane;
  var sizes = array<u32, 7>(
    params.elements0, params.elements1, params.elements2, params.elements3,
    params.elements4, params.elements5, params.elements6,
  );
  var tensor = 0u;
  var k = i;
  var chains = (sizes[0] + 4u * CHAIN - 1u) / (4u * CHAIN);
  while (tensor < 7u && k >= chains) {
    k -= chains;
    tensor++;
    chains = (sizes[min(tensor, 6u)] + 4u * CHAIN - 1u) / (4u * CHAIN);
  }
  if (tensor == 7u) { return; }
  let elements = sizes[tensor];
  let whole = elements / 4u;
  var sum = vec4f();
  for (var at = k; at < whole; at += chains) {
    let v = load(tensor, at);
    sum += v * v;
  }
  if (whole % chains == k && whole * 4u < elements) {
    let v = select(vec4f(), load(tensor, whole), vec4u(0u, 1u, 2u, 3u) < vec4u(elements - whole * 4u));
    sum += v * v;
  }
  y[params.slot + i] = sum.x + sum.y + sum.z + sum.w;
}
