import { isRecord, reasonOf } from '../common/check.ts';
import { parseJson } from '../common/json.ts';
import type { Bytes } from './byte-source.ts';
import { openSafetensors } from './safetensors.ts';
import type { StoredTensor, TensorFile } from './tensor-file.ts';

// Large models are saved as several safetensors files with an index, `model.safetensors.index.json`:
// { "metadata": { "total_size": bytes }, "weight_map": { name of a tensor: name of its file } }.

/** End of the name of an index. */
export const INDEX_SUFFIX = '.safetensors.index.json';

/**
 * Opens the files of an index as if they were one.
 *
 * @param json text of the index
 * @param open opens a file in the folder of the index, by its name
 * @param name name of the index, for errors
 * @throws Error if the index is not valid, names files outside its folder, or contradicts its files
 */
export async function openShards(
  json: string,
  open: (file: string) => Promise<Bytes>,
  name = 'the index',
): Promise<TensorFile> {
  const files = parseIndex(json, name);
  const shards = new Map<string, TensorFile>();
  for (const file of new Set(files.values())) {
    const shard = await openSafetensors(await open(file), `${name}: ${file}`);
    for (const key of shard.tensors.keys()) {
      if (files.get(key) === file) continue;
      const where = files.has(key) ? `places it in ${files.get(key)}` : 'does not have it';
      throw new Error(`${name}: ${key} is in ${file}, but the index ${where}`);
    }
    shards.set(file, shard);
  }
  const tensors = new Map<string, StoredTensor>();
  for (const [key, file] of files) {
    const tensor = shards.get(file)!.tensors.get(key);
    if (tensor === undefined) throw new Error(`${name}: ${key} is not in ${file}, where the index places it`);
    tensors.set(key, tensor);
  }
  return { format: 'safetensors', tensors, metadata: {} };
}

/** The file of each tensor. */
function parseIndex(json: string, name: string): Map<string, string> {
  let index: unknown;
  try {
    index = parseJson(json);
  } catch (error) {
    throw new Error(`${name}: ${reasonOf(error)}`, { cause: error });
  }
  const map = isRecord(index) ? index['weight_map'] : undefined;
  if (!isRecord(map) || Object.keys(map).length === 0) {
    throw new Error(`${name}: not an index of safetensors files: it has no weight_map`);
  }
  return new Map(
    Object.entries(map).map(([key, file]) => {
      // A name with a path could open any file of the user.
      if (typeof file !== 'string' || !/^[\w-][\w. -]*\.safetensors$/.test(file)) {
        throw new Error(
          `${name}: the file of ${key} is ${JSON.stringify(file)}, expected the name of a .safetensors file in the same folder`,
        );
      }
      return [key, file];
    }),
  );
}
