// y[b, m, k] = relu(scale[k] sum over t, v of a[b, m, t, v] w[b, t, v, k] + bias[k] + add[b, m, k]), as gemm_subgroup.wgsl computes it, for
// GPUs: the operands of a workgroup are staged in workgroup memory, from which each value is read by many invocations.
// x is [B, N, H, W, C / 4] vectors, w is [B, spans, 4 span, K / 4], y and add are [B, N, P, Q, K / 4].
// A workgroup of TX x TY invocations computes 8 TY pixels times 8 TX channels, 16 values of the sum at a time: all load the
// next 16 into registers while they multiply the last ones, so that none waits for memory. An invocation computes
// 8 pixels, TY apart, times 2 vectors of channels, TX apart: neighbours then read neighbouring vectors, which lie in
// different banks of workgroup memory.

// Specialisation
const TX: u32 = 16u; // invocations along the channels: 8 or 16
const TY: u32 = 16u; // invocations along the pixels: 8 or 16
const TRANSPOSED: bool = false; // w is a filter [R, S, K, C / 4] as it is, read flipped and transposed: for its input gradient

struct Params {
  h: u32, w: u32, c4: u32, // size of x, channels in vectors
  p: u32, q: u32, k4: u32, // size of y
  rows: u32, cols: u32, pixels: u32, // outputs of this launch per image and in all
  phaseY: u32, phaseX: u32, divY: u32, divX: u32, // output row = phaseY + i divY
  rowStart: i32, rowScale: i32, rowStep: i32, spansY: u32,
  colStart: i32, colScale: i32, colStep: i32, spansX: u32,
  span: u32, // vectors per span
  xBatch: u32, wBatch: u32, yBatch: u32, // vectors from one product of the batch to the next
  groupC4: u32, groupK4: u32, // channels of a group in vectors: those of y read only those of x
  lastTap: u32, tapDown: u32, tapAcross: u32, // only gemm_tile: with TRANSPOSED, tap (i, j) of the sum is lastTap - i tapDown - j tapAcross
  hasScale: u32, hasBias: u32, hasAdd: u32, relu: u32, // 1 for yes: parameters, so that there is one kernel to compile
}

@group(0) @binding(0) var<storage, read> x: array<vec4f>;
@group(0) @binding(1) var<storage, read> w: array<vec4f>;
@group(0) @binding(2) var<storage, read> scale: array<vec4f>; // any tensor without hasScale
@group(0) @binding(3) var<storage, read> bias: array<vec4f>; // any tensor without hasBias
@group(0) @binding(4) var<storage, read> add: array<vec4f>; // any tensor without hasAdd
@group(0) @binding(5) var<storage, read_write> y: array<vec4f>;
@group(0) @binding(6) var<uniform> params: Params;

const THREADS = TX * TY;
const PIXELS = 8u * TY; // of a workgroup
const COLUMNS = 2u * TX; // vectors of channels of a workgroup
const STEP = 4u; // vectors of the sum at a time
const A_LOADS = PIXELS * STEP / THREADS; // vectors that an invocation loads
const B_LOADS = 4u * STEP * COLUMNS / THREADS;

var<workgroup> aTile: array<vec4f, PIXELS * STEP>; // [pixel, vector]
var<workgroup> bTile: array<vec4f, 4u * STEP * COLUMNS>; // [value, channels]

// An output pixel of this launch: image, row and column.
struct Place { image: u32, row: u32, column: u32 }

fn place(pixel: u32) -> Place {
  let line = pixel / params.cols;
  return Place(line / params.rows, line % params.rows, pixel % params.cols);
}

// A vector of the sum: span (ty, tx), pixel of the span, vector of the pixel.
struct Term { ty: u32, tx: u32, pixel: u32, vector: u32 }

// The same with `vector` within its pixel. No division: it takes as long as dozens of multiply-adds.
fn settled(term: Term) -> Term {
  var t = term;
  while (t.vector >= params.groupC4) {
    t.vector -= params.groupC4;
    t.pixel++;
    if (t.pixel * params.groupC4 == params.span) {
      t.pixel = 0u;
      t.tx++;
      if (t.tx == params.spansX) {
        t.tx = 0u;
        t.ty++;
      }
    }
  }
  return t;
}

