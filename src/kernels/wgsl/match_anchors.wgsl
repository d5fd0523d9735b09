// matches[n, a] = the box that anchor a of image n has to predict, BACKGROUND or IGNORED (Lin et al. 2017, section 4):
// the box with the largest IoU (the first of equals) if that is >= high; BACKGROUND below low, IGNORED in between.
// With LOW_QUALITY, an anchor whose IoU with some box is that box's best is not lost: it keeps its own best box (1, as
// torchvision and Detectron2) or takes that box, a later one winning (2, as MMDetection). GUARD leaves out boxes that
// overlap no anchor at all; without it, such a box would claim every anchor that overlaps nothing.
// src/retinanet/matching.ts is the same rule in TypeScript.
// One invocation matches one anchor.

// Specialisation
const SIZE: u32 = 64u; // invocations per workgroup
const LOW_QUALITY: u32 = 1u;
const GUARD: bool = true;
const BACKGROUND: i32 = -1;
const IGNORED: i32 = -2;

struct Params {
  images: u32,
  anchors: u32,
  boxes: u32, // boxes per image, padded
  high: f32,
  low: f32,
}

@group(0) @binding(0) var<storage, read> anchors: array<vec4f>; // [A, 4]
@group(0) @binding(1) var<storage, read> boxes: array<vec4f>; // [N, boxes, 4]
@group(0) @binding(2) var<storage, read> counts: array<i32>; // [N]
@group(0) @binding(3) var<storage, read> best: array<f32>; // [N, boxes]
@group(0) @binding(4) var<storage, read_write> matches: array<i32>; // [N, A]
@group(0) @binding(5) var<uniform> params: Params;

fn iou(a: vec4f, b: vec4f) -> f32 {
  let size = max(min(a.zw, b.zw) - max(a.xy, b.xy), vec2f(0.0));
  let intersection = size.x * size.y;
  let areaA = (a.z - a.x) * (a.w - a.y);
  let areaB = (b.z - b.x) * (b.w - b.y);
  return intersection / (areaA + areaB - intersection);
}

@compute @workgroup_size(SIZE)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let i = (group.y * groups.x + group.x) * SIZE + lane;
  if (i >= params.images * params.anchors) { return; }
  let n = i / params.anchors;
  let anchor = anchors[i % params.anchors];
  var largest = -1.0;
  var own = BACKGROUND;
  var isClaimed = false;
  var claimer = 0;
  for (var g = 0; g < counts[n]; g++) {
    let at = n * params.boxes + u32(g);
    let overlap = iou(boxes[at], anchor);
    if (overlap > largest) {
      largest = overlap;
      own = g;
    }
    if (overlap == best[at] && (!GUARD || overlap > 0.0)) {
      isClaimed = true;
      claimer = g;
    }
  }
  var result = own;
  if (largest < params.low) { result = BACKGROUND; } else if (largest < params.high) { result = IGNORED; }
  if (isClaimed) {
    if (LOW_QUALITY == 1u) { result = own; }
    if (LOW_QUALITY == 2u) { result = claimer; }
  }
  matches[i] = result;
}
