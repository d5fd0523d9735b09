import { join } from 'node:path';
import { writeSyntheticSpaceNet } from '../data.ts';
import type { Terminal } from './terminal.ts';

/** Chips that no training sees: another seed. */
const FRESH = { chips: 100, seed: 1_000_003, out: join('data', 'synthetic-100-fresh') } as const;

/** Draws synthetic chips to train on, unless they are there already, and returns the folder of the data set. */
export const syntheticToTrain = (chips: number, terminal: Terminal): Promise<string> =>
  draw({ chips, out: join('data', `synthetic-${chips}`) }, terminal);

/** The same for chips to evaluate on. */
export const syntheticToEvaluate = (terminal: Terminal): Promise<string> => draw(FRESH, terminal);

async function draw(options: { chips: number; seed?: number; out: string }, terminal: Terminal): Promise<string> {
  const path = await writeSyntheticSpaceNet({
    ...options,
    onProgress: (done, total) => terminal.progress('drawing synthetic chips', done, total),
  });
  terminal.stop();
  return path;
}
