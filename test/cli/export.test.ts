// `retinagrad export` as a user runs it, on the folder of a small run.
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { saveDetector } from '../../src/detector/node/detector-file.ts';
import { testDevice } from '../support/device.ts';
import { hashedDetector, specs } from '../export/support.ts';
import { ends, json, refuses, retinagradHere, retinagradIn, temporaryFolder } from './support.ts';

await testDevice();
const folder = temporaryFolder();
const retinagrad = retinagradIn(folder.path);
const here = retinagradHere(folder.path);
const test = suite('export command');
test.after(folder.remove);
const at = (...path: string[]): string => join(folder.path, ...path);

const { model, weights, description } = hashedDetector(Object.values(specs)[0]!);
model.dispose();
saveDetector(at('run', 'best.safetensors'), weights, description);
const EXPORT = ['export', 'run', '--to'] as const;

test('each format is written beside the weights, or to --out', async () => {
  const formats: readonly (readonly [args: readonly string[], ...files: string[]])[] = [
    [['torchvision'], 'run/detector.pth', 'run/detector.py'],
    [['safetensors'], 'run/detector.safetensors'],
    [
      ['huggingface', '--out', 'hub'],
      ...['config.json', 'preprocessor_config.json', 'model.safetensors', 'detector.py', 'README.md'].map(
        (name) => `hub/${name}`,
      ),
    ],
    [['onnx'], 'run/detector.onnx'],
    [['onnx', '--nms', 'in', '--tile', '96', '--out', 'out/nms.onnx'], 'out/nms.onnx'],
    [['onnx', '--raw', '--out', 'out/raw.onnx'], 'out/raw.onnx'],
  ];
  for (const [i, [args, ...files]] of formats.entries()) {
    const paths = files.map((file) => join(...file.split('/')));
    const run = i === 0 ? retinagrad : here; // One as users start it.
    const result = await json<{ files: string[]; classes: string[] }>(run([...EXPORT, ...args, '--json']));
    assert.equal(result.files, paths);
    assert.equal(result.classes, description.classes);
    for (const path of paths) assert.ok(readFileSync(at(path)).length > 0, path);
  }
  assert.equal(readdirSync(at('run')).sort(), [
    'best.safetensors',
    'detector.onnx',
    'detector.pth',
    'detector.py',
    'detector.safetensors',
  ]);
});

test('existing files are replaced only with --overwrite', async () => {
  writeFileSync(at('mine.onnx'), 'mine');
  const onnx = [...EXPORT, 'onnx', '--resolution', '30', '--out', 'mine.onnx'];
  await refuses(here(onnx), 1, 'mine.onnx exists already; to replace it, use --overwrite');
  assert.is(readFileSync(at('mine.onnx'), 'utf8'), 'mine');
  const { stdout, stderr } = await ends(here([...onnx, '--overwrite']), 0);
  assert.match(stdout, "run/best.safetensors: detects house, farmer's tree, with a score >= 0.40\nmine.onnx\n");
  assert.match(stderr, 'GeoDeep and WebODM only find objects');
  assert.ok(readFileSync(at('mine.onnx')).length > 1000);
});

test('what cannot be exported is refused with the reason, and nothing is written', async () => {
  writeFileSync(at('text.safetensors'), 'no weights');
  writeFileSync(at('file'), '');
  saveDetector(at('other', 'best.safetensors'), weights, { ...description, spec: Object.values(specs)[1]! });
  saveDetector(at('empty', 'best.safetensors'), new Map([...weights].slice(1)), description);
  const wrong: readonly (readonly [args: readonly string[], status: 1 | 2, message: string])[] = [
    [['export', 'run'], 2, 'export needs --to, one of torchvision, safetensors, huggingface, onnx'],
    [[...EXPORT, 'tflite'], 2, '--to is "tflite", expected one of torchvision, safetensors, huggingface, onnx'],
    [['export', 'run', 'run', '--to', 'onnx'], 2, 'export takes one run or file of weights, got 2'],
    [[...EXPORT, 'safetensors', '--tile', '64'], 2, '--tile goes with --to onnx'],
    [[...EXPORT, 'onnx', '--raw', '--nms', 'in'], 2, '--raw and --nms in exclude each other'],
    [[...EXPORT, 'onnx', '--tile', '320', '--out', 'no'], 1, 'tile is 320, expected an integer from 32 to 160'],
    [['export', 'none', '--to', 'onnx'], 1, 'there is no none, expected the folder of a run or its best.safetensors'],
    [['export', 'out', '--to', 'onnx'], 1, 'out has no best.safetensors, expected the folder of a run'],
    [['export', 'text.safetensors', '--to', 'onnx'], 1, 'text.safetensors: not a valid safetensors file'],
    [
      ['export', 'empty', '--to', 'onnx', '--out', 'no'],
      1,
      'empty/best.safetensors: exportOnnx: the weights have no backbone.body',
    ],
    [['export', 'other', '--to', 'torchvision'], 1, 'other/best.safetensors: '],
    [['export', 'other', '--to', 'huggingface', '--out', 'no'], 1, 'export it to onnx or safetensors'],
    [[...EXPORT, 'onnx', '--out', 'file/x.onnx'], 1, 'a file is where its folder should be'],
    [[...EXPORT, 'onnx', '--out', 'hub'], 1, 'hub is a folder, expected the name of a file'],
    [['export', '--to', 'onnx'], 2, `there is no ${join('runs', '*', 'best.safetensors')} yet`],
  ];
  for (const [i, [args, status, message]] of wrong.entries()) {
    const run = i % 10 === 5 ? retinagrad : here; // Some as users start them.
    await refuses(run(args), status, message);
  }
  for (const name of ['no', 'other/detector.pth', 'other/detector.py']) assert.not.ok(existsSync(at(name)), name);
});

test.run();
