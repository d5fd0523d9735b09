// RetinaNet on ResNet-50 with the names and shapes of torchvision, written once for the libraries that have none: each
// provides its own operations.

/** A convolution with a square filter, padded so that stride 1 keeps the size. */
interface ConvLayer {
  readonly name: string;
  readonly from: number;
  readonly to: number;
  readonly kernel: number;
  readonly stride: number;
  readonly bias: boolean;
}

/** The operations that a library must provide on its values `T`. An operation owns its arguments. */
export interface NetworkOps<T> {
  conv(x: T, layer: ConvLayer): T;
  /** Batch norm over `channels`, optionally followed by ReLU. */
  norm(x: T, name: string, channels: number, withRelu: boolean): T;
  relu(x: T): T;
  add(x: T, y: T): T;
  /** 3x3 windows, stride 2, padding 1. */
  maxPool(x: T): T;
  /** Nearest neighbour, twice the size. */
  upsample(x: T): T;
  /** From channels that hold `size` numbers per anchor to [anchors, size]. */
  perAnchor(x: T, size: number): T;
  concat(parts: T[]): T;
  /** Another reference to the same value. */
  share(x: T): T;
}

export const CLASSES = 2;
const ANCHORS_PER_CELL = 9;
const CHANNELS = 256;

/** Scores before the sigmoid [A, CLASSES] and offsets of boxes [A, 4]. */
export function retinaNet<T>(ops: NetworkOps<T>, image: T): [logits: T, deltas: T] {
  const conv = (x: T, name: string, from: number, to: number, kernel: number, stride = 1, bias = true): T =>
    ops.conv(x, { name, from, to, kernel, stride, bias });
  const unit = (x: T, names: [string, string], from: number, to: number, kernel: number, stride = 1, relu = true): T =>
    ops.norm(conv(x, names[0], from, to, kernel, stride, false), names[1], to, relu);

  const body = 'backbone.body';
  let x = ops.maxPool(unit(image, [`${body}.conv1`, `${body}.bn1`], 3, 64, 7, 2));
  let channels = 64;
  const features: [T, number][] = [];
  [3, 4, 6, 3].forEach((blocks, stage) => {
    const inner = 64 * 2 ** stage;
    for (let block = 0; block < blocks; block++) {
      const at = `${body}.layer${stage + 1}.${block}`;
      const stride = block === 0 && stage > 0 ? 2 : 1;
      const before = ops.share(x);
      let y = unit(x, [`${at}.conv1`, `${at}.bn1`], channels, inner, 1);
      y = unit(y, [`${at}.conv2`, `${at}.bn2`], inner, inner, 3, stride);
      y = unit(y, [`${at}.conv3`, `${at}.bn3`], inner, 4 * inner, 1, 1, false);
      const names: [string, string] = [`${at}.downsample.0`, `${at}.downsample.1`];
      const rest = block === 0 ? unit(before, names, channels, 4 * inner, 1, stride, false) : before;
      x = ops.relu(ops.add(y, rest));
      channels = 4 * inner;
    }
    if (stage > 0) features.push([stage < 3 ? ops.share(x) : x, channels]);
  });

  const fpn = 'backbone.fpn';
  const inner = features.map(([feature, from], i) => conv(feature, `${fpn}.inner_blocks.${i}.0`, from, CHANNELS, 1));
  for (let i = 1; i >= 0; i--) inner[i] = ops.add(inner[i]!, ops.upsample(ops.share(inner[i + 1]!)));
  const levels = inner.map((level, i) => conv(level, `${fpn}.layer_blocks.${i}.0`, CHANNELS, CHANNELS, 3));
  const p6 = conv(ops.share(levels[2]!), `${fpn}.extra_blocks.p6`, CHANNELS, CHANNELS, 3, 2);
  const p7 = conv(ops.relu(ops.share(p6)), `${fpn}.extra_blocks.p7`, CHANNELS, CHANNELS, 3, 2);
  levels.push(p6, p7);

  const subnet = (level: T, head: string, last: string, size: number): T => {
    let y = level;
    for (let i = 0; i < 4; i++) y = ops.relu(conv(y, `head.${head}.conv.${i}.0`, CHANNELS, CHANNELS, 3));
    return ops.perAnchor(conv(y, `head.${head}.${last}`, CHANNELS, ANCHORS_PER_CELL * size, 3), size);
  };
  const logits = levels.map((level) => subnet(ops.share(level), 'classification_head', 'cls_logits', CLASSES));
  const deltas = levels.map((level) => subnet(level, 'regression_head', 'bbox_reg', 4));
  return [ops.concat(logits), ops.concat(deltas)];
}

/** Names and shapes of all parameters and running statistics; filters are OIHW, as torchvision has them. */
export function retinaNetState(): Map<string, number[]> {
  const state = new Map<string, number[]>();
  const none = null;
  retinaNet<null>(
    {
      conv(_, { name, from, to, kernel, bias }) {
        state.set(`${name}.weight`, [to, from, kernel, kernel]);
        if (bias) state.set(`${name}.bias`, [to]);
        return none;
      },
      norm(_, name, channels) {
        for (const part of ['weight', 'bias', 'running_mean', 'running_var']) state.set(`${name}.${part}`, [channels]);
        return none;
      },
      relu: () => none,
      add: () => none,
      maxPool: () => none,
      upsample: () => none,
      perAnchor: () => none,
      concat: () => none,
      share: () => none,
    },
    none,
  );
  return state;
}

/**
 * Parameters that are zero at first, from the first layer to the last: after one training step each is its gradient times
 * the learning rate, which is how libraries are compared.
 */
export const PROBED = [
  'backbone.body.layer1.0.bn3.bias',
  'backbone.body.layer3.0.bn3.bias',
  'backbone.body.layer4.2.bn3.bias',
  'backbone.fpn.layer_blocks.0.0.bias',
  'head.classification_head.conv.0.0.bias',
  'head.regression_head.bbox_reg.bias',
];

/** Focal loss's weight of objects against background. */
const ALPHA = 0.25;

/**
 * The loss as arrays that any library can multiply with: it is the sum of `focal` times (1 - p)^2 times the cross entropy
 * with `targets`, where p is the predicted probability of the target, and of `boxes` times |deltas - wanted|. Ignored anchors have zeros, and both are divided by the number of foreground anchors.
 *
 * @param labels as in values.ts
 */
export function lossWeights(labels: Float32Array): Record<'targets' | 'focal' | 'boxes', Float32Array> {
  const count = labels.reduce((sum, label) => sum + (label >= 0 ? 1 : 0), 0);
  const each = (i: number): number => labels[Math.floor(i / CLASSES)]!;
  const targets = Float32Array.from({ length: labels.length * CLASSES }, (_, i) => (each(i) === i % CLASSES ? 1 : 0));
  return {
    targets,
    focal: targets.map((target, i) => (each(i) === -2 ? 0 : (target === 1 ? ALPHA : 1 - ALPHA) / count)),
    boxes: labels.map((label) => (label >= 0 ? 1 / count : 0)),
  };
}
