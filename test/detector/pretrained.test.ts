import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import {
  encodeSafetensors,
  manualSeed,
  readStateDict,
  RetinaNet,
  toTorchvisionStateDict,
  write,
  type HostTensor,
  type RetinaNetSpec,
} from '../../src/index.ts';
import { errorOf, leavesNothing, testDevice } from '../support/device.ts';
import { changedNames, tinySpec, valuesOf } from '../train/support.ts';
import { encodePth } from '../../src/weights/pth.ts';
import { saveDetector } from '../../src/detector/node/detector-file.ts';
import { loadPretrained } from '../../src/detector/node/load-pretrained.ts';

const device = await testDevice();
const root = mkdtempSync(join(tmpdir(), 'retinagrad-pretrained-'));
test.after(() => rmSync(root, { recursive: true }));

const make = (classes: number, seed: number, spec: RetinaNetSpec = tinySpec()): RetinaNet => {
  manualSeed(seed);
  return new RetinaNet(classes, spec);
};
const LAST = 'head.classificationHead.clsLogits.';
const isLast = (name: string): boolean => name.startsWith(LAST);

/** A detector of cars, ships and planes in which all values of the last layer and of statistics differ. */
const theirClasses = ['car', 'ship', 'plane'];
const theirs = make(3, 1);
for (const tensor of theirs.stateDict().values()) {
  if (tensor.shape.length === 1)
    write(
      tensor,
      Float32Array.from({ length: tensor.size }, (_, i) => 1 + i / 64),
    );
}
const theirValues = await valuesOf(theirs);
const file = (name: string): string => join(root, `${name}.safetensors`);
saveDetector(file('detector'), await readStateDict(theirs.stateDict()), {
  classes: theirClasses,
  spec: theirs.spec,
  scoreThreshold: 0.3,
  decoding: {},
  tile: null,
});
const torch = toTorchvisionStateDict(await readStateDict(theirs.stateDict()));
writeFileSync(file('torch'), encodeSafetensors(torch));
const pth = join(root, 'torch.pth');
writeFileSync(pth, encodePth(torch));

/** The file of a PyTorch classifier with the same ResNet, with an int64 counter per norm. */
function classifierFile(change: (tensors: Map<string, HostTensor>) => void = () => undefined): Uint8Array {
  const tensors = new Map<string, HostTensor>();
  for (const [name, value] of torch)
    if (name.startsWith('backbone.body.')) tensors.set(name.slice('backbone.body.'.length), value);
  tensors.set('fc.weight', { shape: [10, 64], data: new Float32Array(640) });
  change(tensors);
  tensors.set('bn1.num_batches_tracked', { shape: [2], data: new Float32Array(2) });
  const bytes = Buffer.from(encodeSafetensors(tensors));
  // One int64 instead of two float32: the length of the header does not change.
  const [before, after] = [
    '"bn1.num_batches_tracked":{"dtype":"F32","shape":[2]',
    '"bn1.num_batches_tracked":{"dtype":"I64","shape":[1]',
  ];
  const at = bytes.indexOf(before);
  assert.ok(at > 0);
  bytes.write(after, at);
  // PyTorch writes no checksum.
  bytes.write('"no-crc"', bytes.indexOf('"crc32c"'));
  return bytes;
}

test('a detector of other classes gives all layers, the last one for the classes of the same name', async () => {
  await leavesNothing(device, async () => {
    const model = make(4, 2);
    const before = await valuesOf(model);
    const report = await loadPretrained(model, file('detector'), { classes: ['house', 'plane', 'car', 'tree'] });
    const after = await valuesOf(model);
    for (const [name, values] of after) if (!isLast(name)) assert.equal(values, theirValues.get(name), name);
    const cells = 6; // two sizes, three ratios
    for (const name of [`${LAST}weight`, `${LAST}bias`]) {
      const [now, old, their] = [after.get(name)!, before.get(name)!, theirValues.get(name)!];
      for (let i = 0; i < now.length; i++) {
        const [row, column] = [Math.floor(i / (cells * 4)), i % (cells * 4)];
        const label = [-1, 2, 0, -1][column % 4]!;
        const expected = label < 0 ? old[i] : their[row * cells * 3 + Math.floor(column / 4) * 3 + label];
        assert.is(now[i], expected, `${name} ${i}`);
      }
    }
    assert.is(report.kind, 'detector');
    assert.equal(report.knownClasses, ['plane', 'car']);
    assert.equal([...report.loaded].sort(), [...after.keys()].sort());
    assert.equal(
      report.fresh.map(({ name, shape }) => [name, [...shape]]),
      [
        [`${LAST}weight`, [3, 3, 8, 24]],
        [`${LAST}bias`, [24]],
      ],
    );
    assert.equal(
      report.skipped.map(({ name, shape }) => [name, shape.at(-1)]),
      [
        [`${LAST}weight`, 18],
        [`${LAST}bias`, 18],
      ],
    );
    assert.match(report.summary, /loaded \d+ tensors, 0\.\d+ million values, from a detector: .*detector.safetensors/);
    assert.match(report.summary, /classes known by name: plane, car\n/);
    assert.match(
      report.summary,
      /re-initialised 2: .*clsLogits.weight \[3,3,8,24\] \(2 of 4 classes are in the file\)/,
    );
    assert.equal(report.notes, []);
    model.dispose();
  });
});

