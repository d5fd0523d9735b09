import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { weightsFile } from '../../src/cli/run-paths.ts';
import { temporaryFolder } from '../support/files.ts';

const root = temporaryFolder();

test('--weights takes a file or a folder of Hugging Face, and explains other folders', () => {
  const [hub, run] = [join(root, 'hub'), join(root, 'run')];
  for (const folder of [hub, run]) mkdirSync(folder);
  writeFileSync(join(hub, 'config.json'), '{}');
  writeFileSync(join(run, 'best.safetensors'), '');
  assert.is(weightsFile(hub), hub);
  assert.is(weightsFile(join(run, 'best.safetensors')), join(run, 'best.safetensors'));
  assert.throws(() => weightsFile(run), /is the folder of a run: name .*best\.safetensors$/);
  assert.throws(() => weightsFile(join(root, 'none')), /--weights: there is no file/);
});

test.run();
