// y = f(a, b), element by element, for operands of equal shape, with a number on one side, or, with BROADCAST, for operands
// that stretch to a common shape of up to six axes (NumPy's rule).
// One invocation computes EACH vectors of four, as in unary.wgsl; with BROADCAST it computes one element, and a stretched
// axis has stride 0.
// Drivers may assume that there is no NaN, so that a != a is not a test for it, and may take subnormal numbers for zero.
// What decides here is therefore decided by the bits of floats.

// Specialisation
const OP: u32 = 0u; // which f, see `f`
const SCALAR: u32 = 0u; // 1: a is params.scalar, 2: b is params.scalar, 0: neither
const BROADCAST: bool = false;
const FLOAT: bool = true; // whether T is f32
const SIZE: u32 = 256u; // invocations per workgroup
const EACH: u32 = 4u; // per invocation, SIZE apart: a workgroup costs a CPU as much as dozens of vectors
alias T = f32; // type of the operands
alias A = vec4f; // T, or four of them
alias Y = vec4f; // type of the result (u32 for a bool), or four of them
alias F = vec4f; // f32, or four of them
alias N = vec4u; // u32, or four of them
alias B = vec4<bool>; // bool, or four of them

struct Params {
  count: u32, // vectors: elements / 4, rounded up; with BROADCAST elements
  scalar: u32, // bits of a T
  second: u32, // bits of a T: clamp's upper limit, smooth L1's beta
  s1: u32, s2: u32, s3: u32, s4: u32, s5: u32, // extents of the result except the outermost, for BROADCAST
  a0: u32, a1: u32, a2: u32, a3: u32, a4: u32, a5: u32, // strides of a in elements
  b0: u32, b1: u32, b2: u32, b3: u32, b4: u32, b5: u32, // strides of b
}

@group(0) @binding(0) var<storage, read> a: array<A>;
@group(0) @binding(1) var<storage, read> b: array<A>;
@group(0) @binding(2) var<storage, read_write> y: array<Y>;
@group(0) @binding(3) var<uniform> params: Params;

fn isNanFloat(v: F) -> B {
  return (bitcast<N>(v) & N(0x7fffffffu)) > N(0x7f800000u);
}

fn isNan(v: A) -> B {
  return B(FLOAT) & isNanFloat(bitcast<F>(v));
}

fn isNonzero(v: A) -> B {
  return (bitcast<N>(v) & N(select(0xffffffffu, 0x7fffffffu, FLOAT))) != N();
}

// Integers in the order of the floats; -0 equals 0.
fn order(v: A) -> N {
  let bits = bitcast<N>(v);
  let signed = select(bits | N(0x80000000u), ~bits, bits >= N(0x80000000u));
  return select(N(0x80000000u), signed, isNonzero(v));
}

// False if either is NaN, as are all comparisons except `!=`.
fn isLess(a: A, b: A) -> B {
  if (FLOAT) { return (order(a) < order(b)) & !(isNan(a) | isNan(b)); }
  return a < b;
}

fn isEqual(a: A, b: A) -> B {
  if (FLOAT) { return (order(a) == order(b)) & !(isNan(a) | isNan(b)); }
  return a == b;
}

fn truth(holds: B) -> Y {
  return select(Y(), Y(1), holds);
}

// Constant infinities and NaNs are errors in WGSL: these are built at run time.
fn infinity() -> F {
  return bitcast<F>(N(0x7f800000u + params.count * 0u));
}

fn nan() -> F {
  return bitcast<F>(N(0x7fc00000u + params.count * 0u));
}

// x to an integer power n from -64 to 64 by repeated squaring: exact where the result is, unlike exp2(n log2(x)).
fn integerPower(x: F, n: F) -> F {
  var result = F(1.0);
  var factor = x;
  var rest = N(abs(n));
  for (var bit = 0; bit < 7; bit++) {
    result = select(result, result * factor, (rest & N(1u)) != N());
    factor *= factor;
    rest >>= N(1u);
  }
  return select(result, 1.0 / result, n < F());
}

// The power function of C (ISO/IEC 9899, annex F.10.4.4) with its special values.
fn power(x: F, n: F) -> F {
  let magnitude = abs(x);
  let isWhole = n == trunc(n);
  let isSmall = isWhole & (abs(n) <= F(64.0));
  let isOdd = isWhole & (abs(n) < F(16777216.0)) & (fract(abs(n) * 0.5) != F());
  let grows = (magnitude > F(1.0)) == (n > F());
  let isExtreme = (magnitude == F()) | (magnitude == infinity()) | (abs(n) == infinity());
  var result = pow(magnitude, n);
  result = select(result, select(F(), infinity(), grows), isExtreme);
  result = select(result, F(1.0), (magnitude == F(1.0)) & (abs(n) == infinity()));
  result = select(result, -result, isOdd & (bitcast<N>(x) >= N(0x80000000u)));
  // A negative number has a real power only for integer exponents.
  result = select(result, nan(), (x < F()) & !isWhole & !isExtreme);
  result = select(result, integerPower(x, select(F(), n, isSmall)), isSmall & !isExtreme);
  let isUnknown = isNanFloat(x) | isNanFloat(n);
  result = select(result, nan(), isUnknown);
  return select(result, F(1.0), (n == F()) | (x == F(1.0)));
}

