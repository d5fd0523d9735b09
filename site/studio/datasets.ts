// The data sets of the studio by their ids.
import type { Dataset } from 'retinagrad';
import { syntheticData, type Settings } from 'retinagrad/detector';
import { openOwnData } from './own-dataset.ts';
import { SYNTHETIC } from './share.ts';

/** The data set that was opened last: a session that continues need not draw it again. */
let opened: { readonly key: string; readonly dataset: Dataset } | null = null;

/** Called with the number of images that are read, of all. */
type OnProgress = (done: number, total: number) => void;

/** Opens a data set for a run with some settings. */
export async function openDataset(id: string, settings: Settings, onProgress: OnProgress): Promise<Dataset> {
  const key = JSON.stringify([id, settings.data.chips]);
  if (opened?.key === key) return opened.dataset;
  const dataset = await open(id, settings);
  // Read now, where it can be seen how far it is; training would read them all before its first step. Tiles of rasters are read
  // when they are needed.
  const isTiled = dataset.window !== undefined && settings.data.tile !== null;
  for (const index of isTiled ? [] : dataset.ids.keys()) {
    await dataset.get(index);
    onProgress(index + 1, dataset.ids.length);
  }
  opened = { key, dataset };
  return dataset;
}

async function open(id: string, { data }: Settings): Promise<Dataset> {
  if (id === SYNTHETIC) return syntheticData({ chips: data.chips });
  return openOwnData(id);
}
