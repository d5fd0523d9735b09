// sums[o, p(s), i] = sum over t < CHAIN of x[o, p(s + t), i], as far as s + t belongs to the segment of s, for the places s that
// are a multiple of CHAIN behind the start of their segment, with p(s) = order[s]. Without FIRST, the same in steps of `stride`,
// of sums themselves: sums[o, p(s), i] = sum over t < CHAIN of sums[o, p(s + stride t), i], for multiples of CHAIN stride.
// After enough passes the sum of a segment is where its first element was. It is a tree: fast however long a segment is, its
// rounding error small, and the same every time.
// x and sums are [outer, count, inner]. A pass has an invocation for every stride-th place q, which takes the place s nearest
// before it that is a multiple of the stride behind the start of q's segment. A place s without a q is the last of its segment
// and has nothing to add.

// Specialisation
const SIZE: u32 = 64u; // invocations per workgroup
const FIRST: bool = true;
const CHAIN: u32 = 32u;
alias T = f32; // element type

struct Params {
  elements: u32, // outer times the places q times inner
  count: u32,
  inner: u32,
  stride: u32,
}

@group(0) @binding(0) var<storage, read> x: array<T>; // only read with FIRST
@group(0) @binding(1) var<storage, read> order: array<i32>;
@group(0) @binding(2) var<storage, read> starts: array<u32>;
@group(0) @binding(3) var<storage, read_write> sums: array<T>;
@group(0) @binding(4) var<uniform> params: Params;

@compute @workgroup_size(SIZE)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let at = (group.y * groups.x + group.x) * SIZE + lane;
  if (at >= params.elements) { return; }
  let i = at % params.inner;
  let steps = (params.count + params.stride - 1u) / params.stride;
  let q = (at / params.inner) % steps * params.stride;
  let row = at / params.inner / steps * params.count;
  let start = starts[q];
  let s = q - (q - start) % params.stride;
  if ((s - start) % (CHAIN * params.stride) != 0u) { return; }
  var sum = T();
  for (var t = 0u; t < CHAIN; t++) {
    let place = s + t * params.stride;
    if (place >= params.count || starts[min(place, params.count - 1u)] != start) { break; }
    if (FIRST) {
      sum += x[(row + u32(order[place])) * params.inner + i];
    } else {
      sum += sums[(row + u32(order[place])) * params.inner + i];
    }
  }
  sums[(row + u32(order[s])) * params.inner + i] = sum;
}
