import { anchorsPerCell } from '../retinanet/anchors.ts';
import { inputChannels, presets, retinaNetSpec, type BackboneSpec, type RetinaNetSpec } from '../retinanet/spec.ts';
import type { HostTensor } from '../nn/module.ts';
import type { Shape } from '../tensor/shape.ts';
import { inflateFilter } from '../weights/inflate.ts';
import { hasSameMean, recolourFilter } from '../weights/recolour.ts';
import { layoutOf, resnetWrapper, torchvisionName, type Layout } from '../weights/layouts.ts';
import type { StoredTensor, TensorFile } from '../weights/tensor-file.ts';
import { fromTorchLayout, fromTorchName, fromTorchShape, isCounter } from '../weights/torchvision.ts';
import { readDescription } from './detector.ts';
import type { HubConfig } from './hub-config.ts';

/** A tensor of the model or of the file that is not loaded as it is, or not for all classes. */
export interface TensorNote {
  /** Name in this library, for example `head.regressionHead.bboxReg.weight`. */
  readonly name: string;
  /** Shape in this library's layout. */
  readonly shape: Shape;
  /** Why the tensor of the model keeps its values, why that of the file is skipped, or what was converted. */
  readonly reason: string;
}

/** A tensor of a file under its name and in its layout in `RetinaNet`. */
export interface SourceTensor {
  readonly shape: Shape;
  /** Type of the values in the file, for example `F16`. */
  readonly dtype: string;
  /** What `read` does to the values of the file for the model, beside the type and the order of axes. Default nothing. */
  readonly conversions?: readonly string[];
  /** Reads the values from the file. */
  read(): Promise<HostTensor>;
}

/** Contents of a file of pretrained weights. */
export interface PretrainedSource {
  readonly kind: 'detector' | Layout['kind'] | 'torchvision backbone';
  /** Tensors with the names and layouts of `RetinaNet`. */
  readonly state: ReadonlyMap<string, SourceTensor>;
  /** Other tensors of the file. */
  readonly unused: readonly TensorNote[];
  /** Names of the classes; null if the file has none. */
  readonly classes: readonly string[] | null;
  /** The spec that the weights were trained with, as far as it is known: whole for a detector. */
  readonly spec: Pick<RetinaNetSpec, 'transform' | 'backbone'> & Partial<RetinaNetSpec>;
}

/** Prefix of the ResNet in a RetinaNet. */
const BODY = 'backbone.body.';
/** The filters of the first convolution, [height, width, channels of the images, out]. */
const FIRST = `${BODY}conv1.weight`;
const HEAD = 'head.classificationHead.';

/** Depth of a ResNet by its blocks per stage and their type. */
const depths: Readonly<Record<string, BackboneSpec['depth']>> = {
  '2,2,2,2 basic': 18,
  '3,4,6,3 basic': 34,
  '3,4,6,3 bottleneck': 50,
  '3,4,23,3 bottleneck': 101,
};

/**
 * Recognises the weights in a file: a detector of this library, a RetinaNet with the names of torchvision, Detectron2,
 * MMDetection or yhenon's pytorch-retinanet, or a ResNet classifier with those of torchvision and timm.
 *
 * @param config of the file's folder, which may name the classes
 */
export function readPretrained(file: TensorFile, path: string, config: HubConfig | null = null): PretrainedSource {
  const description = readDescription(file.metadata, path);
  if (description !== null) {
    const { classes, spec } = description;
    return { kind: 'detector', state: file.tensors, unused: [], classes, spec };
  }
  const has = (name: string): boolean => file.tensors.has(name);
  const found = layoutOf(has);
  if (found !== null) {
    const source = { ...foreignDetector(file, found), classes: config?.classes ?? storedClasses(file) };
    return config?.description == null ? source : { ...source, kind: 'detector', spec: config.description.spec };
  }
  const wrapper = resnetWrapper(has);
  if (wrapper !== null) return classifier(file, wrapper);
  const names = [...file.tensors.keys()].filter((name) => !isCounter(name));
  throw new Error(
    `${path}: not a detector or backbone: it has no weights of a RetinaNet or ResNet with the names of torchvision, ` +
      'Detectron2, MMDetection or pytorch-retinanet, only ' +
      `${names.slice(0, 4).join(', ') || 'counters'}; expected for example conv1.weight and layer1.0.conv1.weight, ` +
      'or backbone.body.conv1.weight and head.classification_head.cls_logits.weight',
  );
}

/** Names of the classes in the metadata of a file that this library exported; null if it has none. */
function storedClasses({ metadata }: TensorFile): readonly string[] | null {
  try {
    const classes: unknown = JSON.parse(metadata['classes'] ?? 'null');
    return Array.isArray(classes) && classes.every((name) => typeof name === 'string') ? classes : null;
  } catch {
    return null; // An entry of another program.
  }
}