test('the same classes in another order are all known', async () => {
  const model = make(3, 2);
  const report = await loadPretrained(model, file('detector'), { classes: ['plane', 'car', 'ship'] });
  assert.equal([report.fresh, report.skipped], [[], []]);
  const bias = (await valuesOf(model)).get(`${LAST}bias`)!;
  const their = theirValues.get(`${LAST}bias`)!;
  assert.equal(
    [...bias],
    [...their.keys()].map((i) => their[i - (i % 3) + [2, 0, 1][i % 3]!]!),
  );
  model.dispose();
});

test('other parts that do not match are unchanged, and are listed with their shapes', async () => {
  const spec = tinySpec({ pyramid: { channels: 16 }, anchors: { sizes: [8, 16, 32, 64, 128].map((side) => [side]) } });
  const model = make(3, 2, spec);
  const before = await valuesOf(model);
  const report = await loadPretrained(model, file('detector'), { classes: theirClasses });
  const changed = changedNames(before, await valuesOf(model));
  assert.ok(changed.every((name) => report.loaded.includes(name)));
  assert.ok(report.loaded.every((name) => !report.fresh.some((note) => note.name === name)));
  assert.is(report.loaded.length + report.fresh.length, before.size);
  const note = report.fresh.find(({ name }) => name === 'backbone.fpn.innerBlocks.0.0.weight');
  assert.equal(note, { name: note!.name, shape: [1, 1, 16, 16], reason: "the file's is [1,1,16,8]" });
  assert.ok(report.fresh.some(({ name }) => name === `${LAST}weight`));
  assert.is(report.notes.length, 1);
  assert.match(
    report.notes[0]!,
    /^anchors: the weights were trained with .*"sizes":\[\[12,18\].*, the model has .*\[\[8\]/,
  );
  model.dispose();
});

test("torchvision's RetinaNet gives all weights, in PyTorch's layouts, as safetensors and as PyTorch's file", async () => {
  const fromPyTorch = make(3, 2);
  await loadPretrained(fromPyTorch, pth, { classes: theirClasses });
  assert.equal(changedNames(theirValues, await valuesOf(fromPyTorch)), []);
  fromPyTorch.dispose();
  writeFileSync(join(root, 'cut.pth'), encodePth(torch).subarray(0, 1000));
  const { message } = await errorOf(() => loadPretrained(make(3, 2), join(root, 'cut.pth')));
  assert.match(message, /cut\.pth: not a PyTorch file of weights: it has no end: it is truncated/);
  const model = make(3, 2);
  const report = await loadPretrained(model, file('torch'), { classes: theirClasses });
  assert.is(report.kind, 'torchvision detector');
  assert.equal(changedNames(theirValues, await valuesOf(model)), []);
  assert.equal([report.fresh, report.skipped, report.knownClasses], [[], [], null]);
  assert.match(report.notes.join(), /norm of the backbone: the weights were trained with frozen, the model has batch/);
  model.dispose();
  // A last layer for another number of classes is unchanged.
  const two = make(2, 2);
  const before = await valuesOf(two);
  const other = await loadPretrained(two, file('torch'));
  assert.equal(
    other.fresh.map(({ name }) => name),
    [`${LAST}weight`, `${LAST}bias`],
  );
  assert.ok(changedNames(before, await valuesOf(two)).every((name) => !isLast(name)));
  two.dispose();
});

test('a ResNet classifier gives the backbone', async () => {
  writeFileSync(file('classifier'), classifierFile());
  const model = make(1, 2);
  const before = await valuesOf(model);
  const report = await loadPretrained(model, file('classifier'));
  assert.is(report.kind, 'torchvision backbone');
  const after = await valuesOf(model);
  for (const [name, values] of after)
    assert.equal(values, (name.startsWith('backbone.body.') ? theirValues : before).get(name), name);
  assert.equal(
    report.skipped.map(({ name }) => name),
    ['fc.weight'],
  );
  assert.ok(report.fresh.length > 0 && report.fresh.every(({ name }) => !name.startsWith('backbone.body.')));
  model.dispose();
});

test('group norms take weights of group norms only, also of a classifier', async () => {
  const grouped = tinySpec({ backbone: { depth: 18, width: 8, norm: 'group' } });
  const source = make(3, 4, grouped);
  const state = await readStateDict(source.stateDict());
  saveDetector(file('grouped'), state, {
    classes: theirClasses,
    spec: grouped,
    scoreThreshold: 0.3,
    decoding: {},
    tile: null,
  });
  const body = [...toTorchvisionStateDict(state)].flatMap(([name, value]): [string, HostTensor][] =>
    name.startsWith('backbone.body.') ? [[name.slice('backbone.body.'.length), value]] : [],
  );
  writeFileSync(file('grouped classifier'), encodeSafetensors(new Map(body)));
  const values = await valuesOf(source);
  for (const name of ['grouped', 'grouped classifier']) {
    const model = make(3, 5, grouped);
    const { notes } = await loadPretrained(model, file(name));
    assert.equal(notes, []);
    for (const changed of changedNames(values, await valuesOf(model)))
      assert.not(changed.startsWith('backbone.body.'), changed);
    model.dispose();
    const other = make(3, 5);
    const error = await errorOf(() => loadPretrained(other, file(name)));
    assert.match(error.message, /its backbone has group norms, the model's has batch norms: .*norm: 'group'/);
    other.dispose();
  }
  const model = make(3, 5, grouped);
  const error = await errorOf(() => loadPretrained(model, file('detector')));
  assert.match(error.message, /its backbone has batch norms, the model's has group norms: .*norm: 'batch' or 'frozen'/);
  model.dispose();
  source.dispose();
});

test('a backbone that does not match is explained, and the model is unchanged', async () => {
  const refused = async (path: string, spec: RetinaNetSpec, reason: RegExp): Promise<void> => {
    const model = make(1, 3, spec);
    const before = await valuesOf(model);
    assert.match((await errorOf(() => loadPretrained(model, path))).message, reason);
    assert.equal(changedNames(before, await valuesOf(model)), []);
    model.dispose();
  };
  const wide = tinySpec({ backbone: { width: 16, norm: 'batch', depth: 18 } });
  const deep = tinySpec({ backbone: { width: 8, norm: 'batch', depth: 50 } });
  await refused(
    file('detector'),
    wide,
    /its backbone is a ResNet-18 of width 8, the model's is a ResNet-18 of width 16: make the model with backbone: \{ depth: 18, width: 8 \}/,
  );
  await refused(file('torch'), deep, /a ResNet-18 of width 8, the model's is a ResNet-50 of width 8/);
  const damaged = (name: string, change: (tensors: Map<string, HostTensor>) => void): string => {
    writeFileSync(file(name), classifierFile(change));
    return file(name);
  };
  const noNorm = damaged('norm', (tensors) => {
    for (const name of tensors.keys()) if (name.includes('running')) tensors.delete(name);
  });
  await refused(
    noNorm,
    tinySpec(),
    /its backbone has group norms, the model's has batch norms: .*norm: 'group'.*model\.norm/,
  );
  const blocks = damaged('blocks', (tensors) => {
    for (const name of tensors.keys()) if (name.startsWith('layer4.1.')) tensors.delete(name);
  });
  await refused(blocks, tinySpec(), /its backbone is a network of 2, 2, 2, 1 basic blocks, the model's is a ResNet-18/);
  const groups = damaged('groups', (tensors) =>
    tensors.set('layer1.0.conv2.weight', { shape: [8, 4, 3, 3], data: new Float32Array(288) }),
  );
  await refused(
    groups,
    tinySpec(),
    /layer1.0.conv2.weight is \[3,3,4,8\], the model's \[3,3,8,8\]; it is a different kind of ResNet/,
  );
  const nan = damaged('nan', (tensors) => (tensors.get('conv1.weight')!.data[5] = Number.NaN));
  await refused(nan, tinySpec(), /value \d+ of backbone.body.conv1.weight is NaN, expected a finite number/);
  writeFileSync(file('strange'), encodeSafetensors(new Map([['x.y', { shape: [1], data: Float32Array.of(1) }]])));
  await refused(
    file('strange'),
    tinySpec(),
    /has no weights of a RetinaNet or ResNet with the names of torchvision, Detectron2, MMDetection or pytorch-retinanet, only x.y;/,
  );
  const model = make(2, 1);
  const { message } = await errorOf(() => loadPretrained(model, file('torch'), { classes: ['a'] }));
  assert.match(message, /classes has 1 name \(a\), the model has 2 classes/);
  model.dispose();
  theirs.dispose();
});

test.run();
