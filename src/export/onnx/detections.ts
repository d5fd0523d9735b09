import type { RetinaNetSpec } from '../../retinanet/spec.ts';
import type { OnnxGraph } from './graph.ts';
import type { LevelOutput } from './network.ts';
import type { OnnxValue } from './model.ts';

// From the outputs of the network to boxes, as src/retinanet/postprocess.ts computes them on the host.

/** What the last part of a graph is made from. */
export interface DetectionParts {
  readonly graph: OnnxGraph;
  readonly spec: RetinaNetSpec;
  readonly classes: number;
  readonly levels: readonly LevelOutput[];
  /** x1, y1, x2, y2 of every anchor, in pixels of the padded image. */
  readonly anchors: Float32Array;
  /** Side of the image without padding. */
  readonly side: number;
  /** Factor from pixels of that image to those of the input. */
  readonly scale: number;
}

/** Centres and sizes of boxes, [1, n, 2] each, or their corners. */
type Pair = readonly [string, string];

/** Logits and offsets of all anchors, and the anchors, for programs that decode and suppress themselves. */
export function rawOutputs({ graph, classes, levels, anchors }: DetectionParts): OnnxValue[] {
  const count = anchors.length / 4;
  graph.output(joined(graph, levels, 'logits'), 'logits');
  graph.output(joined(graph, levels, 'deltas'), 'deltas');
  graph.output(
    graph.constant('all_anchors', () => ({ shape: [count, 4], data: anchors })),
    'anchors',
  );
  return [
    { name: 'logits', type: 'float32', shape: [1, count, classes] },
    { name: 'deltas', type: 'float32', shape: [1, count, 4] },
    { name: 'anchors', type: 'float32', shape: [count, 4] },
  ];
}

/**
 * The boxes of the anchors with the highest scores, without suppression, in the layout of newer YOLO networks: a column for
 * each box with cx, cy, w, h and the score of each class.
 *
 * @param count number of boxes
 */
export function boxOutput(parts: DetectionParts, count: number): OnnxValue[] {
  const { graph, classes, levels } = parts;
  const logits = joined(graph, levels, 'logits');
  const best = graph.add('ReduceMax', [logits], { axes: [2], keepdims: 0 });
  const [, top] = graph.addMany('TopK', [best, graph.integers([count])], 2, { axis: 1 });
  const chosen = graph.reshape(top!, [count]);
  const [low, high] = corners(parts, chosen);
  const centre = graph.add('Mul', [graph.add('Add', [low, high]), graph.floats(0.5)]);
  const size = graph.add('Sub', [high, low]);
  const scores = graph.add('Sigmoid', [graph.add('Gather', [logits, chosen], { axis: 1 })]);
  const rows = graph.add('Concat', [centre, size, scores], { axis: 2 });
  graph.output(graph.add('Transpose', [rows], { perm: [0, 2, 1] }), 'output0');
  return [{ name: 'output0', type: 'float32', shape: [1, 4 + classes, count] }];
}

/** Boxes x1, y1, x2, y2, labels and scores after suppression per class, highest score first. */
export function suppressedOutputs(parts: DetectionParts): OnnxValue[] {
  const { graph, spec, classes } = parts;
  const { nmsThreshold, scoreThreshold, maxDetections, clip } = spec.postprocess;
  const { anchors, labels, scores, count } = candidates(parts);
  const boxes = graph.add('Concat', [...corners(parts, anchors)], { axis: 2 });
  // A score for each class and box: that of the box for its class, none for the others.
  const isOwn = graph.add('Equal', [
    graph.reshape(labels, [1, 1, count]),
    graph.integers([...new Array(classes).keys()], [1, classes, 1]),
  ]);
  const perClass = graph.add('Where', [isOwn, graph.reshape(scores, [1, 1, count]), graph.floats(-1)]);
  const limits = [graph.integers([count]), graph.floats([nmsThreshold]), graph.floats([scoreThreshold])];
  const selected = graph.add('NonMaxSuppression', [boxes, perClass, ...limits]);
  // Rows of image, class, box.
  const kept = graph.add('Gather', [selected, graph.integers(2)], { axis: 1 });
  const keptScores = graph.add('Gather', [scores, kept], { axis: 0 });
  const number = graph.add('Min', [graph.add('Shape', [keptScores]), graph.integers([maxDetections])]);
  const [best, order] = graph.addMany('TopK', [keptScores, number], 2, { axis: 0 });
  const chosen = graph.add('Gather', [kept, order!], { axis: 0 });
  const found = graph.add('Gather', [graph.reshape(boxes, [count, 4]), chosen], { axis: 0 });
  const inside = clip === 'after-nms' ? clipped(parts, found) : found;
  const isVisible = visible(graph, inside);
  const outputs = { boxes: inside, labels: graph.add('Gather', [labels, chosen], { axis: 0 }), scores: best! };
  for (const [name, value] of Object.entries(outputs)) {
    graph.output(graph.add('Compress', [value, isVisible], { axis: 0 }), name);
  }
  return [
    { name: 'boxes', type: 'float32', shape: ['detections', 4] },
    { name: 'labels', type: 'int64', shape: ['detections'] },
    { name: 'scores', type: 'float32', shape: ['detections'] },
  ];
}

