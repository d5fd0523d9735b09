// best[n, g] = the largest IoU of box g of image n with any anchor; 0 for the padding after an image's boxes.
// One workgroup handles one box: each lane takes every SIZE-th anchor, then the lanes combine in shared memory.

// Specialisation
const SIZE: u32 = 64u; // invocations per workgroup

struct Params {
  anchors: u32,
  boxes: u32, // boxes per image, padded
}

@group(0) @binding(0) var<storage, read> anchors: array<vec4f>; // [A, 4]: x1, y1, x2, y2
@group(0) @binding(1) var<storage, read> boxes: array<vec4f>; // [N, boxes, 4]
@group(0) @binding(2) var<storage, read> counts: array<i32>; // [N]
@group(0) @binding(3) var<storage, read_write> best: array<f32>; // [N, boxes]
@group(0) @binding(4) var<uniform> params: Params;

var<workgroup> partial: array<f32, SIZE>;

// The same expression in match_anchors.wgsl, so that equal overlaps compare equal.
fn iou(a: vec4f, b: vec4f) -> f32 {
  let size = max(min(a.zw, b.zw) - max(a.xy, b.xy), vec2f(0.0));
  let intersection = size.x * size.y;
  let areaA = (a.z - a.x) * (a.w - a.y);
  let areaB = (b.z - b.x) * (b.w - b.y);
  return intersection / (areaA + areaB - intersection);
}

@compute @workgroup_size(SIZE)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let g = group.x;
  let n = group.y;
  var result = 0.0;
  if (i32(g) < counts[n]) {
    let box = boxes[n * params.boxes + g];
    for (var a = lane; a < params.anchors; a += SIZE) {
      result = max(result, iou(box, anchors[a]));
    }
  }
  partial[lane] = result;
  workgroupBarrier();
  if (lane == 0u) {
    for (var i = 1u; i < SIZE; i++) { result = max(result, partial[i]); }
    best[n * params.boxes + g] = result;
  }
}
