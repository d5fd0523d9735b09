// What each anchor has to predict, from the box it was matched with:
//   label = class of the box, BACKGROUND or IGNORED;  box = the box itself, zeros if there is none;
//   delta = w * ((cx' - cx) / width, (cy' - cy) / height, log(width' / width), log(height' / height)), the offsets that
//   turn the anchor into the box (Girshick et al. 2014, appendix C), zeros if there is none.
// One invocation handles one anchor of one image.

// Specialisation
const SIZE: u32 = 64u; // invocations per workgroup
const BACKGROUND: i32 = -1;
const IGNORED: i32 = -2;

struct Params {
  images: u32,
  anchors: u32,
  boxes: u32, // boxes per image, padded
  wx: f32, wy: f32, ww: f32, wh: f32, // weights of the four offsets
}

@group(0) @binding(0) var<storage, read> anchors: array<vec4f>; // [A, 4]
@group(0) @binding(1) var<storage, read> boxes: array<vec4f>; // [N, boxes, 4]
@group(0) @binding(2) var<storage, read> classes: array<i32>; // [N, boxes]
@group(0) @binding(3) var<storage, read> matches: array<i32>; // [N, A]
@group(0) @binding(4) var<storage, read_write> labels: array<i32>; // [N, A]
@group(0) @binding(5) var<storage, read_write> matched: array<vec4f>; // [N, A, 4]
@group(0) @binding(6) var<storage, read_write> deltas: array<vec4f>; // [N, A, 4]
@group(0) @binding(7) var<uniform> params: Params;

// log(a / b), precise to the last digits where the two are nearly equal: 2 atanh((a - b) / (a + b)) as a series.
fn logRatio(a: vec2f, b: vec2f) -> vec2f {
  let s = (a - b) / (a + b);
  let z = s * s;
  let series = 2.0 * s * (1.0 + z * (1.0 / 3.0 + z * (0.2 + z * (1.0 / 7.0 + z * (1.0 / 9.0 + z * (1.0 / 11.0 + z / 13.0))))));
  return select(log(a / b), series, abs(s) < vec2f(1.0 / 3.0));
}

@compute @workgroup_size(SIZE)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let i = (group.y * groups.x + group.x) * SIZE + lane;
  if (i >= params.images * params.anchors) { return; }
  let choice = matches[i];
  if (choice == BACKGROUND || choice == IGNORED) {
    labels[i] = choice;
    matched[i] = vec4f(0.0);
    deltas[i] = vec4f(0.0);
    return;
  }
  let at = (i / params.anchors) * params.boxes + u32(choice);
  let box = boxes[at];
  let anchor = anchors[i % params.anchors];
  let anchorSize = anchor.zw - anchor.xy;
  let boxSize = box.zw - box.xy;
  let shift = ((box.xy + 0.5 * boxSize) - (anchor.xy + 0.5 * anchorSize)) / anchorSize;
  labels[i] = classes[at];
  matched[i] = box;
  deltas[i] = vec4f(params.wx, params.wy, params.ww, params.wh) * vec4f(shift, logRatio(boxSize, anchorSize));
}
