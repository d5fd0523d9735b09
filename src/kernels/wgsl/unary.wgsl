// y = f(x), element by element; with GRADIENT, y = dy f'(x), where x holds x or f(x), whichever makes the derivative cheaper.
// One invocation computes EACH vectors of four neighbouring elements. Order and shape do not matter, and the last vector
// may extend into the buffer's padding, which is never read.
// Trigonometry is in trigonometry.wgsl. WGSL's own tanh may be off by 2^-11 (WGSL specification, section 15.7.4.2), so that
// polynomials of Cephes (Moshier 1989) stand here, which are accurate to a few units in the last place on every GPU.

// Specialisation
const OP: u32 = 0u; // which f, see `f`
const GRADIENT: bool = false;
const SIZE: u32 = 256u; // invocations per workgroup
const EACH: u32 = 4u; // vectors per invocation, SIZE apart: a workgroup costs a CPU as much as dozens of vectors

struct Params {
  vectors: u32, // elements / 4, rounded up
  parameter: f32, // leaky ReLU's slope, ELU's alpha
}

@group(0) @binding(0) var<storage, read> x: array<vec4f>;
@group(0) @binding(1) var<storage, read> dy: array<vec4f>; // only read for the gradient
@group(0) @binding(2) var<storage, read_write> y: array<vec4f>;
@group(0) @binding(3) var<uniform> params: Params;

const ZERO = vec4f();
const ONE = vec4f(1.0);

// By its bits, because drivers may compile v != v away.
fn isNan(v: vec4f) -> vec4<bool> {
  return (bitcast<vec4u>(v) & vec4u(0x7fffffffu)) > vec4u(0x7f800000u);
}

// A constant NaN is an error in WGSL: this one is built at run time.
fn nan() -> vec4f {
  return bitcast<vec4f>(vec4u(0x7fc00000u + params.vectors * 0u));
}

// v with the sign of another vector.
fn withSign(v: vec4f, sign: vec4f) -> vec4f {
  return bitcast<vec4f>((bitcast<vec4u>(v) & vec4u(0x7fffffffu)) | (bitcast<vec4u>(sign) & vec4u(0x80000000u)));
}

// log(1 + v) for -0.5 <= v <= 1 with full relative precision: 2 atanh(v / (2 + v)) as a series.
fn logNearOne(v: vec4f) -> vec4f {
  let s = v / (2.0 + v);
  let z = s * s;
  let sum = 1.0 / 3.0 + z * (0.2 + z * (1.0 / 7.0 + z * (1.0 / 9.0 + z * (1.0 / 11.0 + z / 13.0))));
  return select(2.0 * s * (1.0 + z * sum), v, abs(v) < vec4f(1e-30)); // whose half may be subnormal
}

// Natural logarithm. WGSL's own is off by 2^-21 near 1, whose logarithm is 0, and not all drivers give -infinity at 0 and NaN
// below.
fn logarithm(v: vec4f) -> vec4f {
  let value = select(log(v), logNearOne(v - 1.0), abs(v - 1.0) < vec4f(0.3));
  return select(select(value, -1.0 / abs(v), v == ZERO), nan(), (v < ZERO) | isNan(v));
}

fn root(v: vec4f) -> vec4f {
  return select(sqrt(v), nan(), v < ZERO);
}

// exp(v). Drivers that limit its argument may lose a NaN.
fn power(v: vec4f) -> vec4f {
  return select(exp(v), v, isNan(v));
}

fn log1p(v: vec4f) -> vec4f {
  return select(logarithm(1.0 + v), logNearOne(v), (v >= vec4f(-0.5)) & (v <= ONE));
}

// exp(v) - 1 with full relative precision near 0, by its series.
fn expm1(v: vec4f) -> vec4f {
  let series = v * (1.0 + v / 2.0 * (1.0 + v / 3.0 * (1.0 + v / 4.0 * (1.0 + v / 5.0 * (1.0 + v / 6.0 * (1.0 + v / 7.0))))));
  return select(power(v) - 1.0, series, abs(v) < vec4f(0.35));
}

// 1 / (1 + exp(-v)) without overflow.
fn sigmoid(v: vec4f) -> vec4f {
  let e = power(-abs(v));
  return select(ONE, e, v < ZERO) / (1.0 + e);
}

fn hyperbolicTangent(v: vec4f) -> vec4f {
  let z = v * v;
  let p = (((-5.70498872745e-3 * z + 2.06390887954e-2) * z - 5.37397155531e-2) * z + 1.33314422036e-1) * z - 3.33332819422e-1;
  let far = withSign(1.0 - 2.0 / (power(2.0 * abs(v)) + 1.0), v);
  return select(select(far, v + v * z * p, abs(v) < vec4f(0.625)), v, isNan(v));
}

// 0.5 (exp(v) - exp(-v)): near 0 by expm1, elsewhere with exp(|v|) as a square, which only overflows where the result does.
fn hyperbolicSine(v: vec4f) -> vec4f {
  let half = power(0.5 * abs(v));
  let t = expm1(abs(v));
  let near = 0.5 * (t + t / (t + 1.0));
  let far = 0.5 * half * half - 0.5 / (half * half);
  return select(withSign(select(far, near, abs(v) < ONE), v), v, isNan(v));
}

fn hyperbolicCosine(v: vec4f) -> vec4f {
  let half = power(0.5 * abs(v));
  return 0.5 * half * half + 0.5 / half / half;
}

