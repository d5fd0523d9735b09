import type { HostTensor } from '../../nn/module.ts';
import { readWeights } from '../../weights/node/read-weights.ts';
import { saveCheckpoint } from '../../weights/node/checkpoint.ts';
import { Detector, detectorMetadata, type DetectorDescription } from '../detector.ts';
import { detectorFrom, type OpenDetectorOptions } from '../open-detector.ts';
import { openHub } from './open-hub.ts';

/** Writes weights (of `readStateDict`) and their description to a safetensors file, atomically. */
export function saveDetector(
  path: string,
  weights: ReadonlyMap<string, HostTensor>,
  description: DetectorDescription,
): void {
  saveCheckpoint(path, weights, detectorMetadata(description));
}

/**
 * Loads a detector from a file that `saveDetector` wrote, on the default device (see `init`).
 *
 * @throws Error that names the file if it is damaged or not a detector
 */
export function loadDetector(path: string): Detector {
  return Detector.fromBytes(readWeights('loadDetector', path), path);
}

/**
 * Opens a detector that this library or another one trained, on the default device (see `init`): a file as
 * `openDetectorBytes` takes it, the index of several safetensors files, or a folder of Hugging Face (`config.json`,
 * `model.safetensors`), for example one of DeepForest's tree and bird detectors.
 *
 * @throws Error that names the file if it cannot be read, has no detector, or has no class names and `classes` has none
 */
export async function openDetector(path: string, options: OpenDetectorOptions = {}): Promise<Detector> {
  const { file, hub } = await openHub('openDetector', path);
  return detectorFrom(file, { ...options, name: path, hub });
}
