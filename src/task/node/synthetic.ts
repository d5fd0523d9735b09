import { join } from 'node:path';
import { defined } from '../../common/check.ts';
import { writeSyntheticSpaceNet } from '../../synthetic/node/write-spacenet.ts';

/** Value of `data.path` that selects the synthetic data set. */
export const SYNTHETIC = 'synthetic';

/** Images for evaluation, with a seed that training does not use. */
const UNSEEN = { chips: 100, seed: 1_000_003, out: join('data', 'synthetic-100-fresh') } as const;

type OnProgress = (done: number, total: number) => void;

/** Draws synthetic images for training, unless they exist, and returns the folder of the data set. */
export const syntheticToTrain = (chips: number, onProgress?: OnProgress): Promise<string> =>
  draw({ chips, out: join('data', `synthetic-${chips}`) }, onProgress);

/** Like `syntheticToTrain`, for images to evaluate on. */
export const syntheticToEvaluate = (onProgress?: OnProgress): Promise<string> => draw(UNSEEN, onProgress);

const draw = (options: { chips: number; seed?: number; out: string }, onProgress?: OnProgress): Promise<string> =>
  writeSyntheticSpaceNet({ ...options, ...defined({ onProgress }) });