/** A RetinaNet of another library. */
function foreignDetector(
  file: TensorFile,
  { layout, wrapper }: NonNullable<ReturnType<typeof layoutOf>>,
): PretrainedSource {
  const named = renamed(file, (name) =>
    name.startsWith(wrapper) ? torchvisionName(layout, name.slice(wrapper.length)) : null,
  );
  return { kind: layout.kind, ...named, classes: null, spec: specOf(layout, named.state, file, wrapper) };
}

/** The backbone of a classifier. */
function classifier(file: TensorFile, wrapper: string): PretrainedSource {
  const named = renamed(file, (name) => {
    const inner = name.startsWith(wrapper) ? name.slice(wrapper.length) : '';
    return /^(?:conv1|bn1|layer[1-4])\./.test(inner) ? BODY + inner : null;
  });
  const { transform, backbone } = retinaNetSpec('torchvision');
  const { depth = backbone.depth, width = backbone.width } = describeBackbone(shapesOf(named.state));
  const norm = normsOf(shapesOf(named.state)) === 'group' ? 'group' : backbone.norm;
  const spec = { transform, backbone: { ...backbone, depth, width, norm } };
  return { kind: 'torchvision backbone', ...named, classes: null, spec };
}

/** The tensors of a file that `nameOf` gives a name of torchvision, and the others. Counters of batches are dropped. */
function renamed(
  file: TensorFile,
  nameOf: (name: string) => string | null,
): Pick<PretrainedSource, 'state' | 'unused'> {
  const state = new Map<string, SourceTensor>();
  const unused: TensorNote[] = [];
  for (const [name, tensor] of file.tensors) {
    if (isCounter(name)) continue;
    const known = nameOf(name);
    const shape = fromTorchShape(tensor.shape);
    if (known === null) unused.push({ name, shape, reason: 'not part of the network' });
    else state.set(fromTorchName(known), { ...tensor, shape, read: async () => fromTorchLayout(await tensor.read()) });
  }
  return { state, unused };
}

/** The spec of a detector: that of its layout, with the sizes of its tensors. */
function specOf(
  layout: Layout,
  state: PretrainedSource['state'],
  { tensors }: TensorFile,
  wrapper: string,
): RetinaNetSpec {
  const shapes = shapesOf(state);
  const isSecond = layout.kind === 'torchvision detector' && state.has(`${HEAD}conv.0.1.weight`);
  const base = isSecond ? retinaNetSpec('torchvisionV2') : layout.spec;
  const { depth = base.backbone.depth, width = base.backbone.width } = describeBackbone(shapes);
  const isTrained = [...tensors.keys()].some(isCounter);
  const convs = [...state.keys()].filter((name) =>
    /^head\.classificationHead\.conv\.\d+\.0\.weight$/.test(name),
  ).length;
  const channels = shapes.get('backbone.fpn.layerBlocks.0.0.weight')?.[3] ?? base.pyramid.channels;
  const headChannels = shapes.get(`${HEAD}clsLogits.weight`)?.[2] ?? base.head.channels;
  return {
    ...base,
    backbone: {
      ...base.backbone,
      depth,
      width,
      norm: normsOf(shapes) === 'group' ? 'group' : isTrained ? 'batch' : 'frozen',
      normEps: isPublishedFirst(tensors, wrapper) ? 0 : base.backbone.normEps,
    },
    pyramid: { ...base.pyramid, channels },
    head: { ...base.head, channels: headChannels, convs },
  };
}

/**
 * The contents of a file for the images of a model: filters for three colours are reordered and scaled to the model's, and inflated
 * (`inflateFilter`) for another number of bands. Throws an Error for filters of another number of channels.
 */
export function fitInput(path: string, source: PretrainedSource, ours: RetinaNetSpec): PretrainedSource {
  const channels = inputChannels(ours);
  const theirs = source.state.get(FIRST)?.shape[2];
  // Other bands have no order of colours, and each a variance of one: as torchvision's colours.
  const { filter, spec } = fitColours(source, channels === 3 ? ours.transform : presets.torchvision.transform);
  if (filter === undefined) return source;
  const fitted = { ...source, spec, state: new Map(source.state).set(FIRST, filter) };
  if (theirs === channels) return fitted;
  if (theirs !== 3) {
    throw new Error(
      `${path}: its first convolution takes images of ${theirs} bands, the model's ${channels}: read images of ${theirs} bands ` +
        `(data.bands), or choose weights for ${channels === 3 ? '3 bands' : `${channels} or 3 bands`}`,
    );
  }
  const [height = 0, width = 0, , filters = 0] = filter.shape;
  fitted.state.set(FIRST, {
    ...filter,
    shape: [height, width, channels, filters],
    conversions: [...(filter.conversions ?? []), `from 3 bands to ${channels}`],
    read: async () => inflateFilter(await filter.read(), channels),
  });
  return fitted;
}

