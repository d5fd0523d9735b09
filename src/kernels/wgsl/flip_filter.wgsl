// y[i, j, k, c] = w[lastR - i everyR, lastS - j everyS, c, k]: the taps of a filter that meet one phase of input pixels,
// in reverse order and with channels swapped, as an input gradient convolves with them.
// w is [R, S, C, K / 4] vectors, y is [tapsR, tapsS, K, C / 4]. With groups C is the number of channels of one, and y is
// [tapsR, tapsS, K / groups, groups C / 4]: the channels change places within each group.
// One invocation transposes one block of 4x4 channels of one tap.

// Specialisation
const SIZE: u32 = 64u; // invocations per workgroup

struct Params {
  s: u32, c4: u32, k4: u32, // columns of w, channels in vectors
  groupK4: u32, // k4 / groups
  lastR: u32, everyR: u32, tapsR: u32,
  lastS: u32, everyS: u32, tapsS: u32,
}

@group(0) @binding(0) var<storage, read> w: array<vec4f>;
@group(0) @binding(1) var<storage, read_write> y: array<vec4f>;
@group(0) @binding(2) var<uniform> params: Params;

@compute @workgroup_size(SIZE)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let index = (group.y * groups.x + group.x) * SIZE + lane;
  let k4 = params.k4;
  let c4 = params.c4;
  let k = index % k4;
  let c = index / k4 % c4;
  let tap = index / k4 / c4;
  if (tap >= params.tapsR * params.tapsS) { return; }
  let r = params.lastR - tap / params.tapsS * params.everyR;
  let s = params.lastS - tap % params.tapsS * params.everyS;
  let at = ((r * params.s + s) * c4 + c) * 4u * k4 + k;
  let block = transpose(mat4x4f(w[at], w[at + k4], w[at + 2u * k4], w[at + 3u * k4]));
  let across = k4 / params.groupK4 * c4;
  let out = (tap * params.groupK4 + k % params.groupK4) * 4u * across + k / params.groupK4 * c4 + c;
  y[out] = block[0];
  y[out + across] = block[1];
  y[out + 2u * across] = block[2];
  y[out + 3u * across] = block[3];
}
