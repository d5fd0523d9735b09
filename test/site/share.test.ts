// Links of the studio: data, seed and settings survive, and what is wrong with a link is named.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { firstSettings, hashOf, planOfHash, samplePlan, settingsOf } from '../../site/studio/share.ts';
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

test('the script of a run has its settings', () => {
  const script = scriptOf(samplePlan);
  assert.match(script, /syntheticData\(\{ chips: settings\.data\.chips \}\)/);
  assert.match(script, /data: \{ chips: 160 \}/);
  assert.match(script, /epochs: 12/);
  assert.match(
    scriptOf({ data: '20261128', settings: { 'train.epochs': 3 } }),
    /retinagrad train FOLDER train\.epochs=3\n/,
  );
});

test('few own images have as many epochs as many have steps, and large ones tiles', () => {
  assert.equal(firstSettings({ images: 10, tile: null }), { 'train.epochs': 150, 'train.evaluateEvery': 10 });
  assert.equal(firstSettings({ images: 2, tile: null }), { 'train.epochs': 300, 'train.evaluateEvery': 20 });
  assert.equal(firstSettings({ images: 500, tile: null }), {});
  for (const images of [1, 10, 500]) settingsOf({ data: 'x', settings: firstSettings({ images, tile: null }) });
  assert.equal(firstSettings({ images: 1, tile: 64 }), { 'data.tile': 64, 'data.overlap': 16 });
});

test.run();
