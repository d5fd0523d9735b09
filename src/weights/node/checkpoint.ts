import { closeSync, fsyncSync, mkdirSync, openSync, renameSync, rmSync, writeSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { decodeSafetensors, encodeSafetensors, type SafetensorsFile } from '../safetensors.ts';
import { readWeights } from './read-weights.ts';
import type { HostTensor } from '../../nn/module.ts';

/**
 * Writes tensors and metadata to a safetensors file atomically: into a temporary file beside it, which is flushed to the
 * disk and then renamed, so that an interruption never leaves a partial file.
 */
export function saveCheckpoint(
  path: string,
  tensors: ReadonlyMap<string, HostTensor>,
  metadata: Readonly<Record<string, string>>,
): void {
  const folder = dirname(path);
  mkdirSync(folder, { recursive: true });
  const partial = join(folder, `.${basename(path)}.${process.pid}`);
  try {
    const bytes = encodeSafetensors(tensors, metadata);
    const file = openSync(partial, 'w');
    try {
      for (let at = 0; at < bytes.length;) at += writeSync(file, bytes, at);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    renameSync(partial, path);
  } catch (error) {
    rmSync(partial, { force: true });
    throw error;
  }
}

/** Reads a file from `saveCheckpoint`. Throws an Error that names the file if it is damaged. */
export function loadCheckpoint(path: string): SafetensorsFile {
  return decodeSafetensors(readWeights('loadCheckpoint', path), path);
}