/** The filters of the first convolution for colours as `to` says, and the spec that they then belong to. */
function fitColours(
  { state, spec }: PretrainedSource,
  to: RetinaNetSpec['transform'],
): { filter: SourceTensor | undefined; spec: PretrainedSource['spec'] } {
  const filter = state.get(FIRST);
  const from = spec.transform;
  if (filter?.shape[2] !== 3 || colours(from) === colours(to) || !hasSameMean(from, to)) return { filter, spec };
  const { mean, std, channels, white } = to;
  const order = from.channels === channels ? '' : `channels from ${from.channels} to ${channels}, `;
  const recoloured: SourceTensor = {
    ...filter,
    conversions: [`${order}scaled to the model's colours`],
    read: async () => recolourFilter(await filter.read(), from, to),
  };
  return { filter: recoloured, spec: { ...spec, transform: { ...from, mean, std, channels, white } } };
}

/**
 * Whether this is the first RetinaNet that torchvision published, for COCO: it has the names of torchvision 0.12 and before, 91
 * classes with 9 anchors, and frozen norms, which torchvision itself gives an eps of 0 when it loads the file.
 */
function isPublishedFirst(tensors: ReadonlyMap<string, StoredTensor>, wrapper: string): boolean {
  return (
    tensors.has(`${wrapper}head.classification_head.conv.0.weight`) &&
    tensors.get(`${wrapper}head.classification_head.cls_logits.bias`)?.shape[0] === 91 * 9
  );
}

const shapesOf = (state: PretrainedSource['state']): Map<string, Shape> =>
  new Map([...state].map(([name, { shape }]) => [name, shape]));

/** Number of classes of a detector without names, by its last layer; undefined without that layer. */
export function classCount({ state, spec }: PretrainedSource): number | undefined {
  const outputs = state.get(`${HEAD}clsLogits.bias`)?.shape[0];
  const count = spec.anchors === undefined || outputs === undefined ? NaN : outputs / anchorsPerCell(spec.anchors);
  return Number.isInteger(count) ? count : undefined;
}

/**
 * Throws an Error unless the backbone of the file has the depth and width of the model's, and all of its tensors.
 *
 * @param own shapes of the model's state by name
 */
export function checkBackbone(path: string, { state }: PretrainedSource, own: ReadonlyMap<string, Shape>): void {
  const shapes = shapesOf(state);
  const [theirs, ours] = [describeBackbone(shapes), describeBackbone(own)];
  if (theirs.text !== ours.text) {
    throw new Error(
      `${path}: its backbone is ${theirs.text}, the model's is ${ours.text}: ` +
        (theirs.depth === undefined
          ? 'choose weights of a model with the same backbone'
          : `make the model with backbone: { depth: ${theirs.depth}, width: ${theirs.width} }, or choose other weights`),
    );
  }
  const [their, our] = [normsOf(shapes), normsOf(own)];
  if (their !== our) {
    const norm = their === 'group' ? "'group'" : "'batch' or 'frozen'";
    throw new Error(
      `${path}: its backbone has ${their} norms, the model's has ${our} norms: make the model with backbone: { norm: ${norm} } ` +
        '(the setting model.norm), or choose other weights',
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

/** The norms of a backbone: only those of batches have statistics. */
const normsOf = (shapes: ReadonlyMap<string, Shape>): 'batch' | 'group' =>
  shapes.has(`${BODY}bn1.weight`) && !shapes.has(`${BODY}bn1.runningMean`) ? 'group' : 'batch';

/** Infers the depth and width of a ResNet from the names and shapes of its weights. */
function describeBackbone(shapes: ReadonlyMap<string, Shape>): {
  text: string;
  depth?: BackboneSpec['depth'];
  width?: number;
} {
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

/** The normalisation of colours, independent of the value of white. */
function colours({ mean, std, channels, white }: RetinaNetSpec['transform']): string {
  const [m, s] = [mean, std].map((values) => values.map((value) => (value / white).toFixed(3)).join(' '));
  return `${channels}, mean ${m}, std ${s}`;
}

/** A part of two networks that may differ. */
type Pair = [name: string, theirs: string, ours: string];

/**
 * Differences between the network that the weights were trained in and the model that change the meaning of the
 * weights.
 */
export function differences({ spec: theirs }: PretrainedSource, ours: RetinaNetSpec): string[] {
  const [before, now] = [inputChannels(theirs), inputChannels(ours)];
  const isInflated = before !== now;
  const pairs: Pair[] = [
    ...(isInflated ? [] : [['colours', colours(theirs.transform), colours(ours.transform)] as Pair]),
    ['norm of the backbone', theirs.backbone.norm, ours.backbone.norm],
    ['eps of its norms', `${theirs.backbone.normEps}`, `${ours.backbone.normEps}`],
  ];
  if (ours.backbone.depth >= 50)
    pairs.push(['stride of bottlenecks', theirs.backbone.bottleneckStride, ours.backbone.bottleneckStride]);
  if (theirs.pyramid !== undefined) {
    pairs.push(['source of P6', theirs.pyramid.p6, ours.pyramid.p6]);
    pairs.push(['ReLU before P7', `${theirs.pyramid.reluBeforeP7}`, `${ours.pyramid.reluBeforeP7}`]);
  }
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
