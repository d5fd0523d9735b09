import type { HostTensor } from '../../nn/module.ts';
import { groupsOf, type RetinaNetSpec } from '../../retinanet/spec.ts';
import type { OnnxGraph } from './graph.ts';

// The network of src/retinanet as ONNX operators, from its spec and its weights. Batch norms become part of the convolutions
// before them, as `convNorm` applies them.

/** A value [1, channels, height, width] of the graph. */
export interface FeatureMap {
  readonly value: string;
  readonly channels: number;
  readonly height: number;
  readonly width: number;
}

interface ConvOptions {
  readonly stride?: number;
  /** Name of a norm of the backbone after the convolution. */
  readonly norm?: string;
  readonly relu?: boolean;
}

/** Outputs of the heads for one level: [1, anchors, classes] and [1, anchors, 4]. */
export interface LevelOutput {
  readonly logits: string;
  readonly deltas: string;
  readonly height: number;
  readonly width: number;
}

/** Builds a RetinaNet in a graph. Constants have the names of torchvision's state dict. */
export class OnnxNetwork {
  readonly #graph: OnnxGraph;
  readonly #spec: RetinaNetSpec;
  readonly #weights: ReadonlyMap<string, HostTensor>;

  /** @param weights with torchvision's names and layouts */
  constructor(graph: OnnxGraph, spec: RetinaNetSpec, weights: ReadonlyMap<string, HostTensor>) {
    this.#graph = graph;
    this.#spec = spec;
    this.#weights = weights;
  }

