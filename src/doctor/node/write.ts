import { join } from 'node:path';
import { replaceFile } from '../../common/node/replace-file.ts';
import { writePng } from '../../imagery/node/png.ts';
import { contactSheet } from '../../report/pictures/pictures.ts';
import { anchorPicture } from '../anchor-pictures.ts';
import type { Examination } from '../examine.ts';
import { readPicture } from './read.ts';

/** Pictures per row of the contact sheet. */
const COLUMNS = 3;

/**
 * Writes an examination to a folder, which is created if it does not exist: `examination.json` with the whole examination,
 * `anchors/NUMBER-NAME.png` with each picture and `anchors.png` with all of them side by side. Without pictures only the
 * first is written.
 *
 * @returns the paths of the files; `anchors.png` is the last
 */
export async function writeExamination(examination: Examination, folder: string): Promise<string[]> {
  const json = join(folder, 'examination.json');
  replaceFile('writeExamination', json, `${JSON.stringify(examination, null, 2)}\n`);
  const { pictures, anchors, imagesRoot, stretch, bands } = examination;
  if (pictures.length === 0) return [json];
  const pictureFolder = join(folder, 'anchors');
  const written = [json];
  const drawn = [];
  for (const [i, { facts, boxes }] of pictures.entries()) {
    const image = await readPicture(imagesRoot, facts, { stretch: stretch ?? undefined, bands: bands ?? undefined });
    const picture = anchorPicture(image, boxes, anchors, facts.file);
    const name = facts.file.replace(/\.[^.]*$/, '').replaceAll('/', '-');
    const path = join(pictureFolder, `${String(i + 1).padStart(2, '0')}-${name}.png`);
    await writePng(path, picture);
    written.push(path);
    drawn.push(picture);
  }
  const sheet = join(folder, 'anchors.png');
  await writePng(sheet, contactSheet(drawn, Math.min(COLUMNS, drawn.length)));
  return [...written, sheet];
}
