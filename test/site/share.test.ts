// Links of the studio: data, seed and settings survive, and what is wrong with a link is named.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import {
  changedOf,
  firstSettings,
  hashOf,
  planOfHash,
  samplePlan,
  settingsOf,
  SHIPPED,
  whyFirst,
  withSetting,
} from '../../site/studio/share.ts';
import { scriptOf } from '../../site/studio/script.ts';

test('a plan comes back from its link, with what differs from the defaults', () => {
  const plan = {
    data: 'synthetic',
    settings: {
      'train.seed': 7,
      'train.patience': null,
      'model.network': 'tiny',
      'augment.scale': [0.5, 1.5],
      'augment.on': false,
    },
  };
  const hash = hashOf(plan);
  assert.match(hash, /^#data=synthetic&/);
  assert.match(hash, /augment\.scale=0\.5,1\.5/);
  const back = planOfHash(hash)!;
  assert.equal(settingsOf(back), settingsOf(plan));
  assert.is(hashOf(back), hash);
});

test('a setting with its default is not in the link', () => {
  assert.is(hashOf({ data: 'synthetic', settings: { 'train.epochs': 40 } }), '#data=synthetic');
});

test('a link without settings has those of the sample, one without data is none', () => {
  assert.equal(planOfHash('#data=synthetic'), samplePlan);
  assert.is(planOfHash(''), null);
  assert.is(planOfHash('#train.epochs=3'), null);
});

test('a link with a wrong setting names it', () => {
  assert.throws(
    () => planOfHash('#data=synthetic&train.epochs=0'),
    /^the link: train\.epochs is "0", expected an integer/,
  );
  assert.throws(() => planOfHash('#data=synthetic&train.epoch=3'), /there is no setting train\.epoch.*train\.epochs/s);
});

/** What a training from the detector of the site begins with. */
const start = { 'model.network': 'tiny', 'model.weights': SHIPPED, 'train.learningRate': 0.003 };

test('the weights to start from are in the link; others than those of the site, and another network, are named', () => {
  const plan = { data: 'synthetic', settings: { ...samplePlan.settings, ...start } };
  assert.match(hashOf(plan), /&model\.weights=buildings\.safetensors&/);
  assert.equal(settingsOf(planOfHash(hashOf(plan))!), settingsOf(plan));
  assert.throws(
    () => planOfHash('#data=x&model.network=tiny&model.weights=other.pth'),
    /^the link: model\.weights is "other\.pth", expected none or buildings\.safetensors$/,
  );
  for (const network of ['auto', 'resnet18'])
    assert.throws(
      () => planOfHash(`#data=x&model.network=${network}&model.weights=${SHIPPED}`),
      new RegExp(`^the link: model\\.network is "${network}", expected tiny, the network of buildings\\.safetensors$`),
    );
  assert.throws(
    () => planOfHash(`#data=x&model.network=tiny&model.norm=group&model.weights=${SHIPPED}`),
    /^the link: model\.norm is "group", expected batch or frozen for buildings\.safetensors$/,
  );
});

test('the detector of the site brings its network, and leaves with it', () => {
  const from = (settings: object, name: string, value: unknown) =>
    changedOf(settingsOf({ data: 'x', settings: withSetting({ ...settings }, name, value) }));
  assert.equal(from({ 'model.network': 'small', 'train.epochs': 3 }, 'model.weights', SHIPPED), {
    ...start,
    'train.epochs': 3,
  });
  assert.equal(from(start, 'model.network', 'small'), { 'model.network': 'small' });
  assert.equal(from({ ...start, 'train.learningRate': 0.001 }, 'model.network', 'auto'), {
    'train.learningRate': 0.001,
  });
  // Random weights of the same network compare.
  assert.equal(from(start, 'model.weights', null), { 'model.network': 'tiny', 'train.learningRate': 0.003 });
  assert.equal(from(samplePlan.settings, 'model.network', 'small')['train.learningRate'], 0.003);
  // Its norms are batch norms, and random weights have none to freeze.
  const frozen = { ...start, 'model.norm': 'frozen' };
  assert.equal(from(start, 'model.norm', 'frozen'), frozen);
  assert.equal(from(frozen, 'model.norm', 'group'), { 'model.network': 'tiny', 'model.norm': 'group' });
  assert.equal(from({ 'model.norm': 'group' }, 'model.weights', SHIPPED), start);
  assert.equal(from(frozen, 'model.weights', null), { 'model.network': 'tiny', 'train.learningRate': 0.003 });
  assert.equal(from(frozen, 'model.network', 'small'), { 'model.network': 'small' });
});

const WEIGHTS = 'https://example.org/models/buildings.safetensors';

test('the script of a run has its settings', () => {
  const script = scriptOf(samplePlan, WEIGHTS);
  assert.match(script, /syntheticData\(\{ chips: settings\.data\.chips \}\)/);
  assert.match(script, /data: \{ chips: 160 \}/);
  assert.match(script, /epochs: 12/);
  assert.not.match(script, /buildings\.safetensors|readFileSync|Detector/);
  const cold = scriptOf({ data: '20261128', settings: { 'train.epochs': 3 } }, WEIGHTS);
  assert.match(cold, /retinagrad train FOLDER train\.epochs=3\n/);
  assert.not.match(cold, /buildings\.safetensors/);
});

test('the script of a run that starts from the detector of the site names its file and address', () => {
  for (const data of ['synthetic', '20261128']) {
    const script = scriptOf({ data, settings: start }, WEIGHTS);
    assert.match(script, /\/\/ {3}curl -O https:\/\/example\.org\/models\/buildings\.safetensors\n/);
    assert.match(script, /weights: "buildings\.safetensors"/);
  }
});

test('few own images start from the detector of the site, in the epochs of 300 steps; large ones have tiles', () => {
  const first = (boxed: number, tile: number | null = null) => firstSettings({ boxed, tile }, true).settings;
  assert.equal(first(10), { ...start, 'train.epochs': 150, 'train.evaluateEvery': 10 });
  assert.equal(first(2), { ...start, 'train.epochs': 300, 'train.evaluateEvery': 20 });
  assert.equal(first(50), start);
  for (const boxed of [0, 1, 10, 500]) settingsOf({ data: 'x', settings: first(boxed) });
  assert.equal(first(1, 64), { ...start, 'data.tile': 64, 'data.overlap': 16 });
  assert.match(
    firstSettings({ boxed: 1, tile: null }, true).why,
    /random weights take at least 375 images with boxes \(here 1\)/,
  );
});

test('many own images have a larger network from random weights, where there is a GPU', () => {
  assert.equal(firstSettings({ boxed: 374, tile: null }, true).settings, start);
  const { settings, why } = firstSettings({ boxed: 375, tile: null }, true);
  assert.equal(settings, { 'model.network': 'small' });
  assert.is(why, '375 images with boxes are enough to train the larger network “small” from random weights.');
  const tiled = firstSettings({ boxed: 375, tile: 512 }, true).settings;
  assert.equal(tiled, { 'model.network': 'small', 'data.tile': 512, 'data.overlap': 64 });
  const slow = firstSettings({ boxed: 375, tile: null }, false);
  assert.equal(slow.settings, start);
  assert.match(slow.why, /^Without a GPU/);
});

test('first settings are told apart from chosen ones', () => {
  const own = { boxed: 10, tile: null };
  const { settings, why } = firstSettings(own, true);
  assert.is(whyFirst({ 'train.accumulate': 1, ...settings }, own, true), why);
  assert.is(whyFirst({ ...settings, 'train.epochs': 3 }, own, true), null);
  assert.is(whyFirst(settings, { boxed: 11, tile: null }, true), why.replace('(here 10)', '(here 11)'));
  assert.is(whyFirst(settings, { boxed: 400, tile: null }, true), null);
});

test.run();
