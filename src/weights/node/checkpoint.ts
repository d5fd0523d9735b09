import { replaceFile } from '../../common/node/replace-file.ts';
import { decodeSafetensors, encodeSafetensors, type SafetensorsFile } from '../safetensors.ts';
import { readWeights } from './read-weights.ts';
import type { HostTensor } from '../../nn/module.ts';

/**
 * Writes tensors and metadata to a safetensors file with a checksum, atomically: an interruption never leaves a partial file.
 * Throws an InputError that names the file if it cannot be written.
 */
export function saveCheckpoint(
  path: string,
  tensors: ReadonlyMap<string, HostTensor>,
  metadata: Readonly<Record<string, string>>,
): void {
  replaceFile('saveCheckpoint', path, encodeSafetensors(tensors, metadata));
}

/** Reads a file from `saveCheckpoint`. Throws an Error that names the file if it is damaged. */
export function loadCheckpoint(path: string): SafetensorsFile {
  return decodeSafetensors(readWeights('loadCheckpoint', path), path);
}
