import { isRecord } from '../common/check.ts';
import { InputError } from '../common/errors.ts';
import { classesProblem, descriptionProblem, type DetectorDescription } from './detector.ts';

/** What `config.json` beside the weights of a detector says, as DeepForest and this library write it for Hugging Face. */
export interface HubConfig {
  /** The whole description, of a detector that this library exported; otherwise null. */
  readonly description: DetectorDescription | null;
  /** Names of the classes; the index is the label. Null if it has none. */
  readonly classes: readonly string[] | null;
  /** Minimum score of a detection; null if it has none. */
  readonly scoreThreshold: number | null;
  /** IoU above which the lower-scoring of two boxes is removed; null if it has none. */
  readonly nmsThreshold: number | null;
  /** Maximum number of detections of an image; null if it has none. */
  readonly maxDetections: number | null;
  /** Side in pixels of the tiles that its library predicts on; null if that is not known. */
  readonly tile: number | null;
}

/** Side in pixels of the tiles on which DeepForest trains and predicts; the network resizes each to 800. */
const DEEPFOREST_TILE = 400;
/** Entries that only DeepForest writes. */
const DEEPFOREST = ['label_dict', 'score_thresh', 'nms_thresh'];

type Config = Readonly<Record<string, unknown>>;
/** Throws the error of an entry. */
type Fail = (entry: string, expected: string) => never;

/**
 * Reads what DeepForest writes, `num_classes`, `label_dict`, `score_thresh`, `nms_thresh` and `detections_per_img`; `id2label`, which
 * Hugging Face's own models have; and the configuration of an export of this library. Other entries do not concern the network.
 *
 * @param config the parsed file; null without one
 * @param file its name, for errors
 * @param op name of the function that needs it, for errors
 * @throws InputError that names the file for entries of another kind, or that contradict each other
 */
export function readHubConfig(config: unknown, file: string, op: string): HubConfig | null {
  if (config === null) return null;
  if (!isRecord(config)) throw new InputError(op, 'it is not an object', { file });
  const fail: Fail = (entry, expected) => {
    throw new InputError(op, `${entry} is ${excerpt(config[entry])}, expected ${expected}`, { file });
  };
  if (config['library_name'] === 'retinagrad') return ownConfig(config, file, op);
  const number = (entry: string, isValid: (value: number) => boolean, expected: string): number | null => {
    const value = config[entry] ?? null;
    return value === null || (typeof value === 'number' && isValid(value)) ? value : fail(entry, expected);
  };
  const fraction = (entry: string): number | null =>
    number(entry, (value) => value >= 0 && value <= 1, 'a number from 0 to 1');
  const count = (entry: string): number | null =>
    number(entry, (value) => Number.isInteger(value) && value >= 1 && value <= 1e7, 'an integer from 1 to 10000000');
  const classes = namesIn(config, fail);
  const classCount = count('num_classes');
  if (classes !== null && classCount !== null && classCount !== classes.length) {
    fail('num_classes', `${classes.length}, the number of classes with names`);
  }
  return {
    description: null,
    classes,
    scoreThreshold: fraction('score_thresh'),
    nmsThreshold: fraction('nms_thresh'),
    maxDetections: count('detections_per_img'),
    tile: DEEPFOREST.some((entry) => Object.hasOwn(config, entry)) ? DEEPFOREST_TILE : null,
  };
}

/** The configuration of `retinagrad export --to huggingface`. */
function ownConfig(config: Config, file: string, op: string): HubConfig {
  const { id2label, spec, score_threshold: scoreThreshold, tile, decoding = {} } = config;
  const classes = isRecord(id2label) ? namesByLabel(id2label) : null;
  const found = { classes, spec, scoreThreshold, tile, decoding };
  const problem = descriptionProblem(found);
  if (problem !== null) throw new InputError(op, `its description of the detector is damaged: ${problem}`, { file });
  const description = found as DetectorDescription;
  const { postprocess } = description.spec;
  return {
    description,
    classes: description.classes,
    scoreThreshold: description.scoreThreshold,
    nmsThreshold: postprocess.nmsThreshold,
    maxDetections: postprocess.maxDetections,
    tile: description.tile,
  };
}

/** Names of the classes, from `label_dict` or `id2label`; null if there is neither. */
function namesIn(config: Config, fail: Fail): readonly string[] | null {
  const [labels, names] = [config['label_dict'] ?? null, config['id2label'] ?? null];
  if (labels !== null) {
    if (!isRecord(labels)) return fail('label_dict', 'an object with a label for each class');
    const entries = Object.entries(labels);
    const areNumbers = entries.every(([, label]) => typeof label === 'number');
    const classes = areNumbers ? namesByLabel(Object.fromEntries(entries.map(([name, label]) => [label, name]))) : null;
    return classes?.length === entries.length
      ? checked(classes, 'label_dict', fail)
      : fail('label_dict', 'the labels 0, 1, 2 and so on, each once');
  }
  if (names === null) return null;
  const classes = isRecord(names) ? namesByLabel(names) : null;
  return classes === null
    ? fail('id2label', 'an object with a name for each of the labels 0, 1, 2 and so on')
    : checked(classes, 'id2label', fail);
}

function checked(classes: readonly string[], entry: string, fail: Fail): readonly string[] {
  const problem = classesProblem(classes);
  return problem === null ? classes : fail(entry, `names, but its ${problem}`);
}

/** The names under the keys "0", "1", "2" and so on; null if others are among them, or what is no text. */
function namesByLabel(names: Config): string[] | null {
  const classes = Object.keys(names).map((_, label) =>
    Object.hasOwn(names, String(label)) ? names[String(label)] : null,
  );
  return classes.length > 0 && classes.every((name) => typeof name === 'string') ? classes : null;
}

/** The start of a value as JSON. */
function excerpt(value: unknown): string {
  const text = value === undefined ? 'missing' : JSON.stringify(value);
  return text.length > 80 ? `${text.slice(0, 80)}…` : text;
}
