import { counted, defined } from '../common/check.ts';
import { skipInit } from '../nn/init.ts';
import type { HostTensor } from '../nn/module.ts';
import { RetinaNet } from '../retinanet/retinanet.ts';
import type { RetinaNetSpec } from '../retinanet/spec.ts';
import type { Bytes } from '../weights/byte-source.ts';
import { openWeights } from '../weights/open-weights.ts';
import type { TensorFile } from '../weights/tensor-file.ts';
import { checkSizes, Detector, detectorOf, readDescription, type DetectorDescription } from './detector.ts';
import { readHubConfig, type HubConfig } from './hub-config.ts';
import { loadSource } from './pretrained.ts';
import { classCount, readPretrained, type PretrainedSource } from './pretrained-source.ts';

/** Options of `openDetector` and `openDetectorBytes`. */
export interface OpenDetectorOptions {
  /** Names of the classes in the order of their labels, for files that have none. */
  readonly classes?: readonly string[];
}

/**
 * Opens a detector that this library or another one trained, on the default device (see `init`): best.safetensors of a run, or
 * a RetinaNet with the names of torchvision, Detectron2, MMDetection or yhenon's pytorch-retinanet, as safetensors or a file of
 * PyTorch. The latter are detected with as their library does, with the spec that goes with it.
 *
 * @param bytes of the file; a Blob or another source is read tensor by tensor
 * @param options.config contents of `config.json` beside the file, as DeepForest writes it: `label_dict`, `score_thresh` and
 *   `nms_thresh`. Default none
 * @param options.name name of the file, for errors
 * @throws Error that names the file if it is damaged, has no detector or not all of its tensors, or has no class names and
 *   `classes` has none or another number of them
 */
export async function openDetectorBytes(
  bytes: Bytes,
  options: OpenDetectorOptions & { readonly config?: unknown; readonly name?: string } = {},
): Promise<Detector> {
  const { name = 'the detector', config = null, classes } = options;
  const hub = readHubConfig(config, `${name}: config.json`, 'openDetectorBytes');
  return detectorFrom(await openWeights(bytes, name), { name, hub, ...defined({ classes }) });
}

/** Does what `openDetectorBytes` does with an opened file. */
export async function detectorFrom(
  file: TensorFile,
  { name, hub, classes }: OpenDetectorOptions & { readonly name: string; readonly hub: HubConfig | null },
): Promise<Detector> {
  const description = readDescription(file.metadata, name);
  if (description !== null) return ownDetector(file, description, name);
  const source = readPretrained(file, name, hub);
  const { spec } = source;
  if (!isWhole(spec)) throw new Error(`${name}: not a detector: it has the backbone only; use it as initial weights`);
  return foreignDetector(source, { name, hub, spec, classes: namesOf(source, classes, name) });
}

const isWhole = (spec: PretrainedSource['spec']): spec is RetinaNetSpec => spec.head !== undefined;

/** A detector of this library. */
async function ownDetector(file: TensorFile, description: DetectorDescription, name: string): Promise<Detector> {
  const state = new Map<string, HostTensor>();
  for (const [key, tensor] of file.tensors) state.set(key, await tensor.read());
  return detectorOf(description, state, name);
}

/** Names for all classes of a detector. */
function namesOf(source: PretrainedSource, given: readonly string[] | undefined, name: string): readonly string[] {
  const count = classCount(source);
  if (count === undefined) throw new Error(`${name}: the size of its last layer does not fit 9 anchors of a cell`);
  const classes = given ?? source.classes;
  const known = counted(count, 'class', 'classes');
  if (classes === null) {
    throw new Error(
      `${name}: it has ${known} without names: pass classes (the command: --classes), or a folder with a config.json that has label_dict or id2label`,
    );
  }
  if (classes.length === count) return classes;
  const some = classes.length > 5 ? `${classes.slice(0, 5).join(', ')} …` : classes.join(', ');
  throw new Error(`${name}: it has ${known}, but ${counted(classes.length, 'name', 'names')}: ${some}`);
}

/** A detector of another library. */
async function foreignDetector(
  source: PretrainedSource,
  {
    name,
    hub,
    spec: trained,
    classes,
  }: {
    readonly name: string;
    readonly hub: HubConfig | null;
    readonly spec: RetinaNetSpec;
    readonly classes: readonly string[];
  },
): Promise<Detector> {
  const description: DetectorDescription = { ...(hub?.description ?? descriptionFor(trained, hub)), classes };
  checkSizes(source.state, description.spec, name);
  const model = skipInit(() => new RetinaNet(classes.length, description.spec));
  try {
    const { fresh } = await loadSource(model, { ...source, classes: null }, { name });
    // Other libraries keep the state of the loss elsewhere, and detection does not need it.
    const missing = fresh.filter((note) => !note.name.startsWith('loss.'));
    if (missing.length > 0) {
      const some = missing.slice(0, 3).map(({ name: key, shape, reason }) => `${key} [${shape}]: ${reason}`);
      throw new Error(
        `${name}: not a whole detector: ${missing.length} tensors are missing, for example ${some.join('; ')}`,
      );
    }
  } catch (error) {
    model.dispose();
    throw error;
  }
  return new Detector(model, description);
}

/** What a detector of another library needs in addition to its weights. */
function descriptionFor(spec: RetinaNetSpec, hub: HubConfig | null): Omit<DetectorDescription, 'classes'> {
  const { postprocess } = spec;
  const scoreThreshold = hub?.scoreThreshold ?? postprocess.scoreThreshold;
  return {
    spec: {
      ...spec,
      postprocess: {
        ...postprocess,
        // `detect` may ask for a lower minimum than the detector's own.
        scoreThreshold: Math.min(scoreThreshold, postprocess.scoreThreshold),
        nmsThreshold: hub?.nmsThreshold ?? postprocess.nmsThreshold,
        maxDetections: hub?.maxDetections ?? postprocess.maxDetections,
      },
    },
    scoreThreshold,
    decoding: {},
    tile: hub?.tile ?? null,
  };
}
