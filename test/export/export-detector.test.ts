// Detectors in the formats of other tools, as files. That PyTorch reads them alike is checked by test/golden/check_export.py.
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { saveDetector } from '../../src/detector/node/detector-file.ts';
import { exportDetector } from '../../src/export/node/export-detector.ts';
import { torchvisionModule } from '../../src/export/torchvision-module.ts';
import { retinaNetSpec } from '../../src/retinanet/spec.ts';
import { encodePth } from '../../src/weights/pth.ts';
import { decodeSafetensors } from '../../src/weights/safetensors.ts';
import { toTorchvisionStateDict } from '../../src/weights/torchvision.ts';
import { temporaryFolder } from '../cli/support.ts';
import { testDevice } from '../support/device.ts';
import { hashedDetector, specs } from './support.ts';

await testDevice();
const folder = temporaryFolder();
test.after(folder.remove);
const at = (...path: string[]): string => join(folder.path, ...path);

const { model, weights, description } = hashedDetector(Object.values(specs)[0]!);
model.dispose();
const best = at('best.safetensors');
saveDetector(best, weights, description);

test('a .pth file is an archive of aligned, uncompressed files with the values in it', () => {
  const tensors = new Map([
    ['a.weight', { shape: [2, 3], data: Float32Array.of(1, 2, 3, 4, 5, 6) }],
    ['b', { shape: [], data: Float32Array.of(7) }],
  ]);
  const bytes = encodePth(tensors);
  const view = new DataView(bytes.buffer);
  const files = new Map<string, Uint8Array>();
  let at = 0;
  while (view.getUint32(at, true) === 0x04034b50) {
    const [size, name, extra] = [
      view.getUint32(at + 22, true),
      view.getUint16(at + 26, true),
      view.getUint16(at + 28, true),
    ];
    const start = at + 30 + name + extra;
    assert.is(start % 64, 0);
    files.set(new TextDecoder().decode(bytes.subarray(at + 30, at + 30 + name)), bytes.subarray(start, start + size));
    at = start + size;
  }
  assert.equal([...files.keys()], ['archive/data.pkl', 'archive/data/0', 'archive/data/1', 'archive/version']);
  assert.equal(new Float32Array(files.get('archive/data/0')!.slice().buffer), Float32Array.of(1, 2, 3, 4, 5, 6));
  const pickle = Buffer.from(files.get('archive/data.pkl')!).toString('latin1');
  assert.ok(pickle.startsWith('\x80\x02}(X\x08\x00\x00\x00a.weightctorch._utils\n_rebuild_tensor_v2\n('));
  // Sizes 2, 3 and strides 3, 1.
  assert.ok(pickle.includes('(J\x02\0\0\0J\x03\0\0\0t(J\x03\0\0\0J\x01\0\0\0t\x89ccollections\nOrderedDict\n)RtR'));
  assert.ok(pickle.endsWith('u.'));
});

test('torchvision: weights and a module, beside the run; existing files stay', async () => {
  const { files, notes } = await exportDetector(best, { to: 'torchvision' });
  assert.equal(files, [at('detector.pth'), at('detector.py')]);
  assert.equal(notes, []);
  const module = readFileSync(at('detector.py'), 'utf8');
  // Python's raw text between apostrophes.
  const [, json] = /json\.loads\(r'''(.*)'''\)/.exec(module)!;
  assert.not.match(json!, "'");
  assert.equal((JSON.parse(json!) as { classes: string[] }).classes, description.classes);
  writeFileSync(at('detector.py'), 'mine');
  let message = '';
  await exportDetector(best, { to: 'torchvision' }).catch((error: Error) => (message = error.message));
  assert.match(message, /detector\.pth and 1 more files exist already; to replace them, use `overwrite`/);
  assert.is(readFileSync(at('detector.py'), 'utf8'), 'mine');
  await exportDetector(best, { to: 'torchvision', overwrite: true });
  assert.is(readFileSync(at('detector.py'), 'utf8'), module);
});

test('safetensors: the names and layouts of torchvision', async () => {
  const { files } = await exportDetector(best, { to: 'safetensors', out: at('out', 'tv.safetensors') });
  const { tensors, metadata } = decodeSafetensors(readFileSync(files[0]!));
  assert.equal([...tensors], [...toTorchvisionStateDict(weights)]);
  assert.equal(metadata, { format: 'pt', classes: JSON.stringify(description.classes) });
});

test('huggingface: a folder with a card that is made from the run, without paths', async () => {
  writeFileSync(at('config.yaml'), 'data:\n  path: /home/someone/tiles\ntrain:\n  epochs: 30\n');
  const evaluation = {
    kind: 'evaluation',
    step: 9,
    epoch: 2,
    f1: 0.5,
    precision: 0.4,
    recall: 0.667,
    averagePrecision: 0.3,
  };
  const others = { threshold: 0.9, images: 4, truths: 77 };
  const lines = [
    { ...evaluation, ...others, f1: 0.1 },
    { ...evaluation, ...others, threshold: 0.4 },
  ];
  writeFileSync(at('metrics.jsonl'), lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
  await exportDetector(best, { to: 'huggingface' });
  const names = ['README.md', 'config.json', 'detector.py', 'model.safetensors', 'preprocessor_config.json'];
  assert.equal(readdirSync(at('huggingface')).sort(), names);
  const card = readFileSync(at('huggingface', 'README.md'), 'utf8');
  assert.match(card, /^---\nlicense: other # TODO/);
  assert.match(card, '| F1 | 0.500 |');
  assert.match(card, 'On 4 held-out images with 77 objects, after epoch 2, with scores >= 0.400.');
  assert.match(card, 'train.epochs=30');
  assert.match(card, 'The data set was `tiles`.');
  assert.not.match(card, 'someone');
  const config = JSON.parse(readFileSync(at('huggingface', 'config.json'), 'utf8')) as Record<string, unknown>;
  assert.equal(config['id2label'], { 0: 'house', 1: "farmer's tree" });
  assert.is(config['ground_resolution'], 0.3);
});

test('what is no detector, or no network of torchvision, is refused with a reason, and nothing is written', async () => {
  const refused =
    (spec: typeof description.spec): (() => unknown) =>
    () =>
      torchvisionModule({ ...description, spec });
  assert.throws(refused(retinaNetSpec('detectron2')), /does not have a stride on the first 1x1 .*; images in BGR; /);
  const [, unlike] = Object.values(specs);
  saveDetector(at('other.safetensors'), weights, { ...description, spec: unlike! });
  for (const [file, reason] of [
    [at('detector.safetensors.none'), /detector\.safetensors\.none: does not exist/],
    [at('out', 'tv.safetensors'), /tv\.safetensors: not a detector, expected best\.safetensors/],
    [at('other.safetensors'), /other\.safetensors: .*images in BGR.*export it to onnx or safetensors/],
  ] as const) {
    let message = '';
    await exportDetector(file, { to: 'torchvision', out: at('refused', 'x.pth') }).catch(
      (e: Error) => (message = e.message),
    );
    assert.match(message, reason);
  }
  assert.not.ok(existsSync(at('refused')));
});

test.run();
