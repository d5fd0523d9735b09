// y[i, j] = sum over l of a[i, l] b[l, j]: tiles of 16 x 16 of a and b in workgroup memory.
// a is [M, K], b is [K, N], y is [M, N], row-major; M, N and K are multiples of 16.
// Cost: every value that is loaded from memory serves 16 invocations, so that memory is read K / 16 times less. Each
// multiply-add still loads 2 values, now from workgroup memory, which is as fast as the cache: bandwidth outside of the
// chip is no longer the limit, but loading is.

const TILE = 16u;
struct Params { m: u32, n: u32, k: u32 }

@group(0) @binding(0) var<storage, read> a: array<f32>;
@group(0) @binding(1) var<storage, read> b: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;
@group(0) @binding(3) var<uniform> params: Params;

var<workgroup> aTile: array<f32, TILE * TILE>;
var<workgroup> bTile: array<f32, TILE * TILE>;

@compute @workgroup_size(TILE, TILE)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(local_invocation_id) local: vec3u) {
  let mine = local.y * TILE + local.x;
  var sum = 0.0;
  for (var start = 0u; start < params.k; start += TILE) {
    aTile[mine] = a[id.y * params.k + start + local.x];
    bTile[mine] = b[(start + local.y) * params.n + id.x];
    workgroupBarrier(); // all have loaded
    for (var l = 0u; l < TILE; l++) { sum += aTile[local.y * TILE + l] * bTile[l * TILE + local.x]; }
    workgroupBarrier(); // all have read
  }
  y[id.y * params.n + id.x] = sum;
}
