// The network of a run with the weights that it starts from: random ones, or those of the trained detector of the site.
import {
  Detector,
  loadPretrainedBytes,
  prepareTraining,
  type Settings,
  type Training,
  type TrainingData,
} from 'retinagrad/detector';
import { modelBytes } from '../client/detection/model-file.ts';
import { SHIPPED } from './share.ts';
import { fileIn, writeFile } from './store.ts';

/** The file in the folder of a run. */
const START = 'start.safetensors';

/** The weights to start from cannot be had. */
class StartError extends Error {
  override readonly name = 'StartError';
}

/** A training that is ready to begin. */
interface StartedTraining {
  readonly training: Training;
  /** What it starts from, a sentence; null for random weights. */
  readonly note: string | null;
}

/** Prepares the training of a run in a folder. Rejects with a StartError if the weights to start from cannot be loaded. */
export async function startTraining(
  settings: Settings,
  data: TrainingData,
  folder: FileSystemDirectoryHandle,
): Promise<StartedTraining> {
  if (settings.model.weights === null) return { training: await prepareTraining(settings, data), note: null };
  const { bytes, spec } = await shipped(folder);
  const training = await prepareTraining(settings, data, { weights: spec });
  const { classes } = data.dataset;
  try {
    const { knownClasses } = await loadPretrainedBytes(training.model, bytes, { classes, name: SHIPPED });
    const fresh = classes.filter((name) => !knownClasses!.includes(name));
    const unknown = fresh.length === 0 ? '' : `; it does not know ${fresh.join(', ')} yet`;
    return { training, note: `The network starts from the detector of this site, ${SHIPPED}${unknown}.` };
  } catch (error) {
    training.model.dispose();
    throw error;
  }
}

/** The detector of the site, as it was when the run began: the site may have another one when the run is continued. */
async function shipped(folder: FileSystemDirectoryHandle) {
  const kept = await fileIn(folder, START);
  const { bytes, spec } = await opened(kept);
  if (kept === null) await writeFile(folder, START, bytes);
  return { bytes, spec };
}

async function opened(kept: File | null) {
  try {
    const bytes = kept === null ? await modelBytes() : new Uint8Array(await kept.arrayBuffer());
    const detector = Detector.fromBytes(bytes, SHIPPED);
    detector.dispose();
    return { bytes, spec: detector.spec };
  } catch (error) {
    throw new StartError(error instanceof Error ? error.message : String(error));
  }
}
