import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import {
  encodeSafetensors,
  manualSeed,
  noGrad,
  readStateDict,
  RetinaNet,
  retinaNetSpec,
  toTorchvisionStateDict,
  type Detections,
  type HostTensor,
  type RetinaNetSpec,
} from '../../src/index.ts';
import { saveDetector, loadDetector, openDetector } from '../../src/detector/node/detector-file.ts';
import { loadPretrained, openPretrained } from '../../src/detector/node/load-pretrained.ts';
import { openDetectorBytes } from '../../src/detector/open-detector.ts';
import type { DetectorDescription } from '../../src/detector/detector.ts';
import { huggingFaceFiles } from '../../src/export/huggingface.ts';
import { InputError } from '../../src/common/errors.ts';
import { rgbImage } from '../../src/imagery/image.ts';
import { floats, hashImage, hashTensor, readFixture, type Encoded } from '../golden/read.ts';
import { errorOf, leavesNothing, testDevice } from '../support/device.ts';
import { changedNames, tinySpec, valuesOf } from '../train/support.ts';
import { torchFile } from '../weights/pickles.ts';
import { outputsDistance, type Outputs } from './outputs.ts';

const device = await testDevice();
const root = mkdtempSync(join(tmpdir(), 'retinagrad-open-detector-'));
test.after(() => rmSync(root, { recursive: true }));

interface Case {
  readonly seed: number;
  readonly tensors: readonly (readonly [string, readonly number[]])[];
  readonly scoreThreshold: number;
  readonly nmsThreshold: number;
  readonly losses: { readonly classification: number; readonly bbox_regression: number };
  readonly outputs: { readonly logits: Outputs; readonly deltas: Outputs };
  readonly detections: { readonly boxes: Encoded; readonly scores: Encoded; readonly labels: readonly number[] };
}
const fixture = readFixture<{
  readonly image: {
    readonly name: string;
    readonly size: readonly [number, number];
    readonly boxes: readonly number[][];
  };
  readonly cases: { readonly v1: Case; readonly v2: Case };
}>('layouts');
const [height, width] = fixture.image.size;
const image = rgbImage(height, width, hashImage(fixture.image.name, height, width));

type State = Map<string, HostTensor>;
/** The hashed weights of a case under torchvision's names; counters of batches have a value that nothing needs. */
const stateOf = ({ tensors, seed }: Case): State =>
  new Map(tensors.map(([name, shape]) => [name, { shape, data: hashTensor(name, shape, seed) }]));
const renamed = (state: State, rename: (name: string) => string): State =>
  new Map([...state].map(([name, value]) => [rename(name), value]));
const config = ({ scoreThreshold, nmsThreshold }: Case, changes: object = {}): string =>
  JSON.stringify({
    num_classes: 3,
    label_dict: { Tree: 0, Shrub: 2, Dead: 1 },
    score_thresh: scoreThreshold,
    nms_thresh: nmsThreshold,
    ...changes,
  });

/** A folder of Hugging Face. */
function folder(name: string, state: State, settings: string | null): string {
  const path = join(root, name);
  mkdirSync(path);
  writeFileSync(join(path, 'model.safetensors'), encodeSafetensors(state));
  if (settings !== null) writeFileSync(join(path, 'config.json'), settings);
  return path;
}

/** The same detections as PyTorch's, except for the order of scores that are as good as equal. */
function compare(found: Detections, { detections }: Case): void {
  const [boxes, scores] = [floats(detections.boxes), floats(detections.scores)];
  assert.is(found.scores.length, scores.length, 'number of detections');
  scores.forEach((score, i) => {
    assert.ok(Math.abs(found.scores[i]! - score) < 1e-5, `score ${i}: ${found.scores[i]}, expected ${score}`);
    const isSame = (j: number): boolean =>
      Math.abs(found.scores[j]! - score) < 1e-5 &&
      found.labels[j] === detections.labels[i] &&
      [0, 1, 2, 3].every((k) => Math.abs(found.boxes[j * 4 + k]! - boxes[i * 4 + k]!) < 0.01);
    assert.ok([...scores.keys()].some(isSame), `detection ${i} of PyTorch is not found`);
  });
}

