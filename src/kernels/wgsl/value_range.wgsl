// ranges[4 slot ...] = the largest order of the finite x[i], the largest complement of it (so the smallest), the number of NaN
// and that of infinite x[i]. All four start at 0, which is less than the order of any finite number and its complement.
// One invocation takes every n-th element, of n invocations.

// Specialisation
const SIZE: u32 = 64u; // invocations per workgroup

struct Params {
  elements: u32,
  slot: u32,
}

@group(0) @binding(0) var<storage, read> x: array<u32>; // bits of floats: no driver may assume that they are finite
@group(0) @binding(1) var<storage, read_write> ranges: array<atomic<u32>>;
@group(0) @binding(2) var<uniform> params: Params;

@compute @workgroup_size(SIZE)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32) {
  var largest = 0u;
  var smallest = 0u;
  var nan = 0u;
  var infinite = 0u;
  let invocations = groups.x * groups.y * SIZE;
  for (var i = (group.y * groups.x + group.x) * SIZE + lane; i < params.elements; i += invocations) {
    let bits = x[i];
    let magnitude = bits & 0x7fffffffu;
    if (magnitude > 0x7f800000u) {
      nan++;
    } else if (magnitude == 0x7f800000u) {
      infinite++;
    } else {
      // Integers in the order of the floats.
      let order = select(bits | 0x80000000u, ~bits, bits != magnitude);
      largest = max(largest, order);
      smallest = max(smallest, ~order);
    }
  }
  let at = 4u * params.slot;
  atomicMax(&ranges[at], largest);
  atomicMax(&ranges[at + 1u], smallest);
  if (nan > 0u) { atomicAdd(&ranges[at + 2u], nan); }
  if (infinite > 0u) { atomicAdd(&ranges[at + 3u], infinite); }
}
