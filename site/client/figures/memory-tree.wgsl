// The sum of 32 numbers by one workgroup: after each step, half as many partial sums. `steps` of the five are done, so that
// a reader can stop in between and see workgroup memory.
@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
@group(0) @binding(2) var<uniform> steps: u32;

var<workgroup> parts: array<f32, 32>;

@compute @workgroup_size(32)
fn main(@builtin(local_invocation_index) lane: u32) {
  parts[lane] = x[lane];
  workgroupBarrier();
  for (var step = 1u; step <= steps; step++) {
    let half = 32u >> step;
    if (lane < half) { parts[lane] += parts[lane + half]; }
    workgroupBarrier();
  }
  y[lane] = parts[lane];
}
