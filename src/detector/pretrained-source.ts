import { inputChannels, presets, type RetinaNetSpec } from '../retinanet/spec.ts';
import type { HostTensor } from '../nn/module.ts';
import type { Shape } from '../tensor/shape.ts';
import { inflateFilter } from '../weights/inflate.ts';
import { decodeWeights } from '../weights/open-weights.ts';
import { fromTorchvisionStateDict } from '../weights/torchvision.ts';
import { readDescription } from './detector.ts';

/** A tensor of the model or of the file that is not loaded, or not for all classes. */
export interface TensorNote {
  /** Name in this library, for example `head.regressionHead.bboxReg.weight`. */
  readonly name: string;
  /** Shape in this library's layout. */
  readonly shape: Shape;
  /** Why the tensor of the model keeps its values, or why that of the file is skipped. */
  readonly reason: string;
}

/** Contents of a file of pretrained weights. */
export interface PretrainedSource {
  readonly kind: 'detector' | 'torchvision detector' | 'torchvision backbone';
  /** Values with the names and layouts of `RetinaNet`. */
  readonly state: ReadonlyMap<string, HostTensor>;
  /** Other tensors of the file. */
  readonly unused: readonly TensorNote[];
  /** Names of the classes; null if the file has none. */
  readonly classes: readonly string[] | null;
  /** The spec that the weights were trained with, as far as it is known. */
  readonly spec: Pick<RetinaNetSpec, 'transform' | 'backbone'> & Partial<Pick<RetinaNetSpec, 'anchors' | 'boxCoder'>>;
}

/** Prefix of the ResNet in a RetinaNet. */
const BODY = 'backbone.body.';
/** The filters of the first convolution, [height, width, channels of the images, out]. */
const FIRST = `${BODY}conv1.weight`;

/** Depth of a ResNet by its blocks per stage and their type. */
const depths: Readonly<Record<string, number>> = {
  '2,2,2,2 basic': 18,
  '3,4,6,3 basic': 34,
  '3,4,6,3 bottleneck': 50,
  '3,4,23,3 bottleneck': 101,
};

/**
 * Reads a file of weights, safetensors or PyTorch's: a detector, or the state dict of torchvision's RetinaNet or of a ResNet.
 */
export async function readPretrained(bytes: Uint8Array, path: string): Promise<PretrainedSource> {
  const { tensors, metadata } = await decodeWeights(bytes, path);
  const description = readDescription(metadata, path);
  if (description !== null) {
    const { classes, spec } = description;
    return { kind: 'detector', state: tensors, unused: [], classes, spec };
  }
  const { transform } = presets.torchvision;
  const spec = { transform, backbone: presets.torchvision.backbone };
  const state = fromTorchvisionStateDict(tensors);
  const names = [...state.keys()];
  if (names.some((name) => name.startsWith(BODY))) {
    return { kind: 'torchvision detector', state, unused: [], classes: null, spec };
  }
  if (!(state.has('conv1.weight') && state.has('layer1.0.conv1.weight'))) {
    throw new Error(
      `${path}: has no weights of a ResNet or RetinaNet with torchvision's names, only ` +
        `${names.slice(0, 4).join(', ') || 'counters'}; expected for example conv1.weight and layer1.0.conv1.weight, ` +
        'or backbone.body.conv1.weight',
    );
  }
  const entries = [...state];
  const isBody = ([name]: [string, HostTensor]): boolean => /^(?:conv1|bn1|layer[1-4])\./.test(name);
  return {
    kind: 'torchvision backbone',
    state: new Map(entries.filter(isBody).map(([name, value]) => [BODY + name, value])),
    unused: entries
      .filter((entry) => !isBody(entry))
      .map(([name, { shape }]) => ({ name, shape, reason: 'not part of a backbone' })),
    classes: null,
    spec,
  };
}

/**
 * The contents of a file for images of a number of channels: filters for red, green and blue are inflated (`inflateFilter`).
 * Throws an Error for filters of another number of channels.
 */
export function fitInput(path: string, source: PretrainedSource, channels: number): PretrainedSource {
  const filter = source.state.get(FIRST);
  const theirs = filter?.shape[2];
  if (filter === undefined || theirs === channels) return source;
  if (theirs !== 3) {
    throw new Error(
      `${path}: its first convolution takes images of ${theirs} bands, the model's ${channels}: read images of ${theirs} bands ` +
        `(data.bands), or choose weights for ${channels === 3 ? '3 bands' : `${channels} or 3 bands`}`,
    );
  }
  return { ...source, state: new Map(source.state).set(FIRST, inflateFilter(filter, channels)) };
}