for (const version of ['v1', 'v2'] as const) {
  const given = fixture.cases[version];
  test(`a folder of torchvision's RetinaNet ${version} gives PyTorch's losses and detections`, async () => {
    await leavesNothing(device, async () => {
      // As DeepForest published its detectors: version 1 with the prefix of its Lightning module.
      const prefix = version === 'v1' ? 'model.' : '';
      const path = folder(
        version,
        renamed(stateOf(given), (name) => prefix + name),
        config(given),
      );
      const detector = await openDetector(path);
      const { classes, scoreThreshold, tile, spec, model } = detector;
      assert.equal([classes, scoreThreshold, tile], [['Tree', 'Dead', 'Shrub'], given.scoreThreshold, 400]);
      const [depth, norm] = version === 'v1' ? [18, 'frozen'] : [50, 'batch'];
      assert.equal([spec.backbone.depth, spec.backbone.norm, spec.postprocess.nmsThreshold], [depth, norm, 0.3]);
      compare(await detector.detect(image), given);
      model.train();
      const distance = await outputsDistance(model, image, given.outputs);
      assert.ok(distance < 1e-4, `${distance}`);
      const target = {
        boxes: Float32Array.from(fixture.image.boxes.flatMap((box) => box.slice(0, 4))),
        labels: Int32Array.from(fixture.image.boxes, (box) => box[4]!),
      };
      const losses = noGrad(() => model.losses([image], [target]));
      for (const [loss, expected] of [
        [losses.classification, given.losses.classification],
        [losses.boxRegression, given.losses.bbox_regression],
      ] as const) {
        const value = await loss.item();
        assert.ok(Math.abs(value / expected - 1) < 1e-4, `loss ${value}, expected ${expected}`);
      }
      for (const tensor of Object.values(losses)) tensor.dispose();
      detector.dispose();
    });
  });
}

test('the same weights under other names and in other files are the same', async () => {
  const { v1, v2 } = fixture.cases;
  const old = (name: string): string =>
    name
      .replace(/(inner_blocks|layer_blocks)\.(\d)\.0\./, '$1.$2.')
      .replace(/_head\.conv\.(\d)\.0\./, (_, i: string) => `_head.conv.${Number(i) * 2}.`);
  const files: [name: string, bytes: Uint8Array, given: Case][] = [
    ['old.safetensors', encodeSafetensors(renamed(stateOf(v1), old)), v1],
    [
      'parallel.pth',
      torchFile(
        renamed(stateOf(v2), (name) => `module.${name}`),
        'state_dict',
      ),
      v2,
    ],
    [
      'lightning.ckpt',
      torchFile(
        renamed(stateOf(v1), (name) => `model.${name}`),
        'state_dict',
      ),
      v1,
    ],
    ['train.pth', torchFile(renamed(stateOf(v1), old), 'model'), v1],
  ];
  for (const [name, bytes, given] of files) {
    const path = join(root, name);
    writeFileSync(path, bytes);
    const detector = await openDetector(path, { classes: ['a', 'b', 'c'] });
    const found = toTorchvisionStateDict(await readStateDict(detector.model.stateDict()));
    const expected = [...stateOf(given)].filter(([key]) => !key.endsWith('num_batches_tracked'));
    assert.is(found.size, expected.length, name);
    for (const [key, { data }] of expected) assert.equal(found.get(key)!.data, data, `${name} ${key}`);
    detector.dispose();
  }
});

test('the RetinaNet that torchvision published first has norms with an eps of 0', async () => {
  const published = (classes: number, layer: string): Uint8Array => {
    const state = stateOf(fixture.cases.v1);
    const last = state.get('head.classification_head.cls_logits.bias')!;
    state.set('head.classification_head.cls_logits.bias', {
      ...last,
      shape: [classes * 9],
      data: new Float32Array(classes * 9),
    });
    return encodeSafetensors(renamed(state, (name) => name.replace('_head.conv.0.0.', layer)));
  };
  const eps = async (bytes: Uint8Array): Promise<number> => {
    writeFileSync(join(root, 'eps.safetensors'), bytes);
    return (await openPretrained('test', join(root, 'eps.safetensors'))).spec.backbone.normEps;
  };
  assert.is(await eps(published(91, '_head.conv.0.')), 0);
  assert.is(await eps(published(91, '_head.conv.0.0.')), 1e-5);
  assert.is(await eps(published(2, '_head.conv.0.')), 1e-5);
});

