// dx = dy * f'(x), element by element, where v is x or y = f(x), whichever makes the derivative cheaper.
// One invocation computes EACH vectors, as in unary.wgsl; OP has the same numbers.

// Specialisation
const OP: u32 = 0u; // which f
const SIZE: u32 = 256u; // invocations per workgroup
const EACH: u32 = 4u; // vectors per invocation, SIZE apart: a workgroup costs a CPU as much as dozens of vectors

struct Params {
  vectors: u32, // elements / 4, rounded up
}

@group(0) @binding(0) var<storage, read> v: array<vec4f>;
@group(0) @binding(1) var<storage, read> dy: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> dx: array<vec4f>;
@group(0) @binding(3) var<uniform> params: Params;

fn slope(v: vec4f) -> vec4f {
  switch OP {
    case 1u: { return v; } // exp: y
    case 2u: { return 1.0 / v; } // log: x
    case 3u: { return 0.5 / v; } // sqrt: y
    case 4u: { return sign(v); } // abs: x
    case 5u: { return 2.0 * v; } // square: x
    case 6u: { return v * (1.0 - v); } // sigmoid: y
    case 7u: { return select(vec4f(0.0), vec4f(1.0), v > vec4f(0.0)); } // relu: y
    case 8u: { // softplus: x
      let e = exp(-abs(v));
      return select(vec4f(1.0), e, v < vec4f(0.0)) / (1.0 + e);
    }
    case 9u: { return -v * v; } // reciprocal: y
    default: { return 1.0 - v * v; } // tanh: y
  }
}

@compute @workgroup_size(SIZE)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let first = (group.y * groups.x + group.x) * SIZE * EACH + lane;
  for (var j = 0u; j < EACH; j++) {
    let i = first + j * SIZE;
    if (i >= params.vectors) { return; }
    dx[i] = dy[i] * slope(v[i]);
  }
}
