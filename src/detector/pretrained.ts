import { counted, defined } from '../common/check.ts';
import { anchorsPerCell } from '../retinanet/anchors.ts';
import type { HostTensor } from '../nn/module.ts';
import type { AnchorSpec } from '../retinanet/spec.ts';
import type { RetinaNet } from '../retinanet/retinanet.ts';
import { pack, toNdarray } from '../tensor/host.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { sameShape, type Shape } from '../tensor/shape.ts';
import type { Bytes } from '../weights/byte-source.ts';
import { openWeights } from '../weights/open-weights.ts';
import {
  checkBackbone,
  differences,
  fitInput,
  readPretrained,
  type PretrainedSource,
  type SourceTensor,
  type TensorNote,
} from './pretrained-source.ts';

/** Options of `loadPretrained`. */
export interface PretrainedOptions {
  /** Names of the model's classes in the order of their labels, to match them with those of the file. */
  readonly classes?: readonly string[];
  /** Name of the file, for errors. */
  readonly name?: string;
}

/** Result of `loadPretrained`. */
export interface PretrainedReport {
  readonly kind: PretrainedSource['kind'];
  /** Names of the model's tensors that were loaded, completely or for some classes. */
  readonly loaded: readonly string[];
  /** Those of `loaded` whose values were converted: from another type than float32, to the model's order of anchors or of colours, or to its bands. */
  readonly converted: readonly TensorNote[];
  /**
   * Tensors of the model that keep their initial values, completely or for the classes that the file does not have:
   * re-initialised, in the words of other libraries.
   */
  readonly fresh: readonly TensorNote[];
  /** Tensors of the file that were not used, or not for all classes. */
  readonly skipped: readonly TensorNote[];
  /** Classes of the model whose scores were loaded by name; null if the model or the file has no names. */
  readonly knownClasses: readonly string[] | null;
  /**
   * Differences between the network that the weights were trained in and the model that change the meaning of the
   * weights, one sentence each.
   */
  readonly notes: readonly string[];
  /** The whole report in a few lines. */
  readonly summary: string;
}

/** Prefix of the last layer of the classification head, the only one that depends on the classes. */
const LAST_LAYER = 'head.classificationHead.clsLogits.';
/** Maximum number of names in a line of the summary. */
const MAX_NAMES = 4;

/**
 * Initialises a model with the weights of a detector that `saveDetector` wrote, even for other classes, or of a file of
 * safetensors or PyTorch: a RetinaNet of torchvision (both versions), Detectron2, MMDetection or yhenon's pytorch-retinanet, or a
 * ResNet classifier with the names of torchvision and timm (`conv1.weight`, `layer1.0.conv1.weight` and so on). Nothing in a file is ever run.
 *
 * The first convolution of a file for red, green and blue is inflated for a model of another number of bands: its filters are
 * repeated over the bands, each divided by the number of bands that it is repeated for (for one or two bands, their sum is
 * divided), so that a grey image gives the same response. `notes` and `summary` report it.
 *
 * The last layer of the classification head is loaded for the classes that model and file have in common by name; if
 * either has no names, only if its shape matches. Other tensors outside the backbone that do not match, for example of
 * a pyramid with a different width, keep their values, and the report lists them.
 *
 * @param bytes of the file; a Blob or another source is read tensor by tensor
 * @throws Error if the backbone does not match (the message describes both), or if the file has other contents or values
 *   that are not finite. The model is then unchanged
 */
export async function loadPretrainedBytes(
  model: RetinaNet,
  bytes: Bytes,
  { classes, name = 'the weights' }: PretrainedOptions = {},
): Promise<PretrainedReport> {
  return loadSource(model, readPretrained(await openWeights(bytes, name), name), { ...defined({ classes }), name });
}

function checkClasses(model: RetinaNet, classes: readonly string[] | undefined): void {
  if (classes === undefined || classes.length === model.classes) return;
  throw new RangeError(
    `loadPretrained: classes has ${counted(classes.length, 'name', 'names')} (${classes.join(', ')}), the model has ${counted(model.classes, 'class', 'classes')}`,
  );
}

