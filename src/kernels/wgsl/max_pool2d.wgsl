// y[n, p, q, c] = the largest x[n, h, w, c] in the window of p, q, and places[n, p, q, c] = h W + w of the first one.
// Outside the image there is nothing: a window wholly outside gives minus infinity and the place -1. A NaN counts as largest.
// x is [N, H, W, C], y is [N, P, Q, C]. One invocation computes one element of y, or with V = vec4f four
// neighbouring channels. Rows of all images are a dimension of the grid, as in upsample.wgsl.

// Specialisation
const SIZE: u32 = 64u; // invocations per workgroup
alias V = vec4f; // f32 where the channels are not a multiple of four
alias I = vec4i; // i32 there
alias U = vec4u; // u32
alias B = vec4<bool>; // bool

struct Params {
  lines: u32, // rows of y in all images
  h: i32, w: i32,
  c: u32, // channels in units of V
  p: u32, q: u32,
  kernelY: i32, kernelX: i32,
  strideY: i32, strideX: i32,
  padY: i32, padX: i32,
  dilationY: i32, dilationX: i32,
  lowest: f32, // minus infinity, for which WGSL has no constant
}

@group(0) @binding(0) var<storage, read> x: array<V>;
@group(0) @binding(1) var<storage, read_write> y: array<V>;
@group(0) @binding(2) var<storage, read_write> places: array<I>;
@group(0) @binding(3) var<uniform> params: Params;

fn isNan(v: V) -> B {
  return (bitcast<U>(v) & U(0x7fffffffu)) > U(0x7f800000u); // v != v is compiled away by some drivers
}

@compute @workgroup_size(SIZE)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let inRow = group.x * SIZE + lane;
  if (inRow >= params.q * params.c) { return; }
  let c = inRow % params.c;
  let q = inRow / params.c;
  let line = group.z * groups.y + group.y;
  if (line >= params.lines) { return; }
  let p = line % params.p;
  let i = line * params.q * params.c + inRow;
  let image = line / params.p * u32(params.h * params.w);
  var best = V(params.lowest);
  var place = I(-1);
  for (var r = 0; r < params.kernelY; r++) {
    let row = i32(p) * params.strideY - params.padY + r * params.dilationY;
    if (row < 0 || row >= params.h) { continue; }
    for (var s = 0; s < params.kernelX; s++) {
      let column = i32(q) * params.strideX - params.padX + s * params.dilationX;
      if (column < 0 || column >= params.w) { continue; }
      let at = row * params.w + column;
      let v = x[(image + u32(at)) * params.c + c];
      let wins = (place < I(0)) | (v > best) | (isNan(v) & !isNan(best));
      best = select(best, v, wins);
      place = select(place, I(at), wins);
    }
  }
  y[i] = best;
  places[i] = place;
}
