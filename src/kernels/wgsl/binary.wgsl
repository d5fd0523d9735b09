// y = f(a, b), element by element, for operands of equal shape or with a number on one side.
// One invocation computes EACH vectors, as in unary.wgsl.

// Specialisation
const OP: u32 = 0u; // which f, see `f`
const SCALAR: u32 = 0u; // 1: a is params.scalar, 2: b is params.scalar, 0: neither
const SIZE: u32 = 256u; // invocations per workgroup
const EACH: u32 = 4u; // per invocation, SIZE apart: a workgroup costs a CPU as much as dozens of vectors
alias T = f32; // type of the operands
alias U = f32; // type of the result: u32 for comparisons

struct Params {
  count: u32, // vectors: elements / 4, rounded up
  scalar: f32,
  beta: f32, // smooth L1: where the loss turns from quadratic to linear
}

@group(0) @binding(0) var<storage, read> a: array<vec4<T>>;
@group(0) @binding(1) var<storage, read> b: array<vec4<T>>;
@group(0) @binding(2) var<storage, read_write> y: array<vec4<U>>;
@group(0) @binding(3) var<uniform> params: Params;

fn power(base: f32, exponent: f32) -> f32 {
  if (exponent == 0.0) { return 1.0; }
  if (base == 0.0) { return select(0.0, bitcast<f32>(0x7f800000u + params.count * 0u), exponent < 0.0); }
  let magnitude = pow(abs(base), exponent);
  if (base > 0.0) { return magnitude; }
  let whole = exponent == trunc(exponent);
  let odd = fract(abs(exponent) * 0.5) != 0.0;
  // A negative base has a real power only for integer exponents. The NaN is built at run time: a constant one is an error.
  return select(bitcast<f32>(0x7fc00000u + params.count * 0u), select(magnitude, -magnitude, odd), whole);
}

fn f(a: T, b: T) -> U {
  switch OP {
    case 0u: { return U(a + b); }
    case 1u: { return U(a - b); }
    case 2u: { return U(a * b); }
    case 3u: { return U(a / b); }
    case 4u: { return U(power(f32(a), f32(b))); }
    case 5u: { return U(select(b, a, a < b || a != a)); } // minimum
    case 6u: { return U(select(b, a, a > b || a != a)); } // maximum
    case 7u: { return U(select(0, 1, a == b)); }
    case 8u: { return U(select(0, 1, a != b)); }
    case 9u: { return U(select(0, 1, a < b)); }
    case 10u: { return U(select(0, 1, a <= b)); }
    case 11u: { return U(select(0, 1, a > b)); }
    case 12u: { return U(select(0, 1, a >= b)); }
    case 13u: { // d minimum(a, b) / da: a tie shares its gradient
      return U(select(select(0.0, 0.5, a == b), 1.0, a < b));
    }
    case 14u: { // d maximum(a, b) / da
      return U(select(select(0.0, 0.5, a == b), 1.0, a > b));
    }
    case 15u: { // smooth L1 (Girshick, Fast R-CNN, equation 3, with the turning point beta)
      let d = abs(f32(a) - f32(b));
      return U(select(d - 0.5 * params.beta, 0.5 * d * d / params.beta, d < params.beta));
    }
    case 16u: { // d smoothL1(a, b) / da
      let d = f32(a) - f32(b);
      return U(select(sign(d), d / params.beta, abs(d) < params.beta));
    }
    default: { // d pow(a, b) / db = pow(a, b) log(a), taken as 0 where log is not defined
      let base = f32(a);
      return U(select(0.0, power(base, f32(b)) * log(max(base, 1e-45)), base > 0.0));
    }
  }
}

@compute @workgroup_size(SIZE)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let first = (group.y * groups.x + group.x) * SIZE * EACH + lane;
  for (var j = 0u; j < EACH; j++) {
    let i = first + j * SIZE;
    if (i >= params.count) { return; }
    var p = vec4<T>(T(params.scalar));
    var q = p;
    if (SCALAR != 1u) { p = a[i]; }
    if (SCALAR != 2u) { q = b[i]; }
    y[i] = vec4<U>(f(p.x, q.x), f(p.y, q.y), f(p.z, q.z), f(p.w, q.w));
  }
}
