import { defined } from '../common/check.ts';
import { readClasses } from '../data-node.ts';
import { openDetector, type Detector } from '../detector-node.ts';
import type { Terminal } from './terminal.ts';

/**
 * Opens the detector that a command runs. If the GPU is lost, it goes on with a new device, after a warning.
 *
 * @param classes value of --classes
 */
export async function openToRun(
  weights: string,
  classes: string | readonly string[] | undefined,
  terminal: Terminal,
): Promise<Detector> {
  const names = classes === undefined ? undefined : await readClasses(classes);
  const detector = await openDetector(weights, defined({ classes: names }));
  await detector.surviveLoss(({ reason, detail }, { adapter }) =>
    terminal.warn(`The GPU was lost (${reason}: ${detail}). The command goes on with a new device of ${adapter.name}.`),
  );
  return detector;
}
