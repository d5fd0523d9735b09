import { RetinaNet } from '../retinanet/retinanet.ts';
import type { HostTensor } from '../nn/module.ts';
import type { RetinaNetSpec } from '../retinanet/spec.ts';
import type { ReadImageOptions } from '../imagery/node/read-image.ts';
import { loadCheckpoint, saveCheckpoint } from '../weights/node/checkpoint.ts';

const FORMAT = 'retinagrad-detector';
const VERSION = '1';

/** What a detector needs beside its weights. It is kept in the same file. */
export interface DetectorDescription {
  /** Names of the classes; the position is the label. */
  readonly classes: readonly string[];
  readonly spec: RetinaNetSpec;
  /** Score from which a detection counts: the threshold of the best F1 on held-out images. */
  readonly scoreThreshold: number;
  /** How the images were read that it was trained on; `readImage` takes it for those to come. */
  readonly reading: Pick<ReadImageOptions, 'bands' | 'stretch'>;
  /** Side of the tiles that it was trained on, in pixels, or null for whole images: what it is to be shown. */
  readonly tile: number | null;
}

/** A trained detector, ready to use. */
export interface Detector extends DetectorDescription {
  /** In evaluation mode. */
  readonly model: RetinaNet;
}

/** Writes weights (of `readStateDict`) with their description to a safetensors file, whole or not at all. */
export function saveDetector(
  path: string,
  weights: ReadonlyMap<string, HostTensor>,
  { classes, spec, scoreThreshold, reading, tile }: DetectorDescription,
): void {
  const description = JSON.stringify({ classes, spec, scoreThreshold, reading, tile });
  saveCheckpoint(path, weights, { format: FORMAT, version: VERSION, description });
}

/**
 * Reads a file that `saveDetector` wrote, and makes the model on the default device (see `init`).
 *
 * @throws Error that names the file if it is damaged or holds something else
 */
export function loadDetector(path: string): Detector {
  const { tensors, metadata } = loadCheckpoint(path);
  const description = readDescription(metadata);
  if (description === null) {
    const found = metadata['format'] === undefined ? 'no format' : `${metadata['format']} ${metadata['version']}`;
    throw new Error(
      `${path}: not a detector: its metadata names ${found}, expected ${FORMAT} ${VERSION}, such as best.safetensors of a run`,
    );
  }
  const model = new RetinaNet(description.classes.length, description.spec);
  try {
    model.loadStateDict(tensors);
  } catch (cause) {
    model.dispose();
    throw new Error(`${path}: ${(cause as Error).message}`, { cause });
  }
  return { ...description, model: model.eval() };
}

/** What the metadata of a file say about a detector; null if it is the file of something else. */
export function readDescription(metadata: Readonly<Record<string, string>>): DetectorDescription | null {
  if (metadata['format'] !== FORMAT || metadata['version'] !== VERSION) return null;
  return JSON.parse(metadata['description']!) as DetectorDescription;
}
