import { isRecord } from '../common/check.ts';
import { checkDescription, type DetectorDescription } from './detector.ts';

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
}

/**
 * Reads what DeepForest writes, `num_classes`, `label_dict`, `score_thresh` and `nms_thresh`; `id2label`, which Hugging Face's own
 * models have; and the configuration of an export of this library. Other entries do not concern the network.
 *
 * @param config the parsed file; null without one
 * @param folder for errors
 * @throws Error that names the folder for entries of another kind, or that contradict each other
 */
export function readHubConfig(config: unknown, folder: string): HubConfig | null {
  if (config === null) return null;
  const fail = (name: string, expected: string): never => {
    const found = isRecord(config) ? JSON.stringify(config[name]) : 'missing';
    throw new Error(`${folder}: config.json: ${name} is ${found}, expected ${expected}`);
  };
  if (!isRecord(config)) throw new Error(`${folder}: config.json: not an object`);
  if (config['library_name'] === 'retinagrad') return ownConfig(config, folder);
  const fraction = (name: string): number | null => {
    const value = config[name] ?? null;
    if (value === null) return null;
    return typeof value === 'number' && value >= 0 && value <= 1 ? value : fail(name, 'a number from 0 to 1');
  };
  const labels = config['label_dict'] ?? labelsOfIds(config['id2label']);
  const count = config['num_classes'] ?? null;
  if (labels !== null && !isRecord(labels)) fail('label_dict', 'an object with a label for each class');
  const classes = labels === null ? null : classesOf(labels as Readonly<Record<string, unknown>>);
  if (classes === undefined) return fail('label_dict', 'the labels 0, 1, 2 and so on, each once');
  if (classes !== null && count !== null && count !== classes.length) {
    fail('num_classes', `${classes.length}, the number of entries in label_dict`);
  }
  return { description: null, classes, scoreThreshold: fraction('score_thresh'), nmsThreshold: fraction('nms_thresh') };
}

/** The configuration of `retinagrad export --to huggingface`. */
function ownConfig(config: Readonly<Record<string, unknown>>, folder: string): HubConfig {
  const labels = labelsOfIds(config['id2label']);
  const classes = isRecord(labels) ? classesOf(labels) : undefined;
  const { spec, score_threshold: scoreThreshold, tile, decoding = {} } = config;
  const description = checkDescription({ classes, spec, scoreThreshold, tile, decoding }, `${folder}: config.json`);
  return { description, classes: description.classes, scoreThreshold: null, nmsThreshold: null };
}

/** `{ "0": "car" }` as `{ "car": 0 }`; null without it, and as it is if it is not that. */
function labelsOfIds(names: unknown): unknown {
  if (!isRecord(names)) return names ?? null;
  return Object.fromEntries(Object.entries(names).map(([label, name]) => [name, Number(label)]));
}

/** Names of the classes in the order of their labels; undefined unless these are 0, 1, 2 and so on. */
function classesOf(labels: Readonly<Record<string, unknown>>): string[] | undefined {
  const entries = Object.entries(labels);
  const names = new Map(entries.map(([name, label]) => [label, name]));
  const classes = entries.map((_, label) => names.get(label));
  return entries.length > 0 && classes.every((name) => name !== undefined) ? (classes as string[]) : undefined;
}
