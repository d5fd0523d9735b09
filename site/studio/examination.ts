// The doctor's findings about own data, before training: the same as `retinagrad doctor` has for a folder.
import { defaultDevice } from 'retinagrad';
import { splitIds } from 'retinagrad/data';
import { checkDataSettings, chooseAuto, examine, networkSpec, type Examination } from 'retinagrad/detector';
import { ownData } from './data-store.ts';
import { settingsOf, SYNTHETIC, type Plan } from './share.ts';

/** What the page shows of an examination. */
export type Findings = Pick<Examination, 'findings' | 'recommendations'>;

/** Examines the data of a plan for its settings; null for the sample, which needs none, and without labels. */
export async function findingsOf(plan: Plan): Promise<Findings | null> {
  if (plan.data === SYNTHETIC) return null;
  const data = await ownData(plan.data);
  if (data === null) return null;
  const settings = chooseAuto(settingsOf(plan), defaultDevice().adapter.kind === 'hardware');
  checkDataSettings(settings);
  const { classes, problems, notes, format } = data;
  const annotated = data.images.filter(({ objects }) => objects !== null);
  if (annotated.length === 0) return null;
  const items = annotated.map(({ file, width, height, objects, facts }) => ({
    image: { file, width, height, objects: objects! },
    facts,
  }));
  const table = { classes, images: items.map(({ image }) => image) };
  const files = annotated.map(({ file }) => file);
  const { findings, recommendations } = await examine({
    inventory: {
      table,
      items,
      unlabelled: data.images.filter(({ objects }) => objects === null).map(({ file }) => file),
    },
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
