// y[n, i, j, c] = x[n, floor(i H / P), floor(j W / Q), c]: x resized from H x W to P x Q by its nearest pixels.
// One invocation computes EACH neighbouring columns of one channel, or with V = vec4f of four neighbouring channels. The column
// of x is computed by a division for the first and incremented for the others, because a division takes as long as a load.

// Specialisation
const SIZE: u32 = 64u; // invocations per workgroup
const EACH: u32 = 4u;
alias V = vec4f; // f32 where the channels are not a multiple of four

struct Params {
  h: u32, w: u32, // size of x
  p: u32, q: u32, // size of y
  blocks: u32, // q / EACH, rounded up
  c: u32, // channels in units of V
  lines: u32, // rows of y in all images
}

@group(0) @binding(0) var<storage, read> x: array<V>;
@group(0) @binding(1) var<storage, read_write> y: array<V>;
@group(0) @binding(2) var<uniform> params: Params;

@compute @workgroup_size(SIZE)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let job = (group.y * groups.x + group.x) * SIZE + lane;
  if (job >= params.lines * params.blocks * params.c) { return; }
  let c = job % params.c;
  let first = job / params.c % params.blocks * EACH;
  let line = job / params.c / params.blocks;
  let row = line % params.p * params.h / params.p;
  let start = (line / params.p * params.h + row) * params.w * params.c + c;
  // Column first + j of y reads column `column` of x, with `rest` left over from the division by q.
  var column = first * params.w / params.q;
  var rest = first * params.w % params.q;
  var at = (line * params.q + first) * params.c + c;
  for (var j = first; j < min(first + EACH, params.q); j++) {
    y[at] = x[start + column * params.c];
    at += params.c;
    rest += params.w;
    while (rest >= params.q) {
      rest -= params.q;
      column++;
    }
  }
}
