// dx[n, h, w, c] = sum of dy[n, p, q, c] over the windows p, q whose largest element was h, w. Each input pixel looks at
// the windows that contain it, instead of each window adding to a pixel, so that no two invocations write the same place.
// One invocation computes one element of dx, or with V = vec4f four neighbouring channels.

// Specialisation
const SIZE: u32 = 64u; // invocations per workgroup
alias V = vec4f; // f32 where the channels are not a multiple of four
alias I = vec4i; // i32 there

struct Params {
  elements: u32, // in units of V, like the channels
  h: u32, w: u32, c: u32, p: i32, q: i32,
  kernelY: i32, kernelX: i32,
  strideY: i32, strideX: i32,
  padY: i32, padX: i32,
  dilationY: i32, dilationX: i32,
}

@group(0) @binding(0) var<storage, read> dy: array<V>;
@group(0) @binding(1) var<storage, read> places: array<I>;
@group(0) @binding(2) var<storage, read_write> dx: array<V>;
@group(0) @binding(3) var<uniform> params: Params;

@compute @workgroup_size(SIZE)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let i = (group.y * groups.x + group.x) * SIZE + lane;
  if (i >= params.elements) { return; }
  let c = i % params.c;
  let column = i32((i / params.c) % params.w);
  let row = i32((i / params.c / params.w) % params.h);
  let image = i32(i / params.c / params.w / params.h);
  let place = row * i32(params.w) + column;
  var sum = V();
  for (var r = 0; r < params.kernelY; r++) {
    let y = row + params.padY - r * params.dilationY;
    if (y < 0 || y % params.strideY != 0 || y / params.strideY >= params.p) { continue; }
    for (var s = 0; s < params.kernelX; s++) {
      let x = column + params.padX - s * params.dilationX;
      if (x < 0 || x % params.strideX != 0 || x / params.strideX >= params.q) { continue; }
      let at = u32((image * params.p + y / params.strideY) * params.q + x / params.strideX) * params.c + c;
      sum += select(V(), dy[at], places[at] == I(place));
    }
  }
  dx[i] = sum;
}
