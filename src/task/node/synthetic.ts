import { join } from 'node:path';
import { defined } from '../../common/check.ts';
import { writeSyntheticSpaceNet } from '../../synthetic/node/write-spacenet.ts';

/** The word that names the synthetic data set, in place of a path. */
export const SYNTHETIC = 'synthetic';

/** Images that no training sees: another seed. */
const UNSEEN = { chips: 100, seed: 1_000_003, out: join('data', 'synthetic-100-fresh') } as const;

type OnProgress = (done: number, total: number) => void;

/** Draws synthetic images to train on, unless they are there already, and returns the folder of the data set. */
export const syntheticToTrain = (chips: number, onProgress?: OnProgress): Promise<string> =>
  draw({ chips, out: join('data', `synthetic-${chips}`) }, onProgress);

/** The same for images to evaluate on. */
export const syntheticToEvaluate = (onProgress?: OnProgress): Promise<string> => draw(UNSEEN, onProgress);

const draw = (options: { chips: number; seed?: number; out: string }, onProgress?: OnProgress): Promise<string> =>
  writeSyntheticSpaceNet({ ...options, ...defined({ onProgress }) });