  /**
   * Outputs of each level, finest first.
   *
   * @param images normalised and padded
   */
  levels(images: FeatureMap, classes: number): LevelOutput[] {
    return this.#pyramid(this.#body(images)).map((level) => ({
      height: level.height,
      width: level.width,
      logits: this.#head(level, 'head.classification_head', 'cls_logits', classes),
      deltas: this.#head(level, 'head.regression_head', 'bbox_reg', 4),
    }));
  }

  /** C3, C4 and C5. */
  #body(images: FeatureMap): [FeatureMap, FeatureMap, FeatureMap] {
    const stem = this.#conv(images, 'backbone.body.conv1', { stride: 2, norm: 'backbone.body.bn1', relu: true });
    const pooled = this.#graph.add('MaxPool', [stem.value], {
      kernel_shape: [3, 3],
      strides: [2, 2],
      pads: [1, 1, 1, 1],
    });
    const halved = (side: number): number => Math.floor((side - 1) / 2) + 1;
    let x: FeatureMap = { ...stem, value: pooled, height: halved(stem.height), width: halved(stem.width) };
    const stages = [1, 2, 3, 4].map((stage) => {
      for (let i = 0; this.#weights.has(`backbone.body.layer${stage}.${i}.conv1.weight`); i++) {
        x = this.#block(x, `backbone.body.layer${stage}.${i}`, stage > 1 && i === 0 ? 2 : 1);
      }
      return x;
    });
    return [stages[1]!, stages[2]!, stages[3]!];
  }

  /** A basic or a bottleneck block. */
  #block(x: FeatureMap, name: string, stride: number): FeatureMap {
    const isBottleneck = this.#weights.has(`${name}.conv3.weight`);
    const onFirst = !isBottleneck || this.#spec.backbone.bottleneckStride === '1x1';
    const [first, second] = onFirst ? [stride, 1] : [1, stride];
    const part = (input: FeatureMap, n: number, options: ConvOptions): FeatureMap =>
      this.#conv(input, `${name}.conv${n}`, { norm: `${name}.bn${n}`, ...options });
    let y = part(x, 1, { stride: first, relu: true });
    y = part(y, 2, { stride: second, relu: isBottleneck });
    if (isBottleneck) y = part(y, 3, {});
    const shortcut = this.#weights.has(`${name}.downsample.0.weight`)
      ? this.#conv(x, `${name}.downsample.0`, { stride, norm: `${name}.downsample.1` })
      : x;
    return this.#relu({ ...y, value: this.#graph.add('Add', [y.value, shortcut.value]) });
  }

  /** P3 to P7. */
  #pyramid([c3, c4, c5]: readonly [FeatureMap, FeatureMap, FeatureMap]): FeatureMap[] {
    const fpn = 'backbone.fpn';
    const inner = (x: FeatureMap, i: number): FeatureMap => this.#conv(x, `${fpn}.inner_blocks.${i}.0`);
    const layer = (x: FeatureMap, i: number): FeatureMap => this.#conv(x, `${fpn}.layer_blocks.${i}.0`);
    const merged = (x: FeatureMap, above: FeatureMap): FeatureMap => ({
      ...x,
      value: this.#graph.add('Add', [x.value, this.#upsampled(above, x)]),
    });
    const m5 = inner(c5, 2);
    const m4 = merged(inner(c4, 1), m5);
    const m3 = merged(inner(c3, 0), m4);
    const p5 = layer(m5, 2);
    const { p6: from, reluBeforeP7 } = this.#spec.pyramid;
    const p6 = this.#conv(from === 'P5' ? p5 : c5, `${fpn}.extra_blocks.p6`, { stride: 2 });
    const p7 = this.#conv(reluBeforeP7 ? this.#relu(p6) : p6, `${fpn}.extra_blocks.p7`, { stride: 2 });
    return [layer(m3, 0), layer(m4, 1), p5, p6, p7];
  }

  /** Nearest neighbour: row i of the result is row floor(i * in / out), as `upsampleNearest` has it. */
  #upsampled(x: FeatureMap, like: FeatureMap): string {
    const size = this.#graph.integers([1, x.channels, like.height, like.width]);
    return this.#graph.add('Resize', [x.value, '', '', size], {
      mode: 'nearest',
      coordinate_transformation_mode: 'asymmetric',
      nearest_mode: 'floor',
    });
  }

  /** A subnet on one level: [1, anchors, width], rows, columns, then the anchors of a cell. */
  #head(level: FeatureMap, name: string, last: string, width: number): string {
    let x = level;
    for (let i = 0; i < this.#spec.head.convs; i++) {
      const groups = this.#spec.head.normGroups;
      x = this.#conv(x, `${name}.conv.${i}.0`, { relu: groups === null });
      if (groups !== null) x = this.#relu(this.#groupNorm(x, `${name}.conv.${i}.1`, { groups, eps: 1e-5 }));
    }
    const channelsLast = this.#graph.add('Transpose', [this.#conv(x, `${name}.${last}`).value], { perm: [0, 2, 3, 1] });
    return this.#graph.reshape(channelsLast, [1, -1, width]);
  }

  #conv(x: FeatureMap, name: string, { stride = 1, norm, relu = false }: ConvOptions = {}): FeatureMap {
    const { shape } = this.#tensor(`${name}.weight`);
    const [channels, , kernel] = shape as [number, number, number, number];
    const padding = (kernel - 1) / 2;
    const { norm: kind, normEps: eps } = this.#spec.backbone;
    const fixed = norm === undefined || kind === 'group' ? null : this.#fixedNorm(norm);
    const weight = this.#graph.constant(`${name}.weight`, () => {
      const { data } = this.#tensor(`${name}.weight`);
      const perFilter = data.length / channels;
      return {
        shape,
        data: fixed === null ? data : data.map((value, i) => value * fixed.scale[Math.floor(i / perFilter)]!),
      };
    });
    const shift = fixed?.shift ?? this.#weights.get(`${name}.bias`)?.data;
    const bias = shift && this.#graph.constant(`${name}.bias`, () => ({ shape: [channels], data: shift }));
    const value = this.#graph.add('Conv', [x.value, weight, ...(bias === undefined ? [] : [bias])], {
      kernel_shape: [kernel, kernel],
      strides: [stride, stride],
      pads: [padding, padding, padding, padding],
    });
    const side = (extent: number): number => Math.floor((extent + 2 * padding - kernel) / stride) + 1;
    const y = { value, channels, height: side(x.height), width: side(x.width) };
    const isGrouped = norm !== undefined && kind === 'group';
    const normed = isGrouped ? this.#groupNorm(y, norm, { groups: groupsOf(channels), eps }) : y;
    return relu ? this.#relu(normed) : normed;
  }

  #relu(x: FeatureMap): FeatureMap {
    return { ...x, value: this.#graph.add('Relu', [x.value]) };
  }

  /** Opset 13 has no group norm: instance norm of the groups as channels, then scale and shift per channel. */
  #groupNorm(
    x: FeatureMap,
    name: string,
    { groups, eps }: { readonly groups: number; readonly eps: number },
  ): FeatureMap {
    const ones = this.#graph.floats(new Array<number>(groups).fill(1));
    const zeros = this.#graph.floats(new Array<number>(groups).fill(0));
    const grouped = this.#graph.reshape(x.value, [1, groups, -1]);
    const normed = this.#graph.add('InstanceNormalization', [grouped, ones, zeros], { epsilon: { float: eps } });
    const back = this.#graph.reshape(normed, [1, x.channels, x.height, x.width]);
    const perChannel = (what: string): string =>
      this.#graph.constant(`${name}.${what}`, () => ({
        shape: [1, x.channels, 1, 1],
        data: this.#tensor(`${name}.${what}`).data,
      }));
    const scaled = this.#graph.add('Mul', [back, perChannel('weight')]);
    return { ...x, value: this.#graph.add('Add', [scaled, perChannel('bias')]) };
  }

  /** A batch norm with the statistics of training as y = scale x + shift. */
  #fixedNorm(name: string): { scale: Float32Array; shift: Float32Array } {
    const part = (what: string): Float32Array => this.#tensor(`${name}.${what}`).data;
    const [mean, variance, bias] = [part('running_mean'), part('running_var'), part('bias')];
    const scale = part('weight').map((weight, i) => weight / Math.sqrt(variance[i]! + this.#spec.backbone.normEps));
    return { scale, shift: bias.map((value, i) => value - mean[i]! * scale[i]!) };
  }

  #tensor(name: string): HostTensor {
    const found = this.#weights.get(name);
    if (found === undefined) throw new Error(`exportOnnx: the weights have no ${name}`);
    return found;
  }
}
