// The doctor's findings about own data, before training: the same as `retinagrad doctor` has for a folder.
import { defaultDevice } from 'retinagrad';
import { splitIds } from 'retinagrad/data';
import { chooseAuto, examine, networkSpec, type Examination } from 'retinagrad/detector';
import { ownData } from './own-data.ts';
import { settingsOf, SYNTHETIC, type Plan } from './share.ts';

/** What the page shows of an examination. */
export type Findings = Pick<Examination, 'findings' | 'recommendations'>;

/** Examines the data of a plan for its settings; null for the sample, which needs none. */
export async function findingsOf(plan: Plan): Promise<Findings | null> {
  if (plan.data === SYNTHETIC) return null;
  const data = await ownData(plan.data);
  if (data === null) return null;
  const settings = chooseAuto(settingsOf(plan), defaultDevice().adapter.kind === 'hardware');
  const { table, facts, problems, notes, format } = data;
  const files = table.images.map(({ file }) => file);
  const { findings, recommendations } = await examine({
    inventory: { table, items: table.images.map((image, i) => ({ image, facts: facts[i]! })), unlabelled: [] },
    imagesRoot: data.name,
    format,
    problems,
    notes,
    spec: networkSpec(settings, table),
    split: splitIds(files, { heldOut: settings.data.heldOut, seed: settings.train.seed }),
    tile: settings.data.tile,
    overlap: settings.data.overlap,
    seed: settings.train.seed,
    pictures: 0,
  });
  return { findings, recommendations };
}
