// keys[o, BLOCK b + rank, i] = key of x[o, k, i] and places[o, BLOCK b + rank, i] = k for the elements k of each block b of
// BLOCK elements along the axis, where rank = number of elements of the block that come before element k: sorts the blocks.
// x is [outer, extent, inner], keys and places are [outer, stride, inner]; ranks from `keep` on are not written.
// A key is a whole number in the order of the elements; a NaN counts as largest, and -0 equals 0.
// One invocation counts for one element.

// Specialisation
const SIZE: u32 = 64u; // invocations per workgroup
const BLOCK: u32 = 32u;
const TYPE: u32 = 0u; // of x: 0 f32, 1 i32, 2 u32
const DESCENDING: bool = false;

struct Params {
  elements: u32,
  extent: u32,
  inner: u32,
  keep: u32,
  stride: u32,
}

@group(0) @binding(0) var<storage, read> x: array<u32>; // bits
@group(0) @binding(1) var<storage, read_write> keys: array<u32>;
@group(0) @binding(2) var<storage, read_write> places: array<i32>;
@group(0) @binding(3) var<uniform> params: Params;

fn keyOf(bits: u32) -> u32 {
  var key = bits;
  if (TYPE == 0u) {
    key = select(bits | 0x80000000u, ~bits, bits > 0x80000000u); // 0x80000000 is -0
    if ((bits & 0x7fffffffu) > 0x7f800000u) { key = 0xffffffffu; }
  } else if (TYPE == 1u) {
    key = bits ^ 0x80000000u;
  }
  return select(key, ~key, DESCENDING);
}

@compute @workgroup_size(SIZE)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let at = (group.y * groups.x + group.x) * SIZE + lane;
  if (at >= params.elements) { return; }
  let i = at % params.inner;
  let k = (at / params.inner) % params.extent;
  let o = at / params.inner / params.extent;
  let mine = keyOf(x[at]);
  let first = k / BLOCK * BLOCK;
  var rank = 0u;
  for (var j = first; j < min(first + BLOCK, params.extent); j++) {
    let other = keyOf(x[(o * params.extent + j) * params.inner + i]);
    rank += select(0u, 1u, other < mine || (other == mine && j < k));
  }
  if (rank >= params.keep) { return; }
  let y = (o * params.stride + first + rank) * params.inner + i;
  keys[y] = mine;
  places[y] = i32(k);
}
