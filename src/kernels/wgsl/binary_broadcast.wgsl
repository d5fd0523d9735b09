// y[i] = f(a[broadcast i], b[broadcast i]) for operands that stretch to a common shape of up to six axes (NumPy's rule).
// One invocation computes one element; a stretched axis has stride 0. OP has the numbers of binary.wgsl.

// Specialisation
const OP: u32 = 0u; // which f, see `f`
const SIZE: u32 = 64u; // invocations per workgroup
alias T = f32; // type of the operands
alias U = f32; // type of the result: u32 for comparisons

struct Params {
  count: u32, // elements
  beta: f32, // smooth L1: where the loss turns from quadratic to linear
  s1: u32, s2: u32, s3: u32, s4: u32, s5: u32, // extents of the result except the outermost
  a0: u32, a1: u32, a2: u32, a3: u32, a4: u32, a5: u32, // strides of a in elements
  b0: u32, b1: u32, b2: u32, b3: u32, b4: u32, b5: u32, // strides of b
}

@group(0) @binding(0) var<storage, read> a: array<T>;
@group(0) @binding(1) var<storage, read> b: array<T>;
@group(0) @binding(2) var<storage, read_write> y: array<U>;
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
  let i = (group.y * groups.x + group.x) * SIZE + lane;
  if (i >= params.count) { return; }
  var rest = i;
  let i5 = rest % params.s5; rest /= params.s5;
  let i4 = rest % params.s4; rest /= params.s4;
  let i3 = rest % params.s3; rest /= params.s3;
  let i2 = rest % params.s2; rest /= params.s2;
  let i1 = rest % params.s1; rest /= params.s1;
  let p = rest * params.a0 + i1 * params.a1 + i2 * params.a2 + i3 * params.a3 + i4 * params.a4 + i5 * params.a5;
  let q = rest * params.b0 + i1 * params.b1 + i2 * params.b2 + i3 * params.b3 + i4 * params.b4 + i5 * params.b5;
  y[i] = f(a[p], b[q]);
}
