// y[i, j] = sum over l of a[i, l] b[l, j]: blocks in registers, fed from tiles in workgroup memory.
// a is [M, K / 4] vectors, b is [K, N / 4], y is [M, N / 4], row-major; M and N are multiples of 64, K of 16.
// Cost: a workgroup of 16 x 8 invocations computes 64 x 64 outputs, 16 values of the sum at a time. A value from memory
// serves 64 outputs, a vector from workgroup memory 16 multiply-adds or more. This is what a GPU needs; on a CPU
// workgroup memory is ordinary memory.

const ACROSS = 16u; // invocations along j, a vector each
const DOWN = 8u; // invocations along i, 8 rows each
const STEP = 4u; // vectors of the sum at a time

struct Params { m: u32, n4: u32, k4: u32 }

@group(0) @binding(0) var<storage, read> a: array<vec4f>;
@group(0) @binding(1) var<storage, read> b: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> y: array<vec4f>;
@group(0) @binding(3) var<uniform> params: Params;

var<workgroup> aTile: array<vec4f, 8u * DOWN * STEP>; // [row, vector]
var<workgroup> bTile: array<vec4f, 4u * STEP * ACROSS>; // [value, column]

@compute @workgroup_size(ACROSS, DOWN)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(local_invocation_id) local: vec3u,
  @builtin(local_invocation_index) number: u32,
) {
  let i = group.y * 8u * DOWN;
  let j = group.x * ACROSS;
  var sum: array<vec4f, 8>;
  for (var start = 0u; start < params.k4; start += STEP) {
    for (var t = number; t < 8u * DOWN * STEP; t += ACROSS * DOWN) {
      aTile[t] = a[(i + t / STEP) * params.k4 + start + t % STEP];
    }
    for (var t = number; t < 4u * STEP * ACROSS; t += ACROSS * DOWN) {
      bTile[t] = b[(4u * start + t / ACROSS) * params.n4 + j + t % ACROSS];
    }
    workgroupBarrier();
    for (var v = 0u; v < STEP; v++) {
      let b0 = bTile[(4u * v) * ACROSS + local.x];
      let b1 = bTile[(4u * v + 1u) * ACROSS + local.x];
      let b2 = bTile[(4u * v + 2u) * ACROSS + local.x];
      let b3 = bTile[(4u * v + 3u) * ACROSS + local.x];
      for (var row = 0u; row < 8u; row++) {
        let u = aTile[(local.y + row * DOWN) * STEP + v];
        sum[row] = fma(vec4f(u.w), b3, fma(vec4f(u.z), b2, fma(vec4f(u.y), b1, fma(vec4f(u.x), b0, sum[row]))));
      }
    }
    workgroupBarrier();
  }
  for (var row = 0u; row < 8u; row++) { y[(i + local.y + row * DOWN) * params.n4 + j + local.x] = sum[row]; }
}
