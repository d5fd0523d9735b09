import type { RetinaNet } from '../../retinanet/retinanet.ts';
import { loadSource, type PretrainedOptions, type PretrainedReport } from '../pretrained.ts';
import { readPretrained, type PretrainedSource } from '../pretrained-source.ts';
import { openHub } from './open-hub.ts';

/** Recognises the weights at a path, of which only headers are read: see `loadPretrained`. */
export async function openPretrained(op: string, path: string): Promise<PretrainedSource> {
  const { file, hub } = await openHub(op, path);
  return readPretrained(file, path, hub);
}

/**
 * Initialises a model with the weights at a path: a file as `loadPretrainedBytes` takes it, the index of several safetensors
 * files, or a folder of Hugging Face (`model.safetensors`, and `config.json`, which may name the classes). Tensors are read
 * one by one.
 *
 * @throws Error that names the file: an InputError if it cannot be read
 */
export async function loadPretrained(
  model: RetinaNet,
  path: string,
  options: PretrainedOptions = {},
): Promise<PretrainedReport> {
  return loadSource(model, await openPretrained('loadPretrained', path), { ...options, name: path });
}
