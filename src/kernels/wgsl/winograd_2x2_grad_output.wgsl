// m[e, t, k] = (A dy A^T)[e] for each tile of 2x2 pixels of dy: the derivative of winograd_2x2_output.wgsl, on the way to
// the gradient of a filter. dy is [N, P, Q, K / 4] vectors, zero outside; m is [16, tiles, K / 4].
// One invocation computes one tile of four channels.

// Specialisation
const SIZE: u32 = 64u; // invocations per workgroup

struct Params {
  p: u32, q: u32, k4: u32, // size of dy, channels in vectors
  down: u32, across: u32, // tiles per image
  first: u32, tiles: u32, // of this launch
}

@group(0) @binding(0) var<storage, read> dy: array<vec4f>;
@group(0) @binding(1) var<storage, read_write> m: array<vec4f>;
@group(0) @binding(2) var<uniform> params: Params;

// A d
fn transform(d0: vec4f, d1: vec4f) -> array<vec4f, 4> {
  return array(d0, d0 + d1, d0 - d1, -d1);
}

fn load(image: u32, row: u32, column: u32, k: u32) -> vec4f {
  let inside = (row < params.p) & (column < params.q);
  let at = ((image * params.p + row) * params.q + column) * params.k4 + k;
  return select(vec4f(), dy[select(0u, at, inside)], inside);
}

fn store(first: u32, row: array<vec4f, 4>) {
  let n = params.tiles * params.k4;
  m[first] = row[0];
  m[first + n] = row[1];
  m[first + 2u * n] = row[2];
  m[first + 3u * n] = row[3];
}

@compute @workgroup_size(SIZE)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let i = (group.y * groups.x + group.x) * SIZE + lane;
  if (i >= params.tiles * params.k4) { return; }
  let k = i % params.k4;
  let tile = i / params.k4 + params.first;
  let image = tile / (params.down * params.across);
  let top = tile / params.across % params.down * 2u;
  let left = tile % params.across * 2u;
  // No loops: SwiftShader keeps arrays that are indexed by variables in memory.
  let a = transform(load(image, top, left, k), load(image, top + 1u, left, k));
  let b = transform(load(image, top, left + 1u, k), load(image, top + 1u, left + 1u, k));
  let n = 4u * params.tiles * params.k4;
  store(i, transform(a[0], b[0]));
  store(i + n, transform(a[1], b[1]));
  store(i + 2u * n, transform(a[2], b[2]));
  store(i + 3u * n, transform(a[3], b[3]));
}