@compute @workgroup_size(TX, TY)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_id) id: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let blocks = (params.k4 + COLUMNS - 1u) / COLUMNS;
  let batch = group.z / blocks;
  let firstColumn = group.z % blocks * COLUMNS;
  let channel = batch * params.xBatch + firstColumn / params.groupK4 * params.groupC4; // the first of its group in x
  let first = (group.y * groups.x + group.x) * PIXELS;
  let terms = params.spansY * params.spansX * params.span;

  // What this invocation loads of the left operand: one vector of each step, for a few pixels.
  var term = settled(Term(0u, 0u, 0u, local % STEP));
  var loads: array<Place, A_LOADS>;
  for (var i = 0u; i < A_LOADS; i++) { loads[i] = place(first + local / STEP + i * (THREADS / STEP)); }
  var aNext: array<vec4f, A_LOADS>;
  var bNext: array<vec4f, B_LOADS>;
  var block: mat4x4f; // where w is transposed: 4 values of the sum times 4 channels, for the first STEP x COLUMNS invocations

  var sum: array<array<vec4f, 2>, 8>;
  // One turn more than there are steps: each turn loads one step and multiplies the one before.
  let steps = (terms + STEP - 1u) / STEP;
  for (var step = 0u; step <= steps; step++) {
    if (step < steps) {
      for (var i = 0u; i < A_LOADS; i++) {
        let row = params.rowStart + i32(loads[i].row) * params.rowScale + i32(term.ty) * params.rowStep;
        let column = params.colStart + i32(loads[i].column) * params.colScale + i32(term.tx) * params.colStep + i32(term.pixel);
        let inside = u32(row) < params.h && u32(column) < params.w && term.ty < params.spansY;
        let at = ((loads[i].image * params.h + u32(row)) * params.w + u32(column)) * params.c4 + term.vector;
        aNext[i] = select(vec4f(), x[select(0u, channel + at, inside)], inside);
      }
      if (TRANSPOSED) {
        // The same vector of the sum as that of the left operand. A span has either one pixel or all taps of a row.
        let column = firstColumn + local / STEP;
        let inside = term.ty < params.spansY && column < params.k4 && local < STEP * COLUMNS;
        let tap = params.lastTap - term.ty * params.tapDown - (term.tx + term.pixel) * params.tapAcross;
        let at = select(0u, 4u * (tap * params.k4 + column) * params.c4 + term.vector, inside);
        for (var j = 0u; j < 4u; j++) { block[j] = select(vec4f(), w[at + j * params.c4], inside); }
        block = transpose(block);
      } else {
        for (var i = 0u; i < B_LOADS; i++) {
          let value = step * 4u * STEP + (local + i * THREADS) / COLUMNS;
          let column = firstColumn + (local + i * THREADS) % COLUMNS;
          let inside = value < 4u * terms && column < params.k4;
          bNext[i] = select(vec4f(), w[select(0u, batch * params.wBatch + value * params.k4 + column, inside)], inside);
        }
      }
      term.vector += STEP;
      term = settled(term);
    }
    if (step > 0u) {
      for (var v = 0u; v < STEP; v++) {
        var b: array<array<vec4f, 2>, 4>;
        for (var j = 0u; j < 4u; j++) {
          for (var c = 0u; c < 2u; c++) { b[j][c] = bTile[(4u * v + j) * COLUMNS + id.x + c * TX]; }
        }
        for (var i = 0u; i < 8u; i++) {
          let a = aTile[(id.y + i * TY) * STEP + v];
          for (var c = 0u; c < 2u; c++) {
            sum[i][c] = fma(vec4f(a.w), b[3][c], fma(vec4f(a.z), b[2][c], fma(vec4f(a.y), b[1][c], fma(vec4f(a.x), b[0][c], sum[i][c]))));
          }
        }
      }
    }
    workgroupBarrier();
    for (var i = 0u; i < A_LOADS; i++) { aTile[local + i * THREADS] = aNext[i]; }
    if (!TRANSPOSED) {
      for (var i = 0u; i < B_LOADS; i++) { bTile[local + i * THREADS] = bNext[i]; }
    } else if (local < STEP * COLUMNS) {
      for (var j = 0u; j < 4u; j++) { bTile[(4u * (local % STEP) + j) * COLUMNS + local / STEP] = block[j]; }
    }
    workgroupBarrier();
  }

  for (var c = 0u; c < 2u; c++) {
    let k = firstColumn + id.x + c * TX;
    if (k >= params.k4) { break; }
    var factor = vec4f(1.0);
    if (params.hasScale != 0u) { factor = scale[k]; }
    var offset = vec4f();
    if (params.hasBias != 0u) { offset = bias[k]; }
    for (var i = 0u; i < 8u; i++) {
      let m = first + id.y + i * TY;
      if (m >= params.pixels) { break; }
      let o = place(m);
      let outRow = o.image * params.p + params.phaseY + o.row * params.divY;
      let at = batch * params.yBatch + (outRow * params.q + params.phaseX + o.column * params.divX) * params.k4 + k;
      var value = sum[i][c] * factor + offset;
      if (params.hasAdd != 0u) { value += add[at]; }
      if (params.relu != 0u) { value = select(value, vec4f(), value < vec4f()); } // a NaN stays a NaN
      y[at] = value;
    }
  }
}
