// mergedKeys[start + position + before] = keys[start of its run + position] for each pair of neighbouring sorted runs of `width`
// elements along an axis, with before = number of elements of the other run that come before the element, found by bisection
// (Satish et al. 2009, section V); and places in the same way. Of equal elements those of the left run come first, so that
// the order is stable.
// keys and places are [outer, extent, inner], the merged ones [outer, stride, inner]. Of each run only the first `keep`
// elements are read and written: later ones cannot be among the first `keep` of the axis.
// One invocation moves one element.

// Specialisation
const SIZE: u32 = 64u; // invocations per workgroup

struct Params {
  elements: u32,
  extent: u32,
  inner: u32,
  width: u32,
  keep: u32,
  stride: u32,
}

@group(0) @binding(0) var<storage, read> keys: array<u32>;
@group(0) @binding(1) var<storage, read> places: array<i32>;
@group(0) @binding(2) var<storage, read_write> mergedKeys: array<u32>;
@group(0) @binding(3) var<storage, read_write> mergedPlaces: array<i32>;
@group(0) @binding(4) var<uniform> params: Params;

@compute @workgroup_size(SIZE)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let at = (group.y * groups.x + group.x) * SIZE + lane;
  if (at >= params.elements) { return; }
  let i = at % params.inner;
  let k = (at / params.inner) % params.extent;
  let o = at / params.inner / params.extent;
  let run = k / params.width;
  let position = k % params.width;
  if (position >= params.keep) { return; }
  let isRight = run % 2u == 1u;
  let other = (run ^ 1u) * params.width;
  let mine = keys[at];
  var low = 0u;
  var high = min(min(params.width, params.keep), max(params.extent, other) - other);
  while (low < high) {
    let middle = (low + high) / 2u;
    let key = keys[(o * params.extent + other + middle) * params.inner + i];
    if (key < mine || (key == mine && isRight)) { low = middle + 1u; } else { high = middle; }
  }
  let rank = position + low;
  if (rank >= params.keep) { return; }
  let y = (o * params.stride + run / 2u * 2u * params.width + rank) * params.inner + i;
  mergedKeys[y] = mine;
  mergedPlaces[y] = places[at];
}
