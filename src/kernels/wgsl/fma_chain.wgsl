// y[i] = x[i] after STEPS times x <- a x + b on 3 vectors of four: multiply-adds without any loads, the compute roof that
// benchmarks are compared with. One invocation computes 12 chains, enough to hide the latency of one and few enough for the
// registers of a CPU.

// Specialisation
const STEPS: u32 = 256u; // a multiple of 16
const SIZE: u32 = 64u; // invocations per workgroup

struct Params {
  invocations: u32,
  a: f32,
  b: f32,
}

@group(0) @binding(0) var<storage, read_write> y: array<vec4f>;
@group(0) @binding(1) var<uniform> params: Params;

@compute @workgroup_size(SIZE)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let i = (group.y * groups.x + group.x) * SIZE + lane;
  if (i >= params.invocations) { return; }
  let a = vec4f(params.a);
  let b = vec4f(params.b);
  var x0 = vec4f(f32(i));
  var x1 = x0 + 1.0;
  var x2 = x0 + 2.0;
  for (var step = 0u; step < STEPS; step += 16u) {
    // Unrolled by compilers, so that the turns of the loop do not count.
    for (var i = 0u; i < 16u; i++) {
      x0 = fma(x0, a, b);
      x1 = fma(x1, a, b);
      x2 = fma(x2, a, b);
    }
  }
  y[i] = x0 + x1 + x2;
}
