/** Names of files and classes come from data of others: none of their characters drives the terminal. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { encodePng } from '../../src/imagery/node/png.ts';
import { markedSample, write } from '../data/support.ts';
import { retinagradIn, temporaryFolder } from './support.ts';

const folder = temporaryFolder();
test.after(folder.remove);
const retinagrad = retinagradIn(folder.path);
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
  const json = await retinagrad(['doctor', 'data', '--json']);
  isPlain(json);
  assert.ok(JSON.stringify(JSON.parse(json.stdout)).includes('u001b[31mred'));
  isPlain(await retinagrad(['convert', 'data/boxes.csv', 'out.json']));
  const unknown = await retinagrad(['doctor', `nothing${name}`]);
  isPlain(unknown);
  assert.match(unknown.stderr, /nothing\\u001b/);
  isPlain(await retinagrad([`train${name}`]));
});

test.run();