// Error function by a rational approximation on [-4, 4], beyond which it is 1 in float32.
fn erf(v: vec4f) -> vec4f {
  let x = clamp(v, vec4f(-4.0), vec4f(4.0));
  let z = x * x;
  var p = -2.72614225801306e-10 * z + 2.77068142495902e-8;
  p = p * z - 2.10102402082508e-6;
  p = p * z - 5.69250639462346e-5;
  p = p * z - 7.34990630326855e-4;
  p = p * z - 2.95459980854025e-3;
  p = p * z - 1.60960333262415e-2;
  var q = -1.45660718464996e-5 * z - 2.13374055278905e-4;
  q = q * z - 1.68282697438203e-3;
  q = q * z - 7.37332916720468e-3;
  q = q * z - 1.42647390514189e-2;
  return select(x * (p / q), v, isNan(v));
}

// Argument of the tanh in the approximation of GELU.
fn geluArgument(v: vec4f) -> vec4f {
  return 0.7978845608 * (v + 0.044715 * v * v * v);
}

fn f(v: vec4f) -> vec4f {
  switch OP {
    case 0u: { return -v; }
    case 1u: { return power(v); }
    case 2u: { return logarithm(v); }
    case 3u: { return root(v); }
    case 4u: { return abs(v); }
    case 5u: { return v * v; }
    case 6u: { return sigmoid(v); }
    case 7u: { return select(v, ZERO, (v < ZERO) & !isNan(v)); } // relu
    case 8u: { return select(select(v, ZERO, v < ZERO) + log1p(power(-abs(v))), v, isNan(v)); } // softplus
    case 9u: { return 1.0 / v; }
    case 10u: { return hyperbolicTangent(v); }
    case 11u: { return select(withSign(ONE, v), ZERO, isNan(v) | ((bitcast<vec4u>(v) << vec4u(1u)) == vec4u())); } // sign
    case 12u: { return floor(v); }
    case 13u: { return ceil(v); }
    case 14u: { return round(v); } // half to even
    case 15u: { return trunc(v); }
    case 16u: { return hyperbolicSine(v); }
    case 17u: { return hyperbolicCosine(v); }
    case 18u: { return erf(v); }
    case 19u: { return log1p(v); }
    case 20u: { return expm1(v); }
    case 21u: { return 1.0 / root(v); } // rsqrt
    case 22u: { return 0.5 * v * (1.0 + erf(0.7071067812 * v)); } // gelu
    case 23u: { return 0.5 * v * (1.0 + hyperbolicTangent(geluArgument(v))); } // its approximation
    case 24u: { return v * sigmoid(v); } // silu
    case 25u: { return select(v, params.parameter * v, v < ZERO); } // leaky relu
    case 26u: { return select(params.parameter * expm1(v), v, v > ZERO); } // elu
    default: { return v * (clamp(v + 3.0, ZERO, vec4f(6.0)) / 6.0); } // hard swish
  }
}

// f'(x) of the functions whose gradient is a product. v is x or y, as noted.
fn slope(v: vec4f) -> vec4f {
  switch OP {
    case 1u: { return v; } // exp: y
    case 2u: { return 1.0 / v; } // log: x
    case 3u: { return 0.5 / v; } // sqrt: y
    case 5u: { return 2.0 * v; } // square: x
    case 6u: { return v * (1.0 - v); } // sigmoid: y
    case 8u: { return sigmoid(v); } // softplus: x
    case 9u: { return -v * v; } // reciprocal: y
    case 10u: { return 1.0 - v * v; } // tanh: y
    case 16u: { return hyperbolicCosine(v); } // sinh: x
    case 17u: { return hyperbolicSine(v); } // cosh: x
    case 18u: { return 1.1283791671 * power(-v * v); } // erf: x
    case 19u: { return 1.0 / (1.0 + v); } // log1p: x
    case 20u: { return v + 1.0; } // expm1: y
    case 21u: { return -0.5 * v * v * v; } // rsqrt: y
    case 22u: { return 0.5 * (1.0 + erf(0.7071067812 * v)) + 0.3989422804 * v * power(-0.5 * v * v); } // gelu: x
    case 23u: { // its approximation: x
      let t = hyperbolicTangent(geluArgument(v));
      return 0.5 * (1.0 + t) + 0.5 * v * (1.0 - t * t) * 0.7978845608 * (1.0 + 0.134145 * v * v);
    }
    default: { // silu: x
      let s = sigmoid(v);
      return s * (1.0 + v * (1.0 - s));
    }
  }
}

// dy f'(x). Where f is made of pieces, a piece is selected: 0 times an infinite dy would be NaN.
fn gradient(v: vec4f, dy: vec4f) -> vec4f {
  switch OP {
    case 4u: { return select(select(ZERO, dy, v > ZERO), -dy, v < ZERO); } // abs: x
    case 7u: { return select(ZERO, dy, (v > ZERO) | isNan(v)); } // relu: y
    case 25u: { return select(params.parameter * dy, dy, v > ZERO); } // leaky relu: x
    case 26u: { return select(dy * params.parameter * power(v), dy, v > ZERO); } // elu: x
    case 27u: { // hard swish: x
      let inside = dy * (v / 3.0 + 0.5);
      return select(select(inside, dy, v > vec4f(3.0)), ZERO, v < vec4f(-3.0));
    }
    default: { return dy * slope(v); }
  }
}

@compute @workgroup_size(SIZE)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let first = (group.y * groups.x + group.x) * SIZE * EACH + lane;
  for (var j = 0u; j < EACH; j++) {
    let i = first + j * SIZE;
    if (i >= params.vectors) { return; }
    if (GRADIENT) {
      y[i] = gradient(x[i], dy[i]);
    } else {
      y[i] = f(x[i]);
    }
  }
}
