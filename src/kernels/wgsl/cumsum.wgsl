// y[o, k, i] = sum of x[o, j, i] over j <= k, in blocks of CHAIN: block b begins with carry[o, b - 1, i], the sum of all blocks
// before it, and adds its elements in order. With TOTALS, only the sum of each block is written: y[o, b, i]. With REVERSE, the
// axis is read and written from its end (the sum over j >= k); blocks are counted in that order.
// x and y are [outer, extent, inner], carry (and y with TOTALS) [outer, blocks, inner].
// One invocation adds up one block.

// Specialisation
const SIZE: u32 = 64u; // invocations per workgroup
const CHAIN: u32 = 64u;
const TOTALS: bool = false;
const CARRY: bool = false; // whether there is a carry; otherwise it is 0
const REVERSE: bool = false;
alias T = f32; // element type

struct Params {
  elements: u32, // outer times blocks times inner
  extent: u32,
  blocks: u32,
  inner: u32,
}

@group(0) @binding(0) var<storage, read> x: array<T>;
@group(0) @binding(1) var<storage, read> carry: array<T>;
@group(0) @binding(2) var<storage, read_write> y: array<T>;
@group(0) @binding(3) var<uniform> params: Params;

@compute @workgroup_size(SIZE)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let at = (group.y * groups.x + group.x) * SIZE + lane;
  if (at >= params.elements) { return; }
  let i = at % params.inner;
  let b = (at / params.inner) % params.blocks;
  let o = at / params.inner / params.blocks;
  var sum = T();
  if (CARRY && b > 0u) { sum = carry[at - params.inner]; }
  for (var k = b * CHAIN; k < min(b * CHAIN + CHAIN, params.extent); k++) {
    let place = (o * params.extent + select(k, params.extent - 1u - k, REVERSE)) * params.inner + i;
    sum += x[place];
    if (!TOTALS) { y[place] = sum; }
  }
  if (TOTALS) { y[at] = sum; }
}
