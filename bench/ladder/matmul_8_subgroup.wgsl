// y[i, j] = sum over l of a[i, l] b[l, j]: lanes hand each other what they load.
// a is [M, K / 4] vectors, b is [K, N / 4], y is [M, N / 4], row-major; M is a multiple of ROWS, N and K of 4 LANES.
// Cost: LANES invocations compute neighbouring columns of the same rows, and so need the same values of a. Each loads
// another vector, and a shuffle hands it to the others: a load of a serves all. The library's kernel for llvmpipe works
// like this, where a load of eight lanes from eight places costs eight loads. On a GPU, workgroup memory does the same
// for more invocations.
enable subgroups;

const LANES: u32 = 8u; // invocations of a workgroup, at most a subgroup
const ROWS: u32 = 32u; // rows per invocation

struct Params { m: u32, n4: u32, k4: u32 }

@group(0) @binding(0) var<storage, read> a: array<vec4f>;
@group(0) @binding(1) var<storage, read> b: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> y: array<vec4f>;
@group(0) @binding(3) var<uniform> params: Params;

@compute @workgroup_size(LANES)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(subgroup_invocation_id) lane: u32) {
  let i = id.y * ROWS;
  let j = id.x;
  let own = lane % LANES;
  var sum: array<vec4f, ROWS>;
  for (var l = 0u; l < params.k4; l += LANES) {
    var left: array<vec4f, ROWS>;
    for (var row = 0u; row < ROWS; row++) { left[row] = a[(i + row) * params.k4 + l + own]; }
    for (var other = 0u; other < LANES; other++) {
      let right = 4u * (l + other) * params.n4 + j;
      let b0 = b[right];
      let b1 = b[right + params.n4];
      let b2 = b[right + 2u * params.n4];
      let b3 = b[right + 3u * params.n4];
      for (var row = 0u; row < ROWS; row++) {
        let u = subgroupShuffle(left[row], lane - own + other);
        sum[row] = fma(vec4f(u.w), b3, fma(vec4f(u.z), b2, fma(vec4f(u.y), b1, fma(vec4f(u.x), b0, sum[row]))));
      }
    }
  }
  for (var row = 0u; row < ROWS; row++) { y[(i + row) * params.n4 + j] = sum[row]; }
}
