import { join } from 'node:path';
import { openWeightsAt } from '../../weights/node/open-weights.ts';
import type { TensorFile } from '../../weights/tensor-file.ts';
import { readHubConfig, type HubConfig } from '../hub-config.ts';

/** Opens the weights at a path and, for a folder of Hugging Face, reads its config.json: see `openWeightsAt`. */
export async function openHub(op: string, path: string): Promise<{ file: TensorFile; hub: HubConfig | null }> {
  const { file, config } = await openWeightsAt(op, path);
  return { file, hub: readHubConfig(config, join(path, 'config.json'), op) };
}
