import { existsSync, readdirSync, readFileSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { predict } from '../../src/cli/predict.ts';
import { saveDetector } from '../../src/detector/node/detector-file.ts';
import { readStateDict } from '../../src/nn/module.ts';
import { testDevice } from '../support/device.ts';
import { rejects } from '../support/errors.ts';
import { temporaryFolder } from '../support/files.ts';
import { writeImages } from '../task/files.ts';
import { eagerDescription, eagerModel, gradient } from '../task/support.ts';
import { ends, retinagradIn } from './support.ts';

// Processes, as users start them. Which one is faster is not known: the tests check what holds for any order.

await testDevice();
const folder = temporaryFolder();
const at = (...path: string[]): string => join(folder, ...path);
const retinagrad = retinagradIn(folder);
const description = eagerDescription({ tile: 64 });
const model = eagerModel(description.spec);
saveDetector(at('eager.safetensors'), await readStateDict(model.stateDict()), description);
model.dispose();
await writeImages(folder, { 'in/large.png': gradient(300, 340), 'in/small.png': gradient(64, 80) });

/** Arguments of a process that shares its work in the folder `out`. */
const sharing = (out: string, ...more: readonly string[]): string[] => {
  const all = [at('in'), '--weights', at('eager.safetensors'), '--out', at(out), '--format', 'csv,coco', ...more];
  return [...all, '--shared', '--lease', '6'];
};

/** Asserts that everything is as one process left it, and nothing else. */
function isAsAlone(out: string): void {
  for (const name of ['predictions.csv', 'predictions.json', 'large.png', 'small.png']) {
    assert.ok(readFileSync(at(out, name)).equals(readFileSync(at('alone', name))), name);
  }
  assert.equal(readdirSync(at(out)).sort(), [...readdirSync(at('alone')), 'queue'].sort());
  assert.equal(readdirSync(at(out, 'queue')).sort(), ['finished.json', 'plan.json']);
}

test('one of several processes is killed: the others do its piece, and write the bytes of one process', async () => {
  const alone = sharing('alone', '--quiet').filter((text) => !['--shared', '--lease', '6'].includes(text));
  assert.is(await predict.run(alone, 'test'), 0);
  let isKilled = false;
  const victim = retinagrad(['predict', ...sharing('killed')], (output, kill) => {
    if (isKilled || !output.includes('detecting, pieces of all processes')) return;
    isKilled = true;
    kill('SIGKILL');
  });
  assert.is((await victim).status, null);
  assert.ok(existsSync(at('killed', 'queue', 'plan.json')));
  const both = await Promise.all([1, 2].map(() => ends(retinagrad(['predict', ...sharing('killed')]), 0)));
  const output = both.map(({ stdout }) => stdout).join('\n');
  assert.is(output.match(/and writes the results of all/g)?.length, 1, output);
  assert.is(output.match(/another one wrote the results to /g)?.length, 1, output);
  isAsAlone('killed');
});

test('a process that comes late succeeds; one with other settings or images is refused with the reason', async () => {
  const version = (JSON.parse(readFileSync('package.json', 'utf8')) as { version: string }).version;
  assert.is(await predict.run(sharing('killed', '--quiet'), version), 0);
  const other = predict.run(sharing('killed', '--quiet', '--threshold', '0.5'), version);
  await rejects(other, /killed\/queue: .*: scoreThreshold is 0.5, there 0.3\. .*remove the folder to begin anew/);
  await rejects(predict.run(sharing('killed', '--quiet'), '9.9.9'), /version is 9\.9\.9, there /);
  utimesSync(at('in', 'small.png'), 1e9, 1e9);
  const changed = predict.run(sharing('killed', '--quiet'), version);
  await rejects(changed, /image small\.png is \d+ bytes of 2001-09-09T01:46:40Z, there /);
  await rejects(predict.run(['in', '--lease', '4'], version), /--lease goes with --shared/);
});

test('Ctrl-C hands the piece back, with status 130', async () => {
  let isInterrupted = false;
  const run = retinagrad(['predict', ...sharing('interrupted')], (output, kill) => {
    if (isInterrupted || !output.includes('detecting, pieces of all processes')) return;
    isInterrupted = true;
    kill('SIGINT');
  });
  const { stderr } = await ends(run, 130);
  assert.match(stderr, 'Interrupted: leaving the work to others...');
  assert.not.ok(existsSync(at('interrupted', 'predictions.csv')));
  const { stderr: next } = await ends(retinagrad(['predict', ...sharing('interrupted')]), 0);
  assert.not.match(next, 'taken over');
  isAsAlone('interrupted');
});

test.run();
