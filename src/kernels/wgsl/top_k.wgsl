// values[row, place(i)] = x[row, i] and places[row, place(i)] = i for the elements with place(i) < k, where
// place(i) = number of j with x[row, j] > x[row, i], or equal and j < i: the k largest of each row in descending order. A
// NaN counts as largest. One invocation counts for one element and, if it is among the first k, writes it to its place: n^2
// comparisons per row, but all independent.

// Specialisation
const SIZE: u32 = 64u; // invocations per workgroup

struct Params {
  elements: u32,
  n: u32,
  k: u32,
}

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> values: array<f32>;
@group(0) @binding(2) var<storage, read_write> places: array<i32>;
@group(0) @binding(3) var<uniform> params: Params;

// Whole numbers in the order of the floats, with every NaN above infinity.
fn order(v: f32) -> u32 {
  let bits = bitcast<u32>(v);
  if ((bits & 0x7fffffffu) > 0x7f800000u) { return 0xffffffffu; }
  if (bits == 0x80000000u) { return 0x80000000u; } // -0 equals 0
  return select(bits | 0x80000000u, ~bits, bits >> 31u == 1u);
}

@compute @workgroup_size(SIZE)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let i = (group.y * groups.x + group.x) * SIZE + lane;
  if (i >= params.elements) { return; }
  let row = i / params.n;
  let position = i % params.n;
  let mine = order(x[i]);
  var before = 0u;
  for (var j = 0u; j < params.n; j++) {
    let other = order(x[row * params.n + j]);
    before += select(0u, 1u, other > mine || (other == mine && j < position));
  }
  if (before < params.k) {
    values[row * params.k + before] = x[i];
    places[row * params.k + before] = i32(position);
  }
}
