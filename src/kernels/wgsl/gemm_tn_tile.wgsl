// y[b, split, t, v, k] = sum over the pixels m of one split of a[b, m, t, v] z[b, m, k], as gemm_tn_subgroup.wgsl computes it, for
// GPUs: the operands of a workgroup are staged in workgroup memory, as in gemm_tile.wgsl.
// x is [B, N, H, W, C / 4] vectors, z is [B, N, P, Q, K / 4], y is [B, splits, spans, 4 span, K / 4].
// A workgroup of TX x TY invocations computes 8 TY values of the spans times 8 TX channels k, 16 pixels of the sum at a time. An
// invocation computes 2 vectors of values, TY apart, times 2 vectors of channels, TX apart.

// Specialisation
const TX: u32 = 16u; // invocations along k: 8 or 16
const TY: u32 = 16u; // invocations along the values: 8 or 16

struct Params {
  h: u32, w: u32, c4: u32, // size of x, channels in vectors
  p: u32, q: u32, k4: u32, // size of z
  rowStart: i32, rowScale: i32, rowStep: i32,
  colStart: i32, colScale: i32, colStep: i32, spansX: u32,
  spans: u32,
  groupC4: u32, groupK4: u32, // channels of a group in vectors: those of z meet only those of x
  span: u32, // vectors per span
  pixels: u32, // N P Q
  splits: u32, perSplit: u32, // how many, and pixels of each
  xBatch: u32, zBatch: u32, // vectors from one product of the batch to the next
}

@group(0) @binding(0) var<storage, read> x: array<vec4f>;
@group(0) @binding(1) var<storage, read> z: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> y: array<vec4f>;
@group(0) @binding(3) var<uniform> params: Params;

const THREADS = TX * TY;
const VALUES = 2u * TY; // vectors of values of a workgroup
const COLUMNS = 2u * TX; // vectors of channels of a workgroup
const STEP = 16u; // pixels at a time
const A_LOADS = STEP * VALUES / THREADS; // vectors that an invocation loads
const B_LOADS = STEP * COLUMNS / THREADS;

var<workgroup> aTile: array<vec4f, STEP * VALUES>; // [pixel, values]
var<workgroup> bTile: array<vec4f, STEP * COLUMNS>; // [pixel, channels]

// A pixel of z: image, row and column.
struct Place { image: u32, row: u32, column: u32 }

// The same with `column` within its row.
fn settled(place: Place) -> Place {
  var o = place;
  while (o.column >= params.q) {
    o.column -= params.q;
    o.row++;
    if (o.row == params.p) {
      o.row = 0u;
      o.image++;
    }
  }
  return o;
}

@compute @workgroup_size(TX, TY)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(local_invocation_id) id: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let vectors = params.spans * params.span;
  let firstColumn = group.x * COLUMNS;
  let firstVector = group.y * VALUES;
  let batch = group.z / params.splits;
  let begin = group.z % params.splits * params.perSplit;
  let end = min(begin + params.perSplit, params.pixels);

  // What this invocation loads of the left operand: one vector of values, for a few pixels of each step.
  let mine = firstVector + local % VALUES;
  let t = mine / params.span;
  let v = mine % params.span;
  let down = params.rowStart + i32(t / params.spansX) * params.rowStep;
  let right = params.colStart + i32(t % params.spansX) * params.colStep + i32(v / params.groupC4);
  let channel = batch * params.xBatch + firstColumn / params.groupK4 * params.groupC4 + v % params.groupC4;
  var loads: array<Place, A_LOADS>;
  for (var i = 0u; i < A_LOADS; i++) {
    let m = begin + local / VALUES + i * (THREADS / VALUES);
    let line = m / params.q;
    loads[i] = Place(line / params.p, line % params.p, m % params.q);
  }
  var aNext: array<vec4f, A_LOADS>;
  var bNext: array<vec4f, B_LOADS>;

  var sum: array<array<vec4f, 2>, 8>; // [values, channels]
  // One turn more than there are steps: each turn loads one step and multiplies the one before.
  let steps = (max(end, begin) - begin + STEP - 1u) / STEP;
  for (var step = 0u; step <= steps; step++) {
    if (step < steps) {
      let m = begin + step * STEP;
      for (var i = 0u; i < A_LOADS; i++) {
        let row = down + i32(loads[i].row) * params.rowScale;
        let column = right + i32(loads[i].column) * params.colScale;
        let isPixel = m + local / VALUES + i * (THREADS / VALUES) < end;
        let inside = isPixel && mine < vectors && u32(row) < params.h && u32(column) < params.w;
        let at = ((loads[i].image * params.h + u32(row)) * params.w + u32(column)) * params.c4 + channel;
        aNext[i] = select(vec4f(), x[select(0u, at, inside)], inside);
        loads[i].column += STEP;
        loads[i] = settled(loads[i]);
      }
      for (var i = 0u; i < B_LOADS; i++) {
        let pixel = m + (local + i * THREADS) / COLUMNS;
        let column = firstColumn + (local + i * THREADS) % COLUMNS;
        let inside = pixel < end && column < params.k4;
        bNext[i] = select(vec4f(), z[select(0u, batch * params.zBatch + pixel * params.k4 + column, inside)], inside);
      }
    }
    if (step > 0u) {
      for (var pixel = 0u; pixel < STEP; pixel++) {
        let b0 = bTile[pixel * COLUMNS + id.x];
        let b1 = bTile[pixel * COLUMNS + id.x + TX];
        for (var i = 0u; i < 2u; i++) {
          let a = aTile[pixel * VALUES + id.y + i * TY];
          for (var j = 0u; j < 4u; j++) {
            sum[4u * i + j][0] = fma(vec4f(a[j]), b0, sum[4u * i + j][0]);
            sum[4u * i + j][1] = fma(vec4f(a[j]), b1, sum[4u * i + j][1]);
          }
        }
      }
    }
    workgroupBarrier();
    for (var i = 0u; i < A_LOADS; i++) { aTile[local + i * THREADS] = aNext[i]; }
    for (var i = 0u; i < B_LOADS; i++) { bTile[local + i * THREADS] = bNext[i]; }
    workgroupBarrier();
  }

  for (var i = 0u; i < 2u; i++) {
    let vector = firstVector + id.y + i * TY;
    for (var c = 0u; c < 2u; c++) {
      let k = firstColumn + id.x + c * TX;
      if (vector >= vectors || k >= params.k4) { continue; }
      for (var j = 0u; j < 4u; j++) {
        y[((group.z * vectors + vector) * 4u + j) * params.k4 + k] = sum[4u * i + j][c];
      }
    }
  }
}