/**
 * Throws an Error unless the backbone of the file has the depth and width of the model's, and all of its tensors.
 *
 * @param own shapes of the model's state by name
 */
export function checkBackbone(path: string, { state }: PretrainedSource, own: ReadonlyMap<string, Shape>): void {
  const shapes = new Map([...state].map(([name, { shape }]) => [name, shape]));
  const [theirs, ours] = [describeBackbone(shapes), describeBackbone(own)];
  if (theirs.text !== ours.text) {
    throw new Error(
      `${path}: its backbone is ${theirs.text}, the model's is ${ours.text}: ` +
        (theirs.depth === undefined
          ? 'choose weights of a model with the same backbone'
          : `make the model with backbone: { depth: ${theirs.depth}, width: ${theirs.width} }, or choose other weights`),
    );
  }
  const problems = [...own].flatMap(([name, shape]) => {
    if (!name.startsWith(BODY)) return [];
    const found = shapes.get(name);
    if (found === undefined) return [`${name} is missing`];
    return found.join() === shape.join() ? [] : [`${name} is [${found}], the model's [${shape}]`];
  });
  if (problems.length === 0) return;
  const isNorm = problems.every((problem) => /running(?:Mean|Var)|bn\d|downsample\.1|norm/.test(problem));
  throw new Error(
    `${path}: its backbone is ${theirs.text}, as in the model, but ${problems.slice(0, 3).join('; ')}` +
      (problems.length > 3 ? ` and ${problems.length - 3} more` : '') +
      (isNorm ? '; the model expects batch norms' : '; it is a different kind of ResNet'),
  );
}

/** Infers the depth and width of a ResNet from the names and shapes of its weights. */
function describeBackbone(shapes: ReadonlyMap<string, Shape>): { text: string; depth?: number; width?: number } {
  const width = shapes.get(`${BODY}conv1.weight`)?.[3];
  const blocks = [1, 2, 3, 4].map(
    (stage) =>
      new Set(
        [...shapes.keys()].flatMap(
          (name) => new RegExp(`^backbone\\.body\\.layer${stage}\\.(\\d+)\\.`).exec(name)?.[1] ?? [],
        ),
      ).size,
  );
  const kind = shapes.has(`${BODY}layer1.0.conv3.weight`) ? 'bottleneck' : 'basic';
  const depth = depths[`${blocks} ${kind}`];
  if (depth === undefined || width === undefined) return { text: `a network of ${blocks.join(', ')} ${kind} blocks` };
  return { text: `a ResNet-${depth} of width ${width}`, depth, width };
}

/** A part of two networks that may differ. */
type Pair = [name: string, theirs: string, ours: string];

/**
 * Differences between the network that the weights were trained in and the model that change the meaning of the
 * weights.
 */
export function differences({ spec: theirs }: PretrainedSource, ours: RetinaNetSpec): string[] {
  /** The normalisation of colours, independent of the value of white. */
  const colours = ({ mean, std, channels, white }: RetinaNetSpec['transform']): string => {
    const [m, s] = [mean, std].map((values) => values.map((value) => (value / white).toFixed(3)).join(' '));
    return `${channels}, mean ${m}, std ${s}`;
  };
  const [before, now] = [inputChannels(theirs), inputChannels(ours)];
  const isInflated = before !== now;
  const pairs: Pair[] = [
    ...(isInflated ? [] : [['colours', colours(theirs.transform), colours(ours.transform)] as Pair]),
    ['norm of the backbone', theirs.backbone.norm, ours.backbone.norm],
    ['eps of its norms', `${theirs.backbone.normEps}`, `${ours.backbone.normEps}`],
  ];
  if (ours.backbone.depth >= 50)
    pairs.push(['stride of bottlenecks', theirs.backbone.bottleneckStride, ours.backbone.bottleneckStride]);
  for (const part of ['anchors', 'boxCoder'] as const) {
    if (theirs[part] !== undefined) pairs.push([part, JSON.stringify(theirs[part]), JSON.stringify(ours[part])]);
  }
  const inflated = `the first convolution is inflated from ${before} bands to ${now}: its filters for red, green and blue are ${now < 3 ? 'summed' : 'repeated'}, so that grey gives the same response`;
  return [
    ...(isInflated ? [inflated] : []),
    ...pairs.flatMap(([name, trained, own]) =>
      trained === own ? [] : [`${name}: the weights were trained with ${trained}, the model has ${own}`],
    ),
  ];
}
