/** Data of others: no character of their names drives the terminal, and their files are read under limits. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { encodePng } from '../../src/imagery/node/png.ts';
import { markedSample, write } from '../data/support.ts';
import { retinagradHere, retinagradIn, temporaryFolder } from './support.ts';

const folder = temporaryFolder();
test.after(folder.remove);
const retinagrad = retinagradIn(folder.path);
const here = retinagradHere(folder.path);
const name = '\u001b[31mred\u001b]0;title\u0007\u202e';

/** Neither output has a character that a terminal obeys. */
function isPlain({ stdout, stderr }: { readonly stdout: string; readonly stderr: string }): void {
  assert.not.match(stdout + stderr, /[^\P{Cc}\t\n]|\u202e/u);
}

test('results, findings and errors are printed without control characters', async () => {
  const { image } = markedSample(40, 50, [[2, 2, 20, 20]]);
  await write(folder.path, `data/${name}.png`, await encodePng(image));
  await write(folder.path, 'data/b.png', Buffer.from('no image'));
  const rows = [`${name}.png,2,2,20,20,${name}`, `b.png,2,2,20,20,car`, `gone${name}.png,5,5,9,9,car`];
  await write(folder.path, 'data/boxes.csv', `image_path,xmin,ymin,xmax,ymax,label\n${rows.join('\n')}\n`);
  const doctor = await retinagrad(['doctor', 'data']);
  isPlain(doctor);
  assert.match(doctor.stdout, /\\u001b\[31mred/);
  const json = await here(['doctor', 'data', '--json']);
  isPlain(json);
  assert.ok(JSON.stringify(JSON.parse(json.stdout)).includes('u001b[31mred'));
  isPlain(await here(['convert', 'data/boxes.csv', 'out.json']));
  const unknown = await retinagrad(['doctor', `nothing${name}`]);
  isPlain(unknown);
  assert.match(unknown.stderr, /nothing\\u001b/);
  isPlain(await here([`train${name}`]));
});

test('--limit changes the limits of files', async () => {
  await write(folder.path, 'small/a.png', await encodePng(markedSample(40, 50, [[2, 2, 20, 20]]).image));
  await write(folder.path, 'small/boxes.csv', 'image_path,xmin,ymin,xmax,ymax,label\na.png,2,2,20,20,car\n');
  const run = (limit: string) =>
    retinagrad(['convert', 'small/boxes.csv', 'limited.json', '--to', 'coco', '--limit', limit]);
  assert.is((await run('maxTextBytes=1e3,maxPixels=1e9')).status, 0);
  const refused = await run('maxTextBytes=50');
  assert.is(refused.status, 1);
  assert.match(
    refused.stderr,
    /boxes.csv: \d+ bytes exceed maxTextBytes = 50; if you trust the file, raise it with --limit/,
  );
  const wrong = await run('maxTextBytes');
  assert.is(wrong.status, 2);
  assert.match(
    wrong.stderr,
    /--limit is "maxTextBytes", expected NAME=N with a number >= 1, where NAME is one of maxPixels,/,
  );
});

test.run();
