// y[4 i .. 4 i + 3] = Philox4x32-10(counter = i, key), as multiples of 2^-24 in [0, 1) (Salmon et al. 2011).
// Integer arithmetic only, so that every device computes the same bits. One invocation computes four numbers.

// Specialisation
const SIZE: u32 = 64u; // invocations per workgroup

struct Params {
  vectors: u32, // elements / 4, rounded up
  first: u32, // counter of the first vector, where y is a part of a larger tensor
  keyLow: u32,
  keyHigh: u32,
}

@group(0) @binding(0) var<storage, read_write> y: array<vec4f>;
@group(0) @binding(1) var<uniform> params: Params;

// High 32 bits of a product, from products of halves.
fn mulHigh(a: u32, b: u32) -> u32 {
  let al = a & 0xffffu; let ah = a >> 16u;
  let bl = b & 0xffffu; let bh = b >> 16u;
  let middle = ah * bl + ((al * bl) >> 16u);
  let crossing = al * bh + (middle & 0xffffu);
  return ah * bh + (middle >> 16u) + (crossing >> 16u);
}

// Philox4x32-10 (Salmon et al. 2011).
fn philox(counter: u32) -> vec4u {
  var bits = vec4u(counter, 0u, 0u, 0u);
  var key = vec2u(params.keyLow, params.keyHigh);
  for (var round = 0; round < 10; round++) {
    bits = vec4u(
      mulHigh(0xcd9e8d57u, bits.z) ^ bits.y ^ key.x,
      0xcd9e8d57u * bits.z,
      mulHigh(0xd2511f53u, bits.x) ^ bits.w ^ key.y,
      0xd2511f53u * bits.x,
    );
    key += vec2u(0x9e3779b9u, 0xbb67ae85u);
  }
  return bits;
}

@compute @workgroup_size(SIZE)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let i = (group.y * groups.x + group.x) * SIZE + lane;
  if (i >= params.vectors) { return; }
  y[i] = vec4f(philox(params.first + i) >> vec4u(8u)) * 5.9604644775390625e-8; // 2^-24
}
