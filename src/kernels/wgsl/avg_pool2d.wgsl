// y[n, p, q, c] = mean of x[n, h, w, c] over the window of p, q: with COUNT_PAD of the part on the padded image, counting
// zeros, otherwise of the part on the image; 0 if there is none. With GRADIENT, x is dy and y is dx: each input pixel sums the
// windows that contain it, each divided by what its mean was divided by.
// One invocation computes one element of y, or with V = vec4f four neighbouring channels.

// Specialisation
const SIZE: u32 = 64u; // invocations per workgroup
const COUNT_PAD: bool = true;
const GRADIENT: bool = false;
alias V = vec4f; // f32 where the channels are not a multiple of four

struct Params {
  elements: u32, // in units of V, like the channels
  h: i32, w: i32, c: u32, p: i32, q: i32, // sizes of the forward input and output
  kernelY: i32, kernelX: i32,
  strideY: i32, strideX: i32,
  padY: i32, padX: i32,
  dilationY: i32, dilationX: i32,
}

@group(0) @binding(0) var<storage, read> x: array<V>;
@group(0) @binding(1) var<storage, read_write> y: array<V>;
@group(0) @binding(2) var<uniform> params: Params;

// How many elements of the window of output p count along one axis.
fn extent(p: i32, stride: i32, padding: i32, dilation: i32, kernel: i32, size: i32) -> i32 {
  let begin = p * stride - padding;
  // The elements from `first` to `last`, exclusive, lie on the image or the padded one.
  let first = select((max(-begin, 0) + dilation - 1) / dilation, 0, COUNT_PAD);
  let end = select(size, size + padding, COUNT_PAD);
  let last = min((max(end - begin, 0) + dilation - 1) / dilation, kernel);
  return max(last - first, 0);
}

fn divisor(p: i32, q: i32) -> f32 {
  let down = extent(p, params.strideY, params.padY, params.dilationY, params.kernelY, params.h);
  let across = extent(q, params.strideX, params.padX, params.dilationX, params.kernelX, params.w);
  return f32(max(down * across, 1));
}

@compute @workgroup_size(SIZE)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let i = (group.y * groups.x + group.x) * SIZE + lane;
  if (i >= params.elements) { return; }
  let c = i % params.c;
  let rows = select(params.p, params.h, GRADIENT);
  let columns = select(params.q, params.w, GRADIENT);
  let column = i32(i / params.c) % columns;
  let row = i32(i / params.c) / columns % rows;
  let image = i32(i / params.c) / columns / rows;
  var sum = V();
  for (var r = 0; r < params.kernelY; r++) {
    for (var s = 0; s < params.kernelX; s++) {
      if (GRADIENT) {
        let a = row + params.padY - r * params.dilationY;
        let b = column + params.padX - s * params.dilationX;
        if (a < 0 || b < 0 || a % params.strideY != 0 || b % params.strideX != 0) { continue; }
        let p = a / params.strideY;
        let q = b / params.strideX;
        if (p >= params.p || q >= params.q) { continue; }
        sum += x[u32((image * params.p + p) * params.q + q) * params.c + c] / divisor(p, q);
      } else {
        let h = row * params.strideY - params.padY + r * params.dilationY;
        let w = column * params.strideX - params.padX + s * params.dilationX;
        if (h < 0 || w < 0 || h >= params.h || w >= params.w) { continue; }
        sum += x[u32((image * params.h + h) * params.w + w) * params.c + c];
      }
    }
  }
  y[i] = select(sum / divisor(row, column), sum, GRADIENT);
}
