import { existsSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { reasonOf } from '../../common/check.ts';
import { InputError } from '../../common/errors.ts';
import { parseJson } from '../../common/json.ts';
import { readUtf8 } from '../../common/node/read-file.ts';
import { openWeights } from '../open-weights.ts';
import { INDEX_SUFFIX, openShards } from '../shards.ts';
import type { TensorFile } from '../tensor-file.ts';
import { fileSource } from './file-source.ts';

/** The weights at a path. */
export interface WeightsAtPath {
  readonly file: TensorFile;
  /** Contents of config.json, for a folder that has one; otherwise null. */
  readonly config: unknown;
}

/** Files of weights in the folders of Hugging Face, the first that exists. */
const WEIGHT_FILES = ['model.safetensors', `model${INDEX_SUFFIX}`, 'pytorch_model.bin'];

/**
 * Opens a file of safetensors or PyTorch, the index of several safetensors files, or a folder as Hugging Face lays it out
 * (`config.json`, `model.safetensors`). Tensors are read from their files on demand.
 *
 * @param op name of the function that needs it, for errors
 * @throws InputError or Error that names the file
 */
export async function openWeightsAt(op: string, path: string): Promise<WeightsAtPath> {
  if (!existsSync(path) || !statSync(path).isDirectory()) return { file: await openOne(op, path), config: null };
  const found = WEIGHT_FILES.find((name) => existsSync(join(path, name)));
  if (found === undefined) {
    const best = join(path, 'best.safetensors');
    const remedy = existsSync(best) ? `name ${best}` : `expected one of ${WEIGHT_FILES.join(', ')}`;
    throw new InputError(op, `it is a folder without weights of Hugging Face; ${remedy}`, { file: path });
  }
  // The file that a stranger may have written in a minute is refused before the other is read.
  const config = await readConfig(op, join(path, 'config.json'));
  return { file: await openOne(op, join(path, found)), config };
}

async function openOne(op: string, path: string): Promise<TensorFile> {
  if (!path.endsWith(INDEX_SUFFIX)) return openWeights(await fileSource(op, path), path);
  const json = await readText(op, path);
  return openShards(json, (file) => fileSource(op, join(dirname(path), file)), path);
}

async function readConfig(op: string, path: string): Promise<unknown> {
  if (!existsSync(path)) return null;
  const json = await readText(op, path);
  try {
    return parseJson(json);
  } catch (cause) {
    throw new InputError(op, reasonOf(cause), { file: path, cause });
  }
}

async function readText(op: string, path: string): Promise<string> {
  try {
    return await readUtf8(path);
  } catch (cause) {
    throw new InputError(op, reasonOf(cause), { file: path, cause });
  }
}
