import type { RetinaNet } from '../../retinanet/retinanet.ts';
import { readWeights } from '../../weights/node/read-weights.ts';
import { loadPretrainedBytes, type PretrainedOptions, type PretrainedReport } from '../pretrained.ts';

/**
 * Initialises a model with the weights of a file: see `loadPretrainedBytes`.
 *
 * @throws Error that names the file: an InputError if it cannot be read
 */
export function loadPretrained(
  model: RetinaNet,
  path: string,
  options: PretrainedOptions = {},
): Promise<PretrainedReport> {
  return loadPretrainedBytes(model, readWeights('loadPretrained', path), { ...options, name: path });
}
