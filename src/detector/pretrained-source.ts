import { presets, type RetinaNetSpec } from '../retinanet/spec.ts';
import type { HostTensor } from '../nn/module.ts';
import type { Shape } from '../tensor/shape.ts';
import { decodeSafetensors } from '../weights/safetensors.ts';
import { fromTorchvisionStateDict, isCounter } from '../weights/torchvision.ts';
import { readDescription } from './detector.ts';

/** A tensor of the model or of the file, with what became of it. */
export interface TensorNote {
  /** In this library's style, such as `head.regressionHead.bboxReg.weight`. */
  readonly name: string;
  /** In this library's layouts. */
  readonly shape: Shape;
  /** Why it is fresh, or why it was skipped. */
  readonly reason: string;
}

/** What a file of pretrained weights holds. */
export interface PretrainedSource {
  readonly kind: 'detector' | 'torchvision detector' | 'torchvision backbone';
  /** Values under the names and in the layouts of a RetinaNet here. */
  readonly state: ReadonlyMap<string, HostTensor>;
  /** What else the file holds. */
  readonly unused: readonly TensorNote[];
  /** Names of the classes, where the file has them. */
  readonly classes: readonly string[] | null;
  /** What the weights were trained with, as far as it is known. */
  readonly spec: Pick<RetinaNetSpec, 'transform' | 'backbone'> & Partial<Pick<RetinaNetSpec, 'anchors' | 'boxCoder'>>;
}

/** Where the ResNet stands in a RetinaNet. */
const BODY = 'backbone.body.';

/** Blocks of each stage, and whether they are bottlenecks, of the depths that there are. */
const depths: Readonly<Record<string, number>> = {
  '2,2,2,2 basic': 18,
  '3,4,6,3 basic': 34,
  '3,4,6,3 bottleneck': 50,
  '3,4,23,3 bottleneck': 101,
};

/** Reads a file of weights: a detector's, or PyTorch's of torchvision's RetinaNet or of a ResNet. */
export function readPretrained(bytes: Uint8Array, path: string): PretrainedSource {
  const { tensors, metadata } = decodeSafetensors(bytes, path, { ignore: isCounter });
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
      `${path}: holds no weights of a ResNet or RetinaNet under torchvision's names: it has ` +
        `${names.slice(0, 4).join(', ') || 'nothing'}; expected names such as conv1.weight and layer1.0.conv1.weight ` +
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
      .map(([name, { shape }]) => ({ name, shape, reason: 'no part of a backbone' })),
    classes: null,
    spec,
  };
}

/**
 * Throws an Error unless the file's backbone is of the model's depth and width and has all of it.
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
          ? 'choose weights of a model like this one'
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
    `${path}: its backbone is ${theirs.text} like the model's, but ${problems.slice(0, 3).join('; ')}` +
      (problems.length > 3 ? ` and ${problems.length - 3} more` : '') +
      (isNorm ? ': its norms are no batch norms, which this backbone has' : ': it is another kind of ResNet'),
  );
}

/** Depth and width of a ResNet by the names and shapes of its weights. */
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

/** What differs between the network that the weights come from and the model, and changes what they mean. */
export function differences({ spec: theirs }: PretrainedSource, ours: RetinaNetSpec): string[] {
  /** Colours as the network sees them, whatever number white is. */
  const colours = ({ mean, std, channels, white }: RetinaNetSpec['transform']): string => {
    const [m, s] = [mean, std].map((values) => values.map((value) => (value / white).toFixed(3)).join(' '));
    return `${channels}, mean ${m}, deviation ${s}`;
  };
  const pairs: [name: string, theirs: string, ours: string][] = [
    ['colours', colours(theirs.transform), colours(ours.transform)],
    ['norm of the backbone', theirs.backbone.norm, ours.backbone.norm],
    ['added variance of its norms', `${theirs.backbone.normEps}`, `${ours.backbone.normEps}`],
  ];
  if (ours.backbone.depth >= 50)
    pairs.push(['stride of bottlenecks', theirs.backbone.bottleneckStride, ours.backbone.bottleneckStride]);
  for (const part of ['anchors', 'boxCoder'] as const) {
    if (theirs[part] !== undefined) pairs.push([part, JSON.stringify(theirs[part]), JSON.stringify(ours[part])]);
  }
  return pairs.flatMap(([name, before, now]) =>
    before === now ? [] : [`${name}: the weights were trained with ${before}, the model has ${now}`],
  );
}