/** Initialises a model with recognised weights: see `loadPretrainedBytes`. */
export async function loadSource(
  model: RetinaNet,
  found: PretrainedSource,
  { classes, name: path }: PretrainedOptions & { readonly name: string },
): Promise<PretrainedReport> {
  checkClasses(model, classes);
  const source = fitInput(path, found, model.spec);
  const own = model.stateDict();
  checkBackbone(path, source, new Map([...own].map(([name, { shape }]) => [name, shape])));

  const common = commonClasses(source, classes);
  const knownClasses = common === null ? null : classes!.filter((_, label) => common[label] !== -1);
  const { load, converted, fresh, skipped } = await planLoading(own, source, { common, anchors: model.spec.anchors });
  for (const [name, { data }] of load) {
    const bad = data.findIndex((value) => !Number.isFinite(value));
    if (bad >= 0) throw new Error(`${path}: value ${bad} of ${name} is ${data[bad]}, expected a finite number`);
  }
  model.loadStateDict(load, { strict: false });
  const report = {
    kind: source.kind,
    loaded: [...load.keys()],
    converted,
    fresh,
    skipped,
    knownClasses,
    notes: differences(source, model.spec),
  };
  return { ...report, summary: summarise(path, report, load) };
}

/** What is loaded into a model, and the tensors of the model and of the file that are not, or not for all classes. */
interface LoadPlan {
  readonly load: Map<string, HostTensor>;
  readonly converted: TensorNote[];
  readonly fresh: TensorNote[];
  readonly skipped: TensorNote[];
}

/**
 * Compares the state of a model with that of a file.
 *
 * @param common of `commonClasses`
 * @param anchors of the model
 */
async function planLoading(
  own: ReadonlyMap<string, Tensor>,
  source: PretrainedSource,
  { common, anchors }: { readonly common: readonly number[] | null; readonly anchors: AnchorSpec },
): Promise<LoadPlan> {
  const plan: LoadPlan = { load: new Map(), converted: [], fresh: [], skipped: [...source.unused] };
  const cells = anchorsPerCell(anchors);
  for (const [name, tensor] of own) {
    const { shape } = tensor;
    const value = source.state.get(name);
    if (value === undefined) {
      plan.fresh.push({ name, shape, reason: 'not in the file' });
    } else if (common !== null && name.startsWith(LAST_LAYER)) {
      const theirs = source.classes!.length;
      const read = (): Promise<HostTensor> =>
        converted(plan, name, value, { theirs: source.spec.anchors, ours: anchors });
      const merged = await mergeClasses(tensor, { shape: value.shape, read }, common, { cells, theirs });
      if (merged === null) keepOwn(plan, name, shape, value.shape);
      else planLastLayer(plan, name, merged, { value, common, theirs });
    } else if (sameShape(value.shape, shape)) {
      plan.load.set(name, await converted(plan, name, value, { theirs: source.spec.anchors, ours: anchors }));
    } else {
      keepOwn(plan, name, shape, value.shape);
    }
  }
  for (const [name, { shape }] of source.state) {
    if (!own.has(name)) plan.skipped.push({ name, shape, reason: 'not in the model' });
  }
  return plan;
}

/** The values of a tensor in the model's type and order of anchors. */
async function converted(
  plan: LoadPlan,
  name: string,
  tensor: SourceTensor,
  { theirs, ours }: { readonly theirs: AnchorSpec | undefined; readonly ours: AnchorSpec },
): Promise<HostTensor> {
  const value = await tensor.read();
  const isOrdered =
    theirs === undefined ||
    theirs.order === ours.order ||
    anchorsPerCell(theirs) !== anchorsPerCell(ours) ||
    !/\.(?:clsLogits|bboxReg)\./.test(name);
  const reasons = [
    ...(tensor.dtype === 'F32' ? [] : [`from ${tensor.dtype}`]),
    ...(tensor.conversions ?? []),
    ...(isOrdered ? [] : [`anchors from ${theirs.order} to ${ours.order}`]),
  ];
  if (reasons.length > 0) plan.converted.push({ name, shape: value.shape, reason: reasons.join(', ') });
  return isOrdered ? value : reordered(value, theirs);
}

