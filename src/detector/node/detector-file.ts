import type { HostTensor } from '../../nn/module.ts';
import { readWeights } from '../../weights/node/read-weights.ts';
import { saveCheckpoint } from '../../weights/node/checkpoint.ts';
import { Detector, detectorMetadata, type DetectorDescription } from '../detector.ts';

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
