// From the sums over each split of the rows, the gradients of batch normalisation per channel, over n rows:
//   dbeta = sum dy,  dgamma = inverse sum dy (x - mean)
// and the factors of dx = scale dy + q (x - mean) + r:  q = -scale inverse dgamma / n,  r = -scale dbeta / n.
// One invocation handles one channel, or with V = vec4f four.

// Specialisation
const SIZE: u32 = 64u; // invocations per workgroup
alias V = vec4f; // f32 where the channels are not a multiple of four

struct Params {
  rows: u32, // of all images
  channels: u32, // in units of V
  splits: u32, // of all images
}

@group(0) @binding(0) var<storage, read> sums: array<V>; // [splits, C]
@group(0) @binding(1) var<storage, read> products: array<V>; // [splits, C]
@group(0) @binding(2) var<storage, read> inverse: array<V>;
@group(0) @binding(3) var<storage, read> scale: array<V>;
@group(0) @binding(4) var<storage, read_write> dgamma: array<V>;
@group(0) @binding(5) var<storage, read_write> dbeta: array<V>;
@group(0) @binding(6) var<storage, read_write> q: array<V>;
@group(0) @binding(7) var<storage, read_write> r: array<V>;
@group(0) @binding(8) var<uniform> params: Params;

@compute @workgroup_size(SIZE)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let c = id.x;
  if (c >= params.channels) { return; }
  var sum = V();
  var product = V();
  for (var split = 0u; split < params.splits; split++) {
    sum += sums[split * params.channels + c];
    product += products[split * params.channels + c];
  }
  let gradient = inverse[c] * product;
  let n = f32(params.rows);
  dgamma[c] = gradient;
  dbeta[c] = sum;
  q[c] = -scale[c] * inverse[c] * gradient / n;
  r[c] = -scale[c] * sum / n;
}