/** The channels of a head's last layer with its anchors in the other order. */
function reordered({ shape, data }: HostTensor, { order, sizes, ratios }: AnchorSpec): HostTensor {
  const [outer, inner] =
    order === 'ratio-outer' ? [ratios.length, sizes[0]!.length] : [sizes[0]!.length, ratios.length];
  const width = shape.at(-1)! / (outer * inner);
  const view = toNdarray(data, [data.length / shape.at(-1)!, outer, inner, width]).transpose(0, 2, 1, 3);
  return { shape, data: pack(view, new Float32Array(data.length)) };
}

/** The model keeps its tensor, because the shapes differ. */
function keepOwn({ fresh, skipped }: LoadPlan, name: string, own: Shape, theirs: Shape): void {
  fresh.push({ name, shape: own, reason: `the file's is [${theirs}]` });
  skipped.push({ name, shape: theirs, reason: `the model's is [${own}]` });
}

/** Loads a tensor of the last layer for the classes that model and file have in common. */
function planLastLayer(
  { load, fresh, skipped }: LoadPlan,
  name: string,
  merged: HostTensor,
  {
    value,
    common,
    theirs,
  }: { readonly value: SourceTensor; readonly common: readonly number[]; readonly theirs: number },
): void {
  const ours = common.length;
  const known = common.filter((label) => label !== -1).length;
  if (known > 0) load.set(name, merged);
  if (known < ours) fresh.push({ name, shape: merged.shape, reason: `${known} of ${ours} classes are in the file` });
  if (known < ours || theirs !== ours) {
    skipped.push({ name, shape: value.shape, reason: `${known} of ${theirs} classes are the model's` });
  }
}

/** For each class of the model, the label of the same name in the file, or -1; null unless both have names. */
function commonClasses({ classes: theirs }: PretrainedSource, ours: readonly string[] | undefined): number[] | null {
  return theirs === null || ours === undefined ? null : ours.map((name) => theirs.indexOf(name));
}

/**
 * The model's last layer with the values of the file for the classes that both have. The innermost axis enumerates the
 * anchors of a cell and, for each, the classes. Null if the other dimensions differ.
 */
async function mergeClasses(
  tensor: Tensor,
  value: Pick<SourceTensor, 'shape' | 'read'>,
  common: readonly number[],
  { cells, theirs }: { readonly cells: number; readonly theirs: number },
): Promise<HostTensor | null> {
  const { shape } = tensor;
  const [width, before] = [common.length * cells, theirs * cells];
  if (value.shape.at(-1) !== before || !sameShape(value.shape.slice(0, -1), shape.slice(0, -1))) return null;
  const data = Float32Array.from((await tensor.data()) as Float32Array);
  const their = (await value.read()).data;
  for (let row = 0; row < data.length / width; row++) {
    for (let cell = 0; cell < cells; cell++) {
      common.forEach((label, own) => {
        if (label === -1) return;
        data[row * width + cell * common.length + own] = their[row * before + cell * theirs + label]!;
      });
    }
  }
  return { shape, data };
}

function summarise(
  path: string,
  { kind, loaded, converted, fresh, skipped, knownClasses, notes }: Omit<PretrainedReport, 'summary'>,
  values: ReadonlyMap<string, HostTensor>,
): string {
  const count = [...values.values()].reduce((sum, { data }) => sum + data.length, 0);
  const list = (verb: string, tensors: readonly TensorNote[]): string[] => {
    if (tensors.length === 0) return [];
    const some = tensors.slice(0, MAX_NAMES).map(({ name, shape, reason }) => `${name} [${shape}] (${reason})`);
    const rest = tensors.length > MAX_NAMES ? ` and ${tensors.length - MAX_NAMES} more` : '';
    return [`${verb} ${tensors.length}: ${some.join(', ')}${rest}`];
  };
  return [
    `loaded ${loaded.length} tensors, ${(count / 1e6).toFixed(2)} million values, from a ${kind}: ${path}`,
    ...(knownClasses === null ? [] : [`classes known by name: ${knownClasses.join(', ') || 'none'}`]),
    ...list('converted', converted),
    ...list('re-initialised', fresh),
    ...list('skipped', skipped),
    ...notes,
  ].join('\n');
}