/** A narrow network with the preset of another library, and its weights under torchvision's names. */
async function networkOf(preset: 'detectron2' | 'mmdetection'): Promise<{ model: RetinaNet; state: State }> {
  manualSeed(5);
  const base = retinaNetSpec(preset);
  const model = new RetinaNet(2, {
    ...base,
    backbone: { ...base.backbone, depth: 50, width: 4 },
    pyramid: { ...base.pyramid, channels: 8 },
    head: { ...base.head, channels: 8 },
  });
  const state = toTorchvisionStateDict(await readStateDict(model.stateDict()));
  state.delete('loss.normalizer'); // The library does not save it.
  return { model, state };
}

/** Names of Detectron2 and MMDetection for those of torchvision. */
const names = {
  detectron2: (name: string): string =>
    name
      .replace(/^backbone\.body\.conv1\./, 'backbone.bottom_up.stem.conv1.')
      .replace(/^backbone\.body\.bn1\./, 'backbone.bottom_up.stem.conv1.norm.')
      .replace(/^backbone\.body\.layer(\d)\./, (_, stage: string) => `backbone.bottom_up.res${Number(stage) + 1}.`)
      .replace(/\.bn(\d)\./, '.conv$1.norm.')
      .replace('.downsample.0.', '.shortcut.')
      .replace('.downsample.1.', '.shortcut.norm.')
      .replace(/^backbone\.fpn\.inner_blocks\.(\d)\.0\./, (_, i: string) => `backbone.fpn_lateral${Number(i) + 3}.`)
      .replace(/^backbone\.fpn\.layer_blocks\.(\d)\.0\./, (_, i: string) => `backbone.fpn_output${Number(i) + 3}.`)
      .replace('backbone.fpn.extra_blocks.', 'backbone.top_block.')
      .replace(/^head\.classification_head\.conv\.(\d)\.0\./, (_, i: string) => `head.cls_subnet.${Number(i) * 2}.`)
      .replace(/^head\.regression_head\.conv\.(\d)\.0\./, (_, i: string) => `head.bbox_subnet.${Number(i) * 2}.`)
      .replace('head.classification_head.cls_logits.', 'head.cls_score.')
      .replace('head.regression_head.bbox_reg.', 'head.bbox_pred.'),
  mmdetection: (name: string): string =>
    name
      .replace('backbone.body.', 'backbone.')
      .replace(/^backbone\.fpn\.inner_blocks\.(\d)\.0\./, 'neck.lateral_convs.$1.conv.')
      .replace(/^backbone\.fpn\.layer_blocks\.(\d)\.0\./, 'neck.fpn_convs.$1.conv.')
      .replace(
        /^backbone\.fpn\.extra_blocks\.p(\d)\./,
        (_, level: string) => `neck.fpn_convs.${Number(level) - 3}.conv.`,
      )
      .replace(/^head\.classification_head\.conv\.(\d)\.0\./, 'bbox_head.cls_convs.$1.conv.')
      .replace(/^head\.regression_head\.conv\.(\d)\.0\./, 'bbox_head.reg_convs.$1.conv.')
      .replace('head.classification_head.cls_logits.', 'bbox_head.retina_cls.')
      .replace('head.regression_head.bbox_reg.', 'bbox_head.retina_reg.'),
};

test('names of Detectron2 and MMDetection give all weights, with the preset of the library', async () => {
  for (const preset of ['detectron2', 'mmdetection'] as const) {
    const { model, state } = await networkOf(preset);
    const named = renamed(state, names[preset]);
    assert.not.ok(
      [...named.keys()].some((name) => state.has(name)),
      'names are different',
    );
    // MMDetection trains its norms, whose counters tell them apart.
    if (preset === 'mmdetection')
      named.set('backbone.bn1.num_batches_tracked', { shape: [], data: new Float32Array(1) });
    const path = join(root, `${preset}.pth`);
    writeFileSync(path, torchFile(named, 'model'));
    const detector = await openDetector(path, { classes: ['a', 'b'] });
    const { anchors, transform, pyramid, boxCoder, backbone } = retinaNetSpec(preset);
    assert.equal(detector.spec.anchors, anchors);
    assert.equal(detector.spec.transform, transform);
    assert.equal(detector.spec.boxCoder, boxCoder);
    assert.equal(detector.spec.pyramid, { ...pyramid, channels: 8 });
    assert.equal(detector.spec.backbone, { ...backbone, depth: 50, width: 4 });
    assert.equal(changedNames(await valuesOf(model), await valuesOf(detector.model)), []);
    detector.dispose();
    model.dispose();
  }
});

