// y = f(x), element by element, for trigonometric f; with GRADIENT, y = dy f'(x), where x holds x or, for the tangent, f(x).
// One invocation computes four neighbouring elements, as in unary.wgsl.
// WGSL's own functions may be off by 2^-11 and more (WGSL specification, section 15.7.4.2), so that polynomials of Cephes
// (Moshier 1989) stand here, which are accurate to a few units in the last place on every GPU.

// Specialisation
const OP: u32 = 0u; // which f, see `f`
const GRADIENT: bool = false;
const SIZE: u32 = 64u; // invocations per workgroup

struct Params {
  vectors: u32, // elements / 4, rounded up
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

// High 32 bits of a product, from products of halves.
fn mulHigh(a: u32, b: u32) -> u32 {
  let al = a & 0xffffu; let ah = a >> 16u;
  let bl = b & 0xffffu; let bh = b >> 16u;
  let middle = ah * bl + ((al * bl) >> 16u);
  let crossing = al * bh + (middle & 0xffffu);
  return ah * bh + (middle >> 16u) + (crossing >> 16u);
}

// 32 zeros and the first 224 binary digits of 2 / pi.
const DIGITS = array<u32, 8>(
  0u, 0xa2f9836eu, 0x4e441529u, 0xfc2757d1u, 0xf534ddc0u, 0xdb629599u, 0x3c439041u, 0xfe5163abu,
);

// Writes v >= 0 as quarter pi / 2 + rest, |rest| <= pi / 4 (Payne and Hanek 1983): a float is an integer of 24 bits times a
// power of two, and of its product with 2 / pi only the digits from weight 2 down matter. Exact for every float.
struct Angle {
  rest: f32,
  quarter: i32,
}

fn reduced(v: f32) -> Angle {
  if (v <= 0.7853981634) { return Angle(v, 0); }
  var digits = DIGITS;
  let bits = bitcast<u32>(v);
  let start = (bits >> 23u) - 120u; // of the digits, for the exponent bits - 127
  let word = start >> 5u;
  let left = start & 31u;
  let right = (32u - left) & 31u;
  let fill = select(0xffffffffu, 0u, left == 0u);
  let high = (digits[word] << left) | ((digits[word + 1u] >> right) & fill);
  let middle = (digits[word + 1u] << left) | ((digits[word + 2u] >> right) & fill);
  let low = (digits[word + 2u] << left) | ((digits[min(word + 3u, 7u)] >> right) & fill);
  let m = (bits & 0x7fffffu) | 0x800000u;
  let carried = mulHigh(m, low);
  let next = m * middle + carried;
  let first = m * high + mulHigh(m, middle) + select(0u, 1u, next < carried);
  let fraction = bitcast<i32>((first << 2u) | (next >> 30u)); // of a quarter turn, in units of 2^-32; above 1/2 it is negative
  return Angle(f32(fraction) * 3.657295198e-10, i32(first >> 30u) + select(0, 1, fraction < 0));
}

// sin(v), or cos(v) with ahead = 1.
fn wave(v: vec4f, ahead: i32) -> vec4f {
  let isUnknown = (bitcast<vec4u>(v) & vec4u(0x7fffffffu)) >= vec4u(0x7f800000u);
  let m = select(abs(v), ZERO, isUnknown);
  let x = reduced(m.x);
  let y = reduced(m.y);
  let z = reduced(m.z);
  let w = reduced(m.w);
  let isOdd = (v < ZERO) & vec4<bool>(ahead == 0);
  let r = vec4f(x.rest, y.rest, z.rest, w.rest);
  let quarter = vec4i(x.quarter, y.quarter, z.quarter, w.quarter) + vec4i(ahead);
  let square = r * r;
  let s = ((-1.9515295891e-4 * square + 8.3321608736e-3) * square - 1.6666654611e-1) * square * r + r;
  let c = ((2.443315711809948e-5 * square - 1.388731625493765e-3) * square + 4.166664568298827e-2) * square * square - 0.5 * square + 1.0;
  let value = select(s, c, (quarter & vec4i(1)) == vec4i(1));
  let isNegative = ((quarter & vec4i(2)) == vec4i(2)) != isOdd;
  return select(select(value, -value, isNegative), nan(), isUnknown);
}

fn arcTangent(v: vec4f) -> vec4f {
  let m = abs(v);
  let isFar = m > vec4f(2.414213562);
  let isMiddle = m > vec4f(0.4142135624);
  let t = select(select(m, (m - 1.0) / (m + 1.0), isMiddle), -1.0 / m, isFar);
  let z = t * t;
  let p = (((8.05374449538e-2 * z - 1.38776856032e-1) * z + 1.99777106478e-1) * z - 3.33329491539e-1) * z * t + t;
  let angle = p + select(select(ZERO, vec4f(0.7853981634), isMiddle), vec4f(1.5707963268), isFar);
  return select(withSign(angle, v), v, isNan(v));
}

fn arcSine(v: vec4f) -> vec4f {
  let m = abs(v);
  let isFar = m > vec4f(0.5);
  let z = select(m * m, 0.5 * (1.0 - m), isFar);
  let t = select(m, sqrt(z), isFar);
  let p = ((((4.2163199048e-2 * z + 2.4181311049e-2) * z + 4.5470025998e-2) * z + 7.4953002686e-2) * z + 1.6666752422e-1) * z * t + t;
  return select(withSign(select(p, 1.5707963268 - 2.0 * p, isFar), v), nan(), (m > ONE) | isNan(v));
}

// Near 1, pi / 2 - asin(v) would cancel.
fn arcCosine(v: vec4f) -> vec4f {
  let near = 2.0 * arcSine(sqrt(0.5 * (1.0 - abs(v))));
  let far = 1.5707963268 - arcSine(v);
  return select(select(far, select(near, 3.1415926536 - near, v < ZERO), abs(v) > vec4f(0.5)), nan(), abs(v) > ONE);
}

fn f(v: vec4f) -> vec4f {
  switch OP {
    case 0u: { return wave(v, 0); } // sin
    case 1u: { return wave(v, 1); } // cos
    case 2u: { return wave(v, 0) / wave(v, 1); } // tan
    case 3u: { return arcSine(v); }
    case 4u: { return arcCosine(v); }
    default: { return arcTangent(v); }
  }
}

fn slope(v: vec4f) -> vec4f {
  switch OP {
    case 0u: { return wave(v, 1); } // sin: x
    case 1u: { return -wave(v, 0); } // cos: x
    case 2u: { return 1.0 + v * v; } // tan: y
    case 3u: { return inverseSqrt((1.0 - v) * (1.0 + v)); } // asin: x
    case 4u: { return -inverseSqrt((1.0 - v) * (1.0 + v)); } // acos: x
    default: { return 1.0 / (1.0 + v * v); } // atan: x
  }
}

@compute @workgroup_size(SIZE)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let i = (group.y * groups.x + group.x) * SIZE + lane;
  if (i >= params.vectors) { return; }
  if (GRADIENT) {
    y[i] = dy[i] * slope(x[i]);
  } else {
    y[i] = f(x[i]);
  }
}
