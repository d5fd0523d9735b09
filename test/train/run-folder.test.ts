import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  watch,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { RunFolder } from '../../src/train/node/run-folder.ts';
import type { StepRecord } from '../../src/train/run-store.ts';
import { loadCheckpoint } from '../../src/weights/node/checkpoint.ts';

const root = mkdtempSync(join(tmpdir(), 'retinagrad-run-folder-'));
test.after(() => rmSync(root, { recursive: true }));

const adapter = { name: 'none', kind: 'software' } as Parameters<RunFolder['begin']>[0];
const weights = (step: number) => new Map([['w', { shape: [3], data: Float32Array.of(step, 2, 3) }]]);
const stepRecord = (step: number): StepRecord => ({
  kind: 'step',
  step,
  epoch: 0,
  learningRate: 1,
  imagesPerSecond: 1,
  waitSeconds: 0,
  loss: 1,
  classification: 1,
  boxRegression: 0,
  gradientNorm: 1,
  positives: 1,
});

/** A folder with some saved steps, and what it warns about. */
function folderWith(name: string, steps: number, keepStates = 2) {
  const path = join(root, name);
  const warnings: string[] = [];
  const onWarning = (text: string): unknown => warnings.push(text);
  const folder = new RunFolder(path);
  folder.begin(adapter, { steps: 0, keepStates, tensorboard: false, onWarning });
  for (let step = 1; step <= steps; step++) {
    folder.append(stepRecord(step));
    folder.saveState(weights(step), { step: String(step) });
  }
  return { path, folder, warnings, onWarning };
}
const flip = (path: string): void => {
  const bytes = readFileSync(path);
  bytes[bytes.length - 2]! ^= 0x10;
  writeFileSync(path, bytes);
};

test('the last states are kept', () => {
  const kept = (keep: number): string[] => {
    const { path } = folderWith(`keep-${keep}`, 5, keep);
    return readdirSync(path)
      .filter((name) => name.startsWith('state'))
      .sort();
  };
  assert.equal(kept(1), ['state.safetensors']);
  assert.equal(kept(3), ['state.1.safetensors', 'state.2.safetensors', 'state.safetensors']);
  const stepOf = (name: string): string => loadCheckpoint(join(root, 'keep-3', name)).metadata['step']!;
  assert.equal(
    ['state', 'state.1', 'state.2'].map((name) => stepOf(`${name}.safetensors`)),
    ['5', '4', '3'],
  );
});

test('one flipped bit in a state is noticed: the state before it is used, with a warning that names both', () => {
  const { folder, path, warnings, onWarning } = folderWith('flipped', 3);
  flip(folder.file('state'));
  assert.is(folder.loadState(onWarning)!.metadata['step'], '2');
  assert.is(warnings.length, 1);
  assert.match(warnings[0]!, /state\.safetensors: .*checksum.*state\.1\.safetensors; the damaged file is .*\.damaged$/);
  // The damaged one does not take the place of the whole one.
  folder.saveState(weights(3), { step: '3' });
  flip(folder.file('state'));
  assert.is(new RunFolder(path).loadState(onWarning)!.metadata['step'], '2');
});

test('if all states are damaged, the error names them', () => {
  const { folder, path, onWarning } = folderWith('all-flipped', 3);
  for (const name of ['state.safetensors', 'state.1.safetensors']) writeFileSync(join(path, name), 'x');
  assert.throws(
    () => folder.loadState(onWarning),
    /state\.safetensors: .*state\.1\.safetensors: .*; there is no other state: start a new run/,
  );
});

test('a damaged environment.json is put aside, with a warning', () => {
  for (const [i, text] of ['', '[1]', '{"date":'].entries()) {
    const { folder, path, warnings, onWarning } = folderWith(`environment-${i}`, 1);
    writeFileSync(folder.file('environment'), text);
    folder.begin(adapter, { steps: 1, keepStates: 2, tensorboard: false, onWarning });
    assert.equal(folder.readEnvironment()['adapter'], adapter);
    assert.match(warnings.join(), /environment\.json was damaged/);
    assert.is(readFileSync(join(path, 'environment.json.damaged'), 'utf8'), text);
  }
});

test('an evaluation after the state is dropped, as it will be repeated', () => {
  const { folder, onWarning } = folderWith('evaluated', 2);
  const values = { f1: 1, precision: 1, recall: 1, threshold: 0.5, averagePrecision: 1, images: 1, truths: 1 };
  for (const step of [1, 2]) folder.append({ kind: 'evaluation', step, epoch: step, ...values });
  folder.restoreRecords({ steps: 2, lastEvaluatedStep: 1 }, onWarning);
  assert.equal(
    folder.records.map(({ kind, step }) => `${kind} ${step}`),
    ['step 1', 'step 2', 'evaluation 1'],
  );
});