test("Detectron2's order of anchors becomes that of the model, and the report says so", async () => {
  const { model: theirs, state } = await networkOf('detectron2');
  const path = join(root, 'order.pth');
  writeFileSync(path, torchFile(renamed(state, names.detectron2), 'model'));
  const model = new RetinaNet(2, { ...theirs.spec, anchors: retinaNetSpec('torchvision').anchors });
  const { converted, fresh, skipped, notes } = await loadPretrained(model, path);
  assert.equal([fresh.map((note) => note.name), skipped], [['loss.normalizer'], []]);
  const name = 'head.regressionHead.bboxReg.weight';
  assert.equal(
    converted.find((note) => note.name === name),
    { name, shape: [3, 3, 8, 36], reason: 'anchors from size-outer to ratio-outer' },
  );
  assert.is(converted.length, 4);
  assert.match(notes.join(), /anchors: the weights were trained with/);
  const [before, after] = [(await valuesOf(theirs)).get(name)!, (await valuesOf(model)).get(name)!];
  for (let i = 0; i < after.length; i++) {
    const [row, cell, offset] = [Math.floor(i / 36), Math.floor((i % 36) / 4), i % 4];
    const [ratio, size] = [Math.floor(cell / 3), cell % 3];
    assert.is(after[i], before[row * 36 + (size * 3 + ratio) * 4 + offset], `${i}`);
  }
  model.dispose();
  theirs.dispose();
});

test('a detector of this library is the same as with loadDetector', async () => {
  const model = new RetinaNet(2, tinySpec());
  const path = join(root, 'own.safetensors');
  const description = { classes: ['a', 'b'], spec: model.spec, scoreThreshold: 0.25, decoding: {}, tile: 96 };
  saveDetector(path, await readStateDict(model.stateDict()), description);
  const [one, other] = [loadDetector(path), await openDetector(path)];
  assert.equal([other.classes, other.spec, other.tile], [one.classes, one.spec, one.tile]);
  assert.equal(changedNames(await valuesOf(one.model), await valuesOf(other.model)), []);
  one.dispose();
  other.dispose();
  model.dispose();
});

test('an export of this library for Hugging Face is the detector that was exported', async () => {
  const model = new RetinaNet(2, tinySpec());
  const description: DetectorDescription = {
    classes: ['roof', '__proto__'],
    spec: model.spec,
    scoreThreshold: 0.25,
    decoding: { stretch: { low: [0, 0, 0], high: [4095, 4095, 4095] } },
    tile: 96,
  };
  const weights = await readStateDict(model.stateDict());
  const path = join(root, 'exported');
  mkdirSync(path);
  for (const [file, content] of huggingFaceFiles(weights, description, {})) writeFileSync(join(path, file), content);
  const { classes, spec, scoreThreshold, decoding, tile, model: loaded } = await openDetector(path);
  assert.equal({ classes, spec, scoreThreshold, decoding, tile }, description);
  assert.equal(changedNames(await valuesOf(model), await valuesOf(loaded)), []);
  loaded.dispose();
  model.dispose();
});

