import { readFileSync } from 'node:fs';
import type { RetinaNet } from '../../retinanet/retinanet.ts';
import { loadPretrainedBytes, type PretrainedOptions, type PretrainedReport } from '../pretrained.ts';

/**
 * Initialises a model with the weights of a file: see `loadPretrainedBytes`.
 *
 * @throws Error that names the file
 */
export function loadPretrained(
  model: RetinaNet,
  path: string,
  options: PretrainedOptions = {},
): Promise<PretrainedReport> {
  return loadPretrainedBytes(model, readFileSync(path), { ...options, name: path });
}
