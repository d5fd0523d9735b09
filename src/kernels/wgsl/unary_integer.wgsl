// y = f(x), element by element, for integers.
// One invocation computes four neighbouring elements, as in unary.wgsl; OP has the same numbers.

// Specialisation
const OP: u32 = 0u; // which f
const SIZE: u32 = 64u; // invocations per workgroup
alias V = vec4i; // vec4u for unsigned integers

struct Params {
  vectors: u32, // elements / 4, rounded up
}

@group(0) @binding(0) var<storage, read> x: array<V>;
@group(0) @binding(1) var<storage, read_write> y: array<V>;
@group(0) @binding(2) var<uniform> params: Params;

fn f(v: V) -> V {
  switch OP {
    case 0u: { return V() - v; } // neg
    case 4u: { return abs(v); }
    case 5u: { return v * v; }
    case 7u: { return max(v, V()); } // relu
    default: { return select(V(), V(1), v > V()) - select(V(), V(1), v < V()); } // sign
  }
}

@compute @workgroup_size(SIZE)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let i = (group.y * groups.x + group.x) * SIZE + lane;
  if (i < params.vectors) {
    y[i] = f(x[i]);
  }
}