// Arc tangent of v in [0, 1] by the polynomial of Cephes' atanf, which is accurate to 2 units in the last place.
fn arcTangent(v: F) -> F {
  let isLarge = v > F(0.41421356);
  let t = select(v, (v - 1.0) / (v + 1.0), isLarge);
  let z = t * t;
  let p = (((8.05374449538e-2 * z - 1.38776856032e-1) * z + 1.99777106478e-1) * z - 3.33329491539e-1) * z * t + t;
  return select(p, p + 0.7853981634, isLarge);
}

// The angle of the point (x, y), in (-pi, pi].
fn angle(y: F, x: F) -> F {
  let high = max(abs(x), abs(y));
  let low = min(abs(x), abs(y));
  var v = arcTangent(select(low / high, select(F(), F(1.0), low == high), (high == F()) | (low == infinity())));
  v = select(v, F(), high == F());
  v = select(v, 1.5707963268 - v, abs(y) > abs(x));
  v = select(v, 3.1415926536 - v, bitcast<N>(x) >= N(0x80000000u));
  v = select(v, -v, bitcast<N>(y) >= N(0x80000000u));
  let isUnknown = isNanFloat(x) | isNanFloat(y);
  return select(v, nan(), isUnknown);
}

fn f(a: A, b: A) -> Y {
  let second = A(bitcast<T>(params.second));
  switch OP {
    case 0u: { return Y(a + b); }
    case 1u: { return Y(a - b); }
    case 2u: { return Y(a * b); }
    case 3u: { return Y(a / b); }
    case 4u: { return Y(power(F(a), F(b))); }
    case 5u: { return Y(select(select(b, a, isLess(a, b) | isNan(a)), b, isNan(b))); } // minimum
    case 6u: { return Y(select(select(b, a, isLess(b, a) | isNan(a)), b, isNan(b))); } // maximum
    case 7u: { return truth(isEqual(a, b)); }
    case 8u: { return truth(!isEqual(a, b)); }
    case 9u: { return truth(isLess(a, b)); }
    case 10u: { return truth(isLess(a, b) | isEqual(a, b)); }
    case 11u: { return truth(isLess(b, a)); }
    case 12u: { return truth(isLess(b, a) | isEqual(a, b)); }
    case 13u: { return truth(isNonzero(a) & isNonzero(b)); } // logical and
    case 14u: { return truth(isNonzero(a) | isNonzero(b)); }
    case 15u: { return truth(isNonzero(a) != isNonzero(b)); }
    case 16u: { return Y(angle(F(a), F(b))); } // atan2
    case 17u: { return Y(select(select(a, b, isLess(a, b)), second, isLess(second, a))); } // clamp to [b, second]
    case 18u: { // smooth L1 (Girshick, Fast R-CNN, equation 3, with the turning point beta = second)
      let d = abs(F(a) - F(b));
      let beta = F(second);
      return Y(select(d - 0.5 * beta, 0.5 * d * d / beta, d < beta));
    }
    // Derivatives with respect to a, to be multiplied by dy. Of two operands that tie, each gets half.
    case 19u: { return select(select(Y(F(1.0)), Y(F(0.5)), isEqual(a, b)), Y(), isLess(b, a)); } // minimum
    case 20u: { return select(select(Y(F(1.0)), Y(F(0.5)), isEqual(a, b)), Y(), isLess(a, b)); } // maximum
    case 21u: { return truth(!(isLess(a, b) | isLess(second, a) | isNan(a))); } // clamp
    case 22u: { // smooth L1
      let d = F(a) - F(b);
      let beta = F(second);
      let inside = select(d / beta, d, beta == F());
      return Y(select(select(inside, F(1.0), (d >= beta) & (d != F())), F(-1.0), (d <= -beta) & (d != F())));
    }
    case 23u: { return Y(select(F(b) * power(F(a), F(b) - 1.0), F(), F(b) == F())); } // pow
    case 24u: { // pow, with respect to b: pow(a, b) log(a), and 0 where a = 0 and b >= 0
      let base = F(a);
      let logarithm = select(select(log(abs(base)), nan(), (base < F()) | isNanFloat(base)), -infinity(), base == F());
      return Y(select(power(base, F(b)) * logarithm, F(), (base == F()) & (F(b) >= F())));
    }
    case 25u: { return truth(isEqual(a, b) | (isNan(a) & isNan(b))); } // same: NaN is NaN
    // a b where b is not 0, for a gradient and a mask: 0 times an infinite gradient is 0.
    default: { return select(Y(), Y(a * b), isNonzero(b)); }
  }
}

@compute @workgroup_size(SIZE)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let first = (group.y * groups.x + group.x) * SIZE * EACH + lane;
  for (var j = 0u; j < EACH; j++) {
    let i = first + j * SIZE;
    if (i >= params.count) { return; }
    var left = i;
    var right = i;
    if (BROADCAST) {
      var rest = i;
      let i5 = rest % params.s5; rest /= params.s5;
      let i4 = rest % params.s4; rest /= params.s4;
      let i3 = rest % params.s3; rest /= params.s3;
      let i2 = rest % params.s2; rest /= params.s2;
      let i1 = rest % params.s1; rest /= params.s1;
      left = rest * params.a0 + i1 * params.a1 + i2 * params.a2 + i3 * params.a3 + i4 * params.a4 + i5 * params.a5;
      right = rest * params.b0 + i1 * params.b1 + i2 * params.b2 + i3 * params.b3 + i4 * params.b4 + i5 * params.b5;
    }
    var p = A(bitcast<T>(params.scalar));
    var q = p;
    if (SCALAR != 1u) { p = a[left]; }
    if (SCALAR != 2u) { q = b[right]; }
    y[i] = f(p, q);
  }
}
