// y[m, c] = x[m, c] for c < C, and 0 for the channels that fill up the last vector of four.
// x is [rows, C], y is [rows, C' / 4] vectors with C' the next multiple of four. One invocation computes EACH vectors.

// Specialisation
const SIZE: u32 = 64u; // invocations per workgroup
const EACH: u32 = 4u; // vectors per invocation, SIZE apart

struct Params {
  vectors: u32, // of y
  c: u32, // channels of x
  c4: u32, // vectors of a row of y
}

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<vec4f>;
@group(0) @binding(2) var<uniform> params: Params;

@compute @workgroup_size(SIZE)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let first = (group.y * groups.x + group.x) * SIZE * EACH + lane;
  for (var j = 0u; j < EACH; j++) {
    let i = first + j * SIZE;
    if (i >= params.vectors) { return; }
    let c = i % params.c4 * 4u;
    let at = i / params.c4 * params.c + c;
    let last = params.c - 1u - c; // how far the row goes on from here: c is less than C
    let values = vec4f(x[at], x[at + min(1u, last)], x[at + min(2u, last)], x[at + min(3u, last)]);
    y[i] = select(vec4f(), values, vec4u(0u, 1u, 2u, 3u) <= vec4u(last));
  }
}
