import { readFileSync } from 'node:fs';
import type { HostTensor } from '../../nn/module.ts';
import { saveCheckpoint } from '../../weights/node/checkpoint.ts';
import { Detector, detectorMetadata, type DetectorDescription } from '../detector.ts';

/** Writes weights (of `readStateDict`) with their description to a safetensors file, whole or not at all. */
export function saveDetector(
  path: string,
  weights: ReadonlyMap<string, HostTensor>,
  description: DetectorDescription,
): void {
  saveCheckpoint(path, weights, detectorMetadata(description));
}

/**
 * Reads a file that `saveDetector` wrote, and makes the model on the default device (see `init`).
 *
 * @throws Error that names the file if it is damaged or holds something else
 */
export function loadDetector(path: string): Detector {
  return Detector.fromBytes(readFileSync(path), path);
}
