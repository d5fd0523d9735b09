import { test } from 'uvu';
import * as assert from 'uvu/assert';
import {
  checkDataSettings,
  chooseAuto,
  cpuNetworks,
  networkSpec,
  networks,
  resolveSettings,
  SettingError,
  settingsSchema,
  type PartialSettings,
} from '../../src/detector.ts';
import type { LabelTable } from '../../src/data-node.ts';
import { startingRate } from '../../src/train.ts';
import { errorOf } from '../support/errors.ts';

/** What is thrown, which must be a SettingError. */
async function settingErrorOf(body: () => unknown): Promise<SettingError> {
  const error = await errorOf(body);
  assert.instance(error, SettingError);
  return error as SettingError;
}

test('what is not given has its default', () => {
  const settings = resolveSettings({ train: { epochs: 3 }, data: { heldOut: 0.5 } });
  assert.is(settings.train.epochs, 3);
  assert.is(settings.data.heldOut, 0.5);
  assert.is(settings.train.batchSize, settingsSchema.train.batchSize.default);
  assert.is(settings.data.tile, null);
  assert.is(settings.model.network, 'auto');
});

test('values that are not legal are named', async () => {
  const cases: [PartialSettings, string, RegExp][] = [
    [{ train: { epochs: 0 } }, 'train.epochs', /train\.epochs is 0, expected an integer >= 1/],
    [{ data: { heldOut: 1 } }, 'data.heldOut', /data\.heldOut is 1, expected a number from 0\.01 to 0\.99/],
    [{ data: { tile: 63 } }, 'data.tile', /data\.tile is 63, expected an integer >= 64, or none/],
    [{ model: { network: 'huge' as 'tiny' } }, 'model.network', /expected one of tiny, small, .*, or auto/],
  ];
  for (const [given, setting, message] of cases) {
    const error = await settingErrorOf(() => resolveSettings(given));
    assert.is(error.setting, setting);
    assert.match(error.message, message);
  }
  const unknown = await settingErrorOf(() => resolveSettings({ train: { epoch: 3 } as object }));
  assert.match(unknown.message, /there is no setting train\.epoch\b.*train\.epochs/);
});

test('settings of the data that do not fit together are refused before anything is read', async () => {
  const check = (data: PartialSettings['data'] & object) => checkDataSettings(resolveSettings({ data }));
  check({ tile: 128, overlap: 127 });
  check({ overlap: 4000 }); // Without tiles there is nothing to overlap.
  check({ scene: '^(.*)_' });
  const overlap = await settingErrorOf(() => check({ tile: 128, overlap: 128 }));
  assert.is(overlap.setting, 'data.overlap');
  assert.match(overlap.message, /^data\.overlap is 128, expected less than data\.tile, which is 128$/);
  const scene = await settingErrorOf(() => check({ scene: '(' }));
  assert.is(scene.setting, 'data.scene');
  assert.match(scene.message, /^data\.scene: Invalid regular expression/);
});

test('the network follows the adapter, and the learning rate the network, the step and the weights', () => {
  const auto = (given: PartialSettings, isHardware: boolean) => chooseAuto(resolveSettings(given), isHardware);
  const onGpu = auto({}, true);
  const onCpu = auto({}, false);
  assert.is(onGpu.model.network, 'resnet18');
  assert.is(onCpu.model.network, 'tiny');
  assert.ok(cpuNetworks.includes(onCpu.model.network));
  const rate = (isPretrained: boolean, images: number, width: number): number =>
    startingRate({ optimizer: 'adamw', width, images, isPretrained });
  assert.is(onGpu.train.learningRate, rate(false, 4, networks.resnet18.width));
  assert.is(onCpu.train.learningRate, rate(false, 4, networks.tiny.width));
  assert.is.not(onCpu.train.learningRate, onGpu.train.learningRate);
  const large = auto({ train: { batchSize: 8, accumulate: 3 }, model: { weights: 'w.safetensors' } }, true);
  assert.is(large.train.learningRate, rate(true, 24, networks.resnet18.width));
  const found = auto({ train: { batchSize: 'auto', stepImages: 12 } }, true);
  assert.is(found.train.learningRate, rate(false, 12, networks.resnet18.width));
  assert.is.not(large.train.learningRate, rate(true, 8, networks.resnet18.width));
  const sgd = auto({ train: { optimizer: 'sgd' } }, true);
  assert.is(sgd.train.learningRate, startingRate({ optimizer: 'sgd', width: 64, images: 4, isPretrained: false }));
});

