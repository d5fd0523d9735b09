import { isRecord } from '../common/check.ts';

/** What `config.json` beside the weights of a detector says, as DeepForest writes it on Hugging Face. */
export interface HubConfig {
  /** Names of the classes; the index is the label. Null if it has none. */
  readonly classes: readonly string[] | null;
  /** Minimum score of a detection; null if it has none. */
  readonly scoreThreshold: number | null;
  /** IoU above which the lower-scoring of two boxes is removed; null if it has none. */
  readonly nmsThreshold: number | null;
}

/**
 * Reads `num_classes`, `label_dict`, `score_thresh` and `nms_thresh`; other entries do not concern the network.
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
  const fraction = (name: string): number | null => {
    const value = config[name] ?? null;
    if (value === null) return null;
    return typeof value === 'number' && value >= 0 && value <= 1 ? value : fail(name, 'a number from 0 to 1');
  };
  const labels = config['label_dict'] ?? null;
  const count = config['num_classes'] ?? null;
  if (labels !== null && !isRecord(labels)) fail('label_dict', 'an object with a label for each class');
  const classes = labels === null ? null : classesOf(labels as Readonly<Record<string, unknown>>);
  if (classes === undefined) return fail('label_dict', 'the labels 0, 1, 2 and so on, each once');
  if (classes !== null && count !== null && count !== classes.length) {
    fail('num_classes', `${classes.length}, the number of entries in label_dict`);
  }
  return { classes, scoreThreshold: fraction('score_thresh'), nmsThreshold: fraction('nms_thresh') };
}

/** Names of the classes in the order of their labels; undefined unless these are 0, 1, 2 and so on. */
function classesOf(labels: Readonly<Record<string, unknown>>): string[] | undefined {
  const entries = Object.entries(labels);
  const classes = entries.map((_, label) => entries.find(([, value]) => value === label)?.[0]);
  return entries.length > 0 && classes.every((name) => name !== undefined) ? (classes as string[]) : undefined;
}