test('a torn last line of the metrics is dropped, missing ones are a warning, and others an error', () => {
  const { folder, warnings, onWarning } = folderWith('metrics', 3);
  const lines = readFileSync(folder.file('metrics'), 'utf8').trimEnd().split('\n');
  writeFileSync(folder.file('metrics'), `${lines.join('\n')}\n{"kind":"st`);
  folder.restoreRecords({ steps: 3, lastEvaluatedStep: 0 }, onWarning);
  assert.equal([folder.records.length, warnings], [3, []]);
  assert.is(readFileSync(folder.file('metrics'), 'utf8'), `${lines.join('\n')}\n`);
  writeFileSync(folder.file('metrics'), `${lines[0]}\n`);
  folder.restoreRecords({ steps: 3, lastEvaluatedStep: 0 }, onWarning);
  assert.match(warnings.join(), /metrics\.jsonl has 1 of 3 steps/);
  writeFileSync(folder.file('metrics'), `null\n${lines[0]}\n`);
  assert.throws(
    () => folder.restoreRecords({ steps: 3, lastEvaluatedStep: 0 }, onWarning),
    /metrics\.jsonl: line 1 is damaged; delete the line/,
  );
});

test('a full disk is named with the file, and no record is lost', () => {
  if (!existsSync('/dev/full')) return;
  const { folder } = folderWith('full', 1);
  rmSync(folder.file('metrics'));
  symlinkSync('/dev/full', folder.file('metrics'));
  assert.throws(() => folder.append(stepRecord(2)), /full\/metrics\.jsonl: cannot be written: the disk is full; free/);
  // As before a run ends with an error; by now there is space.
  folder.saveState(weights(2), { step: '2' });
  assert.is(readFileSync(folder.file('metrics'), 'utf8').trimEnd().split('\n').length, 2);
});

test('a folder that was deleted is made again, with its settings', () => {
  const { folder, path } = folderWith('deleted', 1);
  folder.writeConfig('seed: 1\n');
  rmSync(path, { recursive: true });
  assert.throws(() => folder.append(stepRecord(2)), /its folder no longer exists/);
  folder.saveState(weights(2), { step: '2' });
  assert.equal(readdirSync(path).sort(), ['config.yaml', 'loss.svg', 'metrics.jsonl', 'state.safetensors']);
});

test('clocks may be set back: event files stay in order', () => {
  const { folder, path, onWarning } = folderWith('clock', 1);
  const later = Math.floor(Date.now() / 1000) + 5000;
  writeFileSync(join(path, `events.out.tfevents.${later}.host.1.0`), '');
  folder.begin(adapter, { steps: 1, keepStates: 2, tensorboard: true, onWarning });
  assert.ok(readdirSync(path).some((name) => name.startsWith(`events.out.tfevents.${later + 1}.`)));
});

/** How often the test kills. `RETINAGRAD_KILLS=200` kills more. */
const KILLS = Number(process.env['RETINAGRAD_KILLS'] ?? 6);
const STEPS = 40;

test('a process that is killed at any time loses at most the step in progress, and leaves no other files', async () => {
  // One file, because it starts in a fraction of the time; where package.json is expected.
  const program = join(root, 'program', 'src', 'train', 'node', 'writes-a-run.mjs');
  await build({
    entryPoints: [fileURLToPath(new URL('writes-a-run.ts', import.meta.url))],
    outfile: program,
    bundle: true,
    platform: 'node',
    format: 'esm',
    logLevel: 'error',
    banner: { js: 'import { createRequire } from "node:module"; const require = createRequire(import.meta.url);' },
  });
  writeFileSync(join(root, 'program', 'package.json'), '{"version":"0"}');
  const write = (path: string, killAt: number): Promise<{ code: number | null; text: string }> => {
    mkdirSync(path, { recursive: true });
    const child = spawn(process.execPath, [program, path, String(STEPS)], { stdio: ['ignore', 'pipe', 'pipe'] });
    let [text, events] = ['', 0];
    const watcher = watch(path, () => {
      if (++events === killAt) child.kill('SIGKILL');
    });
    for (const name of ['stdout', 'stderr'] as const)
      child[name].setEncoding('utf8').on('data', (part: string) => (text += part));
    return new Promise((resolve) =>
      child.on('close', (code) => {
        watcher.close();
        resolve({ code, text });
      }),
    );
  };
  const contents = (path: string): Record<string, string> =>
    Object.fromEntries(
      readdirSync(path)
        .filter((name) => name !== 'environment.json')
        .sort()
        .map((name) => [
          name,
          createHash('sha256')
            .update(readFileSync(join(path, name)))
            .digest('hex'),
        ]),
    );
  const whole = join(root, 'whole');
  assert.equal(await write(whole, Infinity), { code: 0, text: '' });
  let [kills, left] = [0, 0];
  for (let run = 0; kills < KILLS; run++) {
    const path = join(root, `killed-${run}`);
    for (let code: number | null = null; code === null;) {
      const ended = await write(path, kills < KILLS ? 1 + Math.floor(Math.random() * 150) : Infinity);
      code = ended.code;
      assert.equal({ ...ended, code: code ?? 0 }, { code: 0, text: '' });
      if (code === null) kills++;
      if (readdirSync(path).some((name) => name.endsWith('.partial'))) left++;
      JSON.parse(
        existsSync(join(path, 'environment.json')) ? readFileSync(join(path, 'environment.json'), 'utf8') : '{}',
      );
    }
    assert.equal(contents(path), contents(whole));
    rmSync(path, { recursive: true });
  }
  console.log(`# ${kills} kills, ${left} of them within the writing of a file`);
});

test.run();