/** Which of clipped boxes have an area: those outside of the image have none, and no detector reports them. */
function visible(graph: OnnxGraph, boxes: string): string {
  const [low, high] = graph.addMany('Split', [boxes, graph.integers([2, 2])], 2, { axis: 1 });
  const shorterSide = graph.add('ReduceMin', [graph.add('Sub', [high!, low!])], { axes: [1], keepdims: 0 });
  return graph.add('Greater', [shorterSide, graph.floats(0)]);
}

/** The pairs of anchor and class with the highest scores of each level: positions of anchors, labels, scores, [count] each. */
function candidates({ graph, spec, classes, levels, anchors }: DetectionParts) {
  const perCell = anchors.length / 4 / levels.reduce((sum, { height, width }) => sum + height * width, 0);
  let [first, count] = [0, 0];
  const perLevel = levels.map(({ logits, height, width }) => {
    const [number, offset] = [height * width * perCell, first];
    const most = Math.min(spec.postprocess.topK, number * classes);
    const [values, pairs] = graph.addMany('TopK', [graph.reshape(logits, [-1]), graph.integers([most])], 2, {
      axis: 0,
    });
    const anchor = graph.add('Div', [pairs!, graph.integers(classes)]);
    [first, count] = [first + number, count + most];
    return {
      anchors: graph.add('Add', [anchor, graph.integers(offset)]),
      labels: graph.add('Mod', [pairs!, graph.integers(classes)]),
      scores: graph.add('Sigmoid', [values!]),
    };
  });
  const all = (key: 'anchors' | 'labels' | 'scores'): string =>
    graph.add(
      'Concat',
      perLevel.map((level) => level[key]),
      { axis: 0 },
    );
  return { anchors: all('anchors'), labels: all('labels'), scores: all('scores'), count };
}

/**
 * Upper left and lower right corners of the boxes of some anchors, [1, n, 2] each, in pixels of the input.
 *
 * @param chosen positions of the anchors, [n]
 */
function corners(parts: DetectionParts, chosen: string): Pair {
  const { graph, spec, levels, anchors, scale } = parts;
  const { weights, clamp, clampSides } = spec.boxCoder;
  const pick = (value: string): string => graph.add('Gather', [value, chosen], { axis: 1 });
  const halves = (value: string): Pair =>
    graph.addMany('Split', [value, graph.integers([2, 2])], 2, { axis: 2 }) as unknown as Pair;
  const [shift, growth] = halves(graph.add('Div', [pick(joined(graph, levels, 'deltas')), graph.floats([...weights])]));
  const [centre, size] = halves(pick(centresAndSizes(graph, anchors)));
  const upper = graph.add('Min', [growth, graph.floats(clamp)]);
  const limited = clampSides === 'both' ? graph.add('Max', [upper, graph.floats(-clamp)]) : upper;
  const middle = graph.add('Add', [graph.add('Mul', [shift, size]), centre]);
  const half = graph.add('Mul', [graph.add('Mul', [graph.add('Exp', [limited]), size]), graph.floats(0.5)]);
  const corner = (type: 'Sub' | 'Add'): string => {
    const place = graph.add(type, [middle, half]);
    const inside = spec.postprocess.clip === 'before-nms' ? clipped(parts, place, parts.side) : place;
    return scale === 1 ? inside : graph.add('Mul', [inside, graph.floats(scale)]);
  };
  return [corner('Sub'), corner('Add')];
}

/** Coordinates limited to an image of `side` pixels, by default to the input. */
const clipped = ({ graph, side, scale }: DetectionParts, value: string, limit = side * scale): string =>
  graph.add('Clip', [value, graph.floats(0), graph.floats(limit)]);

/** Anchors as cx, cy, w, h, [1, A, 4], computed in float32 as `decodeBox` does. */
function centresAndSizes(graph: OnnxGraph, anchors: Float32Array): string {
  return graph.constant('anchors_cxcywh', () => {
    const { fround } = Math;
    const data = anchors.map((value, i) => {
      const low = i % 4 < 2 ? value : anchors[i - 2]!;
      const size = fround(anchors[i % 4 < 2 ? i + 2 : i]! - low);
      return i % 4 < 2 ? fround(low + fround(0.5 * size)) : size;
    });
    return { shape: [1, anchors.length / 4, 4], data };
  });
}

/** An output of all levels, anchor by anchor. */
const joined = (graph: OnnxGraph, levels: readonly LevelOutput[], key: 'logits' | 'deltas'): string =>
  graph.add(
    'Concat',
    levels.map((level) => level[key]),
    { axis: 1 },
  );
