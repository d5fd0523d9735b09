// y = f(x), element by element.
// One invocation computes EACH vectors of four neighbouring elements. Order and shape do not matter, and the last vector
// may extend into the buffer's padding, which is never read.

// Specialisation
const OP: u32 = 0u; // which f, see `f`
const SIZE: u32 = 256u; // invocations per workgroup
const EACH: u32 = 4u; // vectors per invocation, SIZE apart: a workgroup costs a CPU as much as dozens of vectors

struct Params {
  vectors: u32, // elements / 4, rounded up
}

@group(0) @binding(0) var<storage, read> x: array<vec4f>;
@group(0) @binding(1) var<storage, read_write> y: array<vec4f>;
@group(0) @binding(2) var<uniform> params: Params;

// log(1 + e) for 0 <= e <= 1, with full relative precision: 2 atanh(e / (2 + e)) as a series.
fn log1p(e: vec4f) -> vec4f {
  let s = e / (2.0 + e);
  let z = s * s;
  return 2.0 * s * (1.0 + z * (1.0 / 3.0 + z * (0.2 + z * (1.0 / 7.0 + z * (1.0 / 9.0 + z * (1.0 / 11.0 + z / 13.0))))));
}

// 1 / (1 + exp(-v)) without overflow.
fn sigmoid(v: vec4f) -> vec4f {
  let e = exp(-abs(v));
  return select(vec4f(1.0), e, v < vec4f(0.0)) / (1.0 + e);
}

fn f(v: vec4f) -> vec4f {
  switch OP {
    case 0u: { return -v; }
    case 1u: { return exp(v); }
    case 2u: { return select(log(v), -1.0 / abs(v), v == vec4f(0.0)); } // not all drivers give log(0) = -infinity
    case 3u: { return sqrt(v); }
    case 4u: { return abs(v); }
    case 5u: { return v * v; }
    case 6u: { return sigmoid(v); }
    case 7u: { return select(v, vec4f(0.0), v < vec4f(0.0)); } // relu; a NaN stays a NaN
    case 8u: { return max(v, vec4f(0.0)) + log1p(exp(-abs(v))); } // softplus
    case 9u: { return 1.0 / v; }
    case 10u: { return 2.0 * sigmoid(2.0 * v) - 1.0; } // tanh
    default: { return sign(v); }
  }
}

@compute @workgroup_size(SIZE)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let first = (group.y * groups.x + group.x) * SIZE * EACH + lane;
  for (var j = 0u; j < EACH; j++) {
    let i = first + j * SIZE;
    if (i >= params.vectors) { return; }
    y[i] = f(x[i]);
  }
}
