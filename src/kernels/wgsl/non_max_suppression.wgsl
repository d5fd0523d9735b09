// Greedy non-maximum suppression: from the highest score down, a box is picked if its IoU with no picked box of its class is
// above `limit`. picks = the picked boxes' positions, then -1; count = how many there are. `order` sorts the scores in
// descending order, with equal ones as they stand; it is overwritten with -1 where a box is suppressed.
// One workgroup does all of it. In a first pass it drops the boxes that cannot be picked, then it compares those that are left
// with each pick, and finds the next one on the way. picks times n / SIZE steps for n boxes.

// Specialisation
const SIZE: u32 = 256u; // invocations per workgroup
const CLASSES: bool = false; // whether boxes of different classes leave each other alone
const THRESHOLD: bool = false; // whether scores must be above `threshold`

struct Params {
  boxes: u32,
  maximum: u32, // picks at most
  limit: f32,
  threshold: f32,
}

@group(0) @binding(0) var<storage, read> boxes: array<vec4f>; // x1, y1, x2, y2
@group(0) @binding(1) var<storage, read> scores: array<f32>;
@group(0) @binding(2) var<storage, read> classes: array<i32>;
@group(0) @binding(3) var<storage, read_write> order: array<i32>;
@group(0) @binding(4) var<storage, read_write> picks: array<i32>;
@group(0) @binding(5) var<storage, read_write> count: array<i32>;
@group(0) @binding(6) var<uniform> params: Params;

var<workgroup> nearest: atomic<u32>; // place of the first box that is left; the number of boxes if there is none
var<workgroup> next: u32; // the same, for all to read

fn isNan(v: f32) -> bool {
  return (bitcast<u32>(v) & 0x7fffffffu) > 0x7f800000u; // v != v is compiled away by some drivers
}

fn isCandidate(box: i32) -> bool {
  let score = scores[box];
  if (isNan(score) || (THRESHOLD && score <= params.threshold)) { return false; }
  let b = boxes[box];
  return !(isNan(b.x) || isNan(b.y) || isNan(b.z) || isNan(b.w));
}

fn isDuplicate(a: vec4f, b: vec4f) -> bool {
  let size = max(min(a.zw, b.zw) - max(a.xy, b.xy), vec2f(0.0));
  let intersection = size.x * size.y;
  let areas = (a.z - a.x) * (a.w - a.y) + (b.z - b.x) * (b.w - b.y);
  // Two boxes without area have an IoU of 0 / 0, which is above no limit.
  return areas - intersection > 0.0 && intersection / (areas - intersection) > params.limit;
}

@compute @workgroup_size(SIZE)
fn main(@builtin(local_invocation_index) lane: u32) {
  for (var i = lane; i < params.maximum; i += SIZE) { picks[i] = -1; }
  var picked = 0u;
  var begin = 0u;
  var pick = -1;
  loop {
    if (lane == 0u) { atomicStore(&nearest, params.boxes); }
    workgroupBarrier();
    var first = params.boxes;
    for (var j = begin + lane; j < params.boxes; j += SIZE) {
      let box = order[j];
      if (box < 0) { continue; }
      var isLeft: bool;
      if (pick < 0) {
        isLeft = isCandidate(box);
      } else {
        isLeft = (CLASSES && classes[box] != classes[pick]) || !isDuplicate(boxes[pick], boxes[box]);
      }
      if (isLeft) { first = min(first, j); } else { order[j] = -1; }
    }
    atomicMin(&nearest, first);
    storageBarrier();
    workgroupBarrier();
    if (lane == 0u) { next = atomicLoad(&nearest); }
    let place = workgroupUniformLoad(&next);
    if (place >= params.boxes || picked >= params.maximum) { break; }
    pick = order[place];
    if (lane == 0u) { picks[picked] = pick; }
    picked++;
    begin = place + 1u;
  }
  if (lane == 0u) { count[0] = i32(picked); }
}