test('a description that is damaged or hostile is refused before a network is made of it', async () => {
  const model = new RetinaNet(1, tinySpec());
  const weights = await readStateDict(model.stateDict());
  model.dispose();
  const bytesWith = (changes: Record<string, unknown>): Uint8Array =>
    encodeSafetensors(weights, {
      format: 'retinagrad-detector',
      version: '1',
      description: JSON.stringify({ classes: ['a'], spec: tinySpec(), scoreThreshold: 0.5, tile: null, ...changes }),
    });
  const spec = (section: keyof RetinaNetSpec, changes: object): Record<string, unknown> => ({
    spec: { ...tinySpec(), [section]: { ...tinySpec()[section], ...changes } },
  });
  const cases: [Record<string, unknown>, RegExp][] = [
    [spec('backbone', { width: 1e9 }), /spec\.backbone\.width is 1000000000, expected an integer from 1 to 8192/],
    [
      spec('backbone', { width: 4096 }),
      /its description names backbone\.width 4096, but backbone\.body\.conv1\.weight is/,
    ],
    [spec('head', { convs: 1e6 }), /spec\.head\.convs is 1000000, expected an integer from 0 to 64/],
    [spec('head', { channels: '9' }), /spec\.head\.channels is "9", expected an integer/],
    [spec('anchors', { sizes: [[1]] }), /spec\.anchors\.sizes is \[\[1\]\], expected a list of 5/],
    [spec('anchors', { sizes: [[1], [1], [1], [1], [1, 2]] }), /spec\.anchors\.sizes has levels of different lengths/],
    [spec('anchors', { ratios: [0] }), /spec\.anchors\.ratios is \[0\], expected a list with each a number > 0/],
    [spec('transform', { std: [1, 1, null] }), /spec\.transform\.std/],
    [spec('postprocess', { clip: 'never' }), /clip is "never", expected one of "before-nms", "after-nms"/],
    [{ spec: { ...tinySpec(), loss: undefined } }, /spec\.loss is missing/],
    [{ spec: [] }, /spec is not an object|spec\.backbone is missing/],
    [{ classes: [] }, /classes is not a list of 1 to 10000 names/],
    [{ classes: ['a', 'a'] }, /classes are not names, each once/],
    [{ scoreThreshold: 7 }, /scoreThreshold is not a number from 0 to 1/],
    [{ tile: -1 }, /tile is not an integer >= 1 or null/],
    [{ reading: 3 }, /reading is not an object/],
    [{ reading: { bands: 'all' } }, /reading\.bands is not a list of numbers of bands/],
    [{ reading: { bands: new Array<number>(1000).fill(1) } }, /reading\.bands is not a list/],
    [{ reading: { stretch: { low: [0], high: ['1'] } } }, /reading\.stretch is not an object with lists of numbers/],
    [{ reading: { shown: [1, 2] } }, /reading\.shown is not a list of three/],
    [{ reading: { groundResolution: -1 } }, /reading\.groundResolution is not a number > 0/],
  ];
  await leavesNothing(device, async () => {
    for (const [changes, reason] of cases) {
      const { message } = await errorOf(() => openDetectorBytes(bytesWith(changes), { name: 'f' }));
      assert.match(message, reason);
      assert.match(message, /^f: /);
    }
  });
});