test('what is chosen already stays, on every adapter', () => {
  const given = { model: { network: 'small' }, train: { learningRate: 0.0123 } } as const;
  for (const isHardware of [true, false]) {
    const { model, train } = chooseAuto(resolveSettings(given), isHardware);
    assert.is(model.network, 'small');
    assert.is(train.learningRate, 0.0123);
  }
});

test('accumulation follows from a batch size that is found, so that it cannot be given, too', async () => {
  const settings = resolveSettings({ train: { batchSize: 'auto', accumulate: 2 } });
  const error = await errorOf(() => chooseAuto(settings, true));
  assert.instance(error, SettingError);
  assert.match(
    error.message,
    /^train\.accumulate is chosen with train\.batchSize=auto: leave it out; train\.stepImages/,
  );
});

test('the norms of the network are those of model.norm; frozen ones need weights', async () => {
  const { norm } = settingsSchema.model;
  assert.is(resolveSettings({}).model.norm, 'batch');
  for (const kind of ['batch', 'frozen', 'group'] as const) {
    assert.is(norm.read(kind), kind);
    const settings = resolveSettings({ model: { norm: kind, weights: 'w.safetensors', anchors: 'octaves' } });
    assert.is(networkSpec(chooseAuto(settings, false), slim).backbone.norm, kind);
  }
  const error = await settingErrorOf(() => chooseAuto(resolveSettings({ model: { norm: 'frozen' } }), false));
  assert.is(error.setting, 'model.norm');
  assert.match(error.message, /^model\.norm=frozen keeps the statistics of model\.weights, and there are none/);
});

/** Boxes of one shape, far from a square. */
const slim: LabelTable = {
  classes: ['pole'],
  images: Array.from({ length: 6 }, (_, i) => ({
    file: `${i}`,
    width: 256,
    height: 256,
    objects: [{ label: 0, box: [10 + i, 12, 30 + i, 72] as const }],
  })),
};

test('anchors are fitted to the boxes, the same for the same settings; octaves ignore the boxes', () => {
  const spec = (model: PartialSettings['model'] & object, truth: LabelTable, seed = 1) =>
    networkSpec(chooseAuto(resolveSettings({ model: { network: 'tiny', ...model }, train: { seed } }), false), truth);
  const auto = spec({}, slim);
  assert.equal(spec({}, slim), auto);
  assert.ok(
    auto.anchors.ratios.some((ratio) => ratio > 2.5 && ratio < 3.5),
    `boxes have height / width 3, anchors ${auto.anchors.ratios.join(', ')}`,
  );
  const octaves = spec({ anchors: 'octaves', smallestAnchor: 11 }, slim);
  assert.is(octaves.anchors.sizes[0]![0], 11);
  assert.is(octaves.anchors.sizes[2]![0], 88);
  const none: LabelTable = { ...slim, images: [] };
  assert.equal(spec({ anchors: 'octaves', smallestAnchor: 11 }, none), octaves);
  assert.equal(spec({ smallestAnchor: 11 }, none), octaves, 'without boxes there is nothing to fit to');
  assert.equal({ ...auto, anchors: 0 }, { ...spec({ anchors: 'octaves' }, slim), anchors: 0 }, 'all else is the same');
});

test('the network is the one that is named', () => {
  const { depth, width, channels, convs } = networks.resnet50;
  const settings = resolveSettings({
    model: { network: 'resnet50', imageSize: 320, checkpoint: true, anchors: 'octaves' },
  });
  const { backbone, pyramid, head, transform } = networkSpec(chooseAuto(settings, false), slim);
  assert.equal([backbone.depth, backbone.width, backbone.checkpoint], [depth, width, true]);
  assert.equal([pyramid.channels, head.channels, head.convs], [channels, channels, convs]);
  assert.is(transform.minSize, 320);
});

test.run();