test('what is no detector is refused with the reason, and leaves nothing', async () => {
  await leavesNothing(device, async () => {
    const { v1 } = fixture.cases;
    const state = stateOf(v1);
    const without = (pattern: RegExp): State => new Map([...state].filter(([name]) => !pattern.test(name)));
    const bytes = encodeSafetensors(state);
    const classes = ['a', 'b', 'c'];
    const refused = async (reason: RegExp, open: () => Promise<unknown>): Promise<void> => {
      assert.match((await errorOf(open)).message, reason);
    };
    await refused(/^f: it has 3 classes without names: pass classes/, () => openDetectorBytes(bytes, { name: 'f' }));
    await refused(/^f: it has 3 classes, but 1 name: a/, () => openDetectorBytes(bytes, { name: 'f', classes: ['a'] }));
    const headless = encodeSafetensors(renamed(without(/^head|fpn/), (name) => name.replace('backbone.body.', '')));
    await refused(/has the backbone only/, () => openDetectorBytes(headless, { classes }));
    await refused(
      /not a whole detector: 2 tensors are missing, for example backbone\.fpn\.extraBlocks\.p7\.weight/,
      () => openDetectorBytes(encodeSafetensors(without(/p7/)), { classes }),
    );
    const bigNames = Array.from({ length: 9000 }, (_, i) => `n${i}`);
    const configs: [object, RegExp][] = [
      [{ label_dict: { a: 0, b: 2, c: 3 } }, /config\.json: label_dict is .*, expected the labels 0, 1, 2/],
      [{ label_dict: { a: 0, b: 0, c: 1 } }, /expected the labels 0, 1, 2 and so on, each once/],
      [{ label_dict: ['a'] }, /label_dict is \["a"\], expected an object/],
      [{ num_classes: 4 }, /num_classes is 4, expected 3, the number of classes with names/],
      [{ nms_thresh: 2 }, /nms_thresh is 2, expected a number from 0 to 1/],
      [{ score_thresh: '0.1' }, /score_thresh is "0.1", expected a number from 0 to 1/],
      [{ num_classes: 1, label_dict: { a: 0 } }, /it has 3 classes, but 1 name: a/],
      [{ num_classes: 1e9 }, /num_classes is 1000000000, expected an integer from 1 to 10000000/],
      [{ label_dict: { a: [0], b: '1', c: 2 } }, /label_dict is .*, expected the labels 0, 1, 2 and so on, each once/],
      [{ label_dict: { '': 0, b: 1, c: 2 } }, /label_dict is .*, expected names, but its classes are not names/],
      [
        { label_dict: null, id2label: { 0: 'a', 1: { b: 2 }, 2: 'c' } },
        /id2label is .*, expected an object with a name/,
      ],
      [{ label_dict: null, id2label: { 0: 'a', 1: 'a', 2: 'c' } }, /id2label is .*, each once/],
      [
        { label_dict: Object.fromEntries(bigNames.map((name, i) => [name, i])) },
        /it has 3 classes, but 9000 names: n0, n1/,
      ],
      [{ detections_per_img: 0.5 }, /detections_per_img is 0.5, expected an integer/],
      [{ library_name: 'retinagrad', spec: { backbone: 7 } }, /its description of the detector is damaged: classes/],
    ];
    for (const [i, [changes, reason]] of configs.entries()) {
      const path = folder(`config-${i}`, state, config(v1, { num_classes: null, ...changes }));
      const error = await errorOf(() => openDetector(path));
      assert.match(error.message, reason);
      assert.ok(error.message.includes(path) && error.message.length < 1000, error.message);
    }
    const texts: [string, RegExp][] = [
      ['{', /config\.json: truncated/],
      ['', /config\.json: the file is empty/],
      ['[1]', /config\.json: it is not an object/],
      [`${'{"a":'.repeat(1e5)}1${'}'.repeat(1e5)}`, /config\.json: more than 200 arrays and objects inside each other/],
      [`{"label_dict": ${'['.repeat(150)}${']'.repeat(150)}}`, /config\.json: label_dict is \[+…, expected an object/],
    ];
    for (const [i, [json, reason]] of texts.entries()) {
      const error = await errorOf(() => openDetector(folder(`text-${i}`, state, json)));
      assert.instance(error, InputError);
      assert.match(error.message, reason);
    }
    mkdirSync(join(root, 'empty'));
    await refused(/empty: it is a folder without weights of Hugging Face; expected one of model\.safetensors/, () =>
      openDetector(join(root, 'empty')),
    );
  });
});

test('a sharded folder is one file', async () => {
  const { v1 } = fixture.cases;
  const path = join(root, 'sharded');
  mkdirSync(path);
  const entries = [...stateOf(v1)];
  const shards = {
    'model-00001-of-00002.safetensors': entries.slice(0, 50),
    'model-00002-of-00002.safetensors': entries.slice(50),
  };
  const map: Record<string, string> = {};
  for (const [file, tensors] of Object.entries(shards)) {
    writeFileSync(join(path, file), encodeSafetensors(new Map(tensors)));
    for (const [name] of tensors) map[name] = file;
  }
  writeFileSync(join(path, 'model.safetensors.index.json'), JSON.stringify({ metadata: {}, weight_map: map }));
  writeFileSync(join(path, 'config.json'), config(v1));
  const { state, classes } = await openPretrained('test', path);
  assert.equal([state.size, classes], [entries.length, ['Tree', 'Dead', 'Shrub']]);
});

test('other classes keep everything except the last layer of the classification head: the box head stays', async () => {
  const { v1 } = fixture.cases;
  const path = folder('transfer', stateOf(v1), config(v1));
  const { spec } = await openPretrained('test', path);
  const model = new RetinaNet(2, { ...retinaNetSpec('torchvision'), ...spec });
  const { fresh, knownClasses, loaded } = await loadPretrained(model, path, { classes: ['Car', 'Dead'] });
  assert.equal(
    fresh.map(({ name }) => name),
    ['head.classificationHead.clsLogits.weight', 'head.classificationHead.clsLogits.bias'],
  );
  assert.equal(knownClasses, ['Dead']);
  assert.ok(loaded.includes('head.regressionHead.bboxReg.weight'));
  model.dispose();
});

test.run();
