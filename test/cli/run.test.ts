import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { applyAffine } from '../../src/imagery/georeference.ts';
import { boundsOf } from '../../src/imagery/geometry.ts';
import { openTiff } from '../../src/imagery/node/tiff.ts';
import { resolveLayers } from '../../src/common/settings.ts';
import { readSettingsFile } from '../../src/common/settings-text.ts';
import { readLabels } from '../../src/labels/node/read-labels.ts';
import { settingsSchema } from '../../src/task/settings.ts';
import { ends, json, refuses, retinagradIn, temporaryFolder } from './support.ts';

// From synthetic chips to an evaluated detector, in the steps of a user; each test goes on from the one before.

const folder = temporaryFolder();
const at = (...path: string[]): string => join(folder.path, ...path);
const read = (...path: string[]): string => readFileSync(at(...path), 'utf8');
const retinagrad = retinagradIn(folder.path);
const test = suite('a run');
test.after(folder.remove);

// Rates and thresholds so that the few steps leave a detector that finds something.
const settings = [
  'data.chips=12',
  'model.network=tiny',
  'model.anchors=octaves',
  'model.smallestAnchor=11',
  'train.epochs=2',
  'train.averageDecay=none',
  'train.learningRate=0.003',
];
const data = join('data', 'synthetic-12', 'AOI_0_Synthetic_Train');
const weights = ['--weights', join('run', 'best.safetensors')];

interface Counts {
  readonly images: number;
  readonly objects: number;
  readonly detections: number;
}
interface Point {
  readonly truePositives: number;
  readonly falsePositives: number;
  readonly falseNegatives: number;
}
interface Judged {
  readonly counts: Counts;
  readonly best: Point;
  readonly chosen: Point;
  readonly comparison?: object;
}

test('Ctrl-C saves, ends with status 130 and says how to go on', async () => {
  let isInterrupted = false;
  const run = retinagrad(['train', 'synthetic', ...settings, '--out', 'run'], (output, kill) => {
    if (isInterrupted || !output.includes('epoch 1/2')) return;
    isInterrupted = true;
    kill('SIGINT');
  });
  const { stdout, stderr } = await ends(run, 130);
  assert.match(stdout, /^Saved after step \d of \d\. Continue with: retinagrad train --resume run$/m);
  assert.match(stderr, 'Interrupted: finishing the step and saving');
  assert.ok(existsSync(at('run', 'state.safetensors')));
  assert.not.ok(existsSync(at('run', 'report.html')));
});

test('a folder that holds a run is not written over', async () => {
  await refuses(retinagrad(['train', 'synthetic', ...settings, '--out', 'run']), 2, 'continue it with --resume run');
});

test('a run is not resumed with other data', async () => {
  const chip = at(data, 'geojson', 'buildings', 'buildings_AOI_0_Synthetic_img3.geojson');
  const config = at('run', 'config.yaml');
  const text = readFileSync(config, 'utf8');
  renameSync(chip, `${chip}.away`);
  writeFileSync(config, text.replace('"synthetic"', JSON.stringify(data)));
  await refuses(
    retinagrad(['train', '--resume', 'run']),
    1,
    'samples',
    'labels was',
    'resume with the same data and settings',
  );
  renameSync(`${chip}.away`, chip);
  writeFileSync(config, text);
});

test('a reader that closes the output interrupts as Ctrl-C does, with status 141; a command without state ends at once', async () => {
  const closed = retinagrad(['train', '--resume', 'run'], (output, _kill, close) => {
    if (output.includes('adapter')) close();
  });
  const { stderr } = await ends(closed, 141);
  assert.match(stderr, 'Interrupted: finishing the step and saving to run...');
  const { stdout } = await ends(
    retinagrad(['doctor', data], (_output, _kill, close) => close()),
    141,
  );
  assert.not.match(stdout, 'held out');
});

test('--resume finishes the run; --json prints one object alone', async () => {
  const result = await json<{ run: string; end: string; steps: number; totalSteps: number; counts: Counts }>(
    retinagrad(['train', '--resume', 'run', '--json']),
  );
  assert.is(result.run, 'run');
  assert.is(result.end, 'finished');
  assert.is(result.steps, result.totalSteps);
  assert.ok(result.counts.images > 0);
  for (const file of ['best.safetensors', 'last.safetensors', 'state.safetensors', 'predictions.png', 'loss.svg'])
    assert.ok(existsSync(at('run', file)), file);
});

test('the run folder tells all: settings, environment, metrics and a report that needs no other file', () => {
  const config = readSettingsFile(read('run', 'config.yaml'), 'config.yaml');
  const again = resolveLayers(settingsSchema, [{ from: 'config.yaml', values: config }]);
  assert.is(again.train.epochs, 2);
  assert.is(again.data.path, 'synthetic');
  assert.is(again.train.averageDecay, null);
  const environment = JSON.parse(read('run', 'environment.json')) as { resumed: object[]; adapter: { name: string } };
  assert.is(environment.resumed.length, 2);
  assert.ok(environment.adapter.name.length > 0);
  const records = read('run', 'metrics.jsonl')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as { kind: string; step: number });
  const steps = records.filter(({ kind }) => kind === 'step').map(({ step }) => step);
  assert.equal(
    steps,
    steps.map((_, i) => i + 1),
  );
  assert.ok(records.some(({ kind }) => kind === 'evaluation'));
  const report = read('run', 'report.html');
  assert.match(report, 'building');
  assert.not.match(report, /(?:src|href)\s*=\s*["']?(?:https?:)?\/\//i);
  assert.not.match(report, /url\(\s*["']?https?:|@import/i);
});

test('--print-config gives settings that --config takes, and trains nothing', async () => {
  const first = await ends(
    retinagrad(['train', 'tiles', 'augment.scale=0.5,2', 'train.patience=none', '--print-config']),
    0,
  );
  writeFileSync(at('mine.yaml'), first.stdout);
  const second = await ends(retinagrad(['train', '--config', 'mine.yaml', '--print-config']), 0);
  assert.is(second.stdout, first.stdout);
  assert.match(first.stdout, /scale: \[0\.5,2\]/);
  assert.not.ok(existsSync(at('runs')));
});

test('--find-rate measures, draws the curve and trains nothing', async () => {
  const { stdout } = await ends(retinagrad(['train', data, ...settings, '--find-rate', '--out', 'rate', '--quiet']), 0);
  assert.match(stdout, join('rate', 'learning-rate.svg'));
  assert.match(read('rate', 'learning-rate.svg'), /^<svg [^]*<\/svg>\s*$/);
  assert.not.ok(existsSync(at('rate', 'best.safetensors')));
});

test('predict writes CSV or COCO, with pictures, whole or in tiles; --quiet prints no progress', async () => {
  const images = join(data, 'RGB-PanSharpen');
  const found = await json<{ detections: number; images: { objects: { building: number } }[] }>(
    // An absolute path, of which nothing must stand in the file.
    retinagrad(['predict', at(images), ...weights, '--threshold', '0', '--no-pictures', '--json']),
  );
  const [header, ...lines] = read('predictions', 'predictions.csv').trimEnd().split('\n');
  assert.is(header, 'image,x1,y1,x2,y2,label,score');
  assert.ok(
    lines.every((line) => line.startsWith('RGB-PanSharpen_')),
    lines[0],
  );
  assert.is(lines.filter((line) => line.split(',')[1] !== '').length, found.detections);
  assert.ok(found.detections > 0);
  assert.is(
    found.images.reduce((sum, { objects }) => sum + objects.building, 0),
    found.detections,
  );
  assert.equal(readdirSync(at('predictions')), ['predictions.csv']);

  const tiled = [
    '--tile',
    '64',
    '--overlap',
    '16',
    '--threshold',
    '0',
    '--format',
    'coco',
    '--out',
    'tiled',
    '--quiet',
  ];
  const { stdout, stderr } = await ends(retinagrad(['predict', images, ...weights, ...tiled]), 0);
  assert.is(stdout.trimEnd().split('\n').length, 1);
  assert.not.match(stderr, 'detecting');
  const coco = JSON.parse(read('tiled', 'predictions.json')) as { images: object[]; annotations: { score: number }[] };
  assert.is(coco.images.length, 12);
  assert.ok(coco.annotations.every(({ score }) => score > 0 && score <= 1));
  assert.is(readdirSync(at('tiled')).filter((file) => file.endsWith('.png')).length, 12);
});

test('a maximum of detections is an option, and its use is said', async () => {
  const few = ['--threshold', '0', '--max-detections', '2'];
  const images = [
    'predict',
    join(data, 'RGB-PanSharpen'),
    ...weights,
    ...few,
    '--no-pictures',
    '--out',
    'few',
    '--json',
  ];
  const { stdout, stderr } = await ends(retinagrad(images), 0);
  const found = JSON.parse(stdout) as { detections: number; limited: number };
  assert.ok(found.limited > 2);
  assert.ok(found.detections >= 2 * found.limited && found.detections <= 24);
  const note = 'images have more detections than the 2 that are kept: raise --max-detections';
  assert.ok(stderr.includes(`${found.limited} ${note}`), stderr);
  const judged = await ends(retinagrad(['evaluate', data, ...weights, ...few, '--out', 'fewer', '--json']), 0);
  assert.is((JSON.parse(judged.stdout) as { limited: number }).limited, found.limited);
  assert.ok(judged.stderr.includes(note), judged.stderr);
});

test('predict writes the detections of all images as one layer, in several formats', async () => {
  const images = join(data, 'RGB-PanSharpen');
  const how = ['--threshold', '0', '--no-pictures', '--format', 'gpkg,geojson', '--out', 'geo', '--json'];
  const result = await json<{ detections: number; files: object[]; unplaced: object[] }>(
    retinagrad(['predict', images, ...weights, ...how]),
  );
  assert.equal(result.files, [
    { path: join('geo', 'predictions.gpkg'), crs: 'EPSG:4326' },
    { path: join('geo', 'predictions.geojson'), crs: 'EPSG:4326' },
  ]);
  assert.equal(result.unplaced, []);
  assert.equal(readdirSync(at('geo')).sort(), ['predictions.geojson', 'predictions.gpkg']);
  const pixels = await readLabels(at('predictions', 'predictions.csv'));
  const { features } = JSON.parse(read('geo', 'predictions.geojson')) as GeoJSON.FeatureCollection<
    GeoJSON.Polygon,
    { image: string; label: string; score: number }
  >;
  assert.is(features.length, result.detections);
  for (const { file, objects } of pixels.images) {
    const own = features.filter(({ properties }) => properties.image === file);
    assert.is(own.length, objects.length);
    const { affine } = await openTiff(at(images, file));
    for (const [i, { box, score }] of objects.entries()) {
      assert.is(own[i]!.properties.label, 'building');
      assert.ok(Math.abs(own[i]!.properties.score - score!) < 1e-9);
      const [a, b, c, d] = boundsOf(own[i]!.geometry.coordinates[0] as [number, number][]);
      const [[x1, y1], [x2, y2]] = [applyAffine(affine!, box[0], box[1]), applyAffine(affine!, box[2], box[3])];
      for (const [value, expected] of [
        [a, x1],
        [b, y2],
        [c, x2],
        [d, y1],
      ] as const) {
        assert.ok(Math.abs(value - expected) < 1e-9);
      }
    }
  }
});

test('images without a georeference are listed, and CSV has the detections of all', async () => {
  const chips = readdirSync(at(data, 'RGB-PanSharpen')).slice(0, 1);
  mkdirSync(at('mixed'));
  for (const chip of chips) copyFileSync(at(data, 'RGB-PanSharpen', chip), at('mixed', chip));
  copyFileSync(
    at(
      'tiled',
      readdirSync(at('tiled')).find((file) => file.endsWith('.png'))!,
    ),
    at('mixed', 'plain.png'),
  );
  const how = ['--threshold', '0', '--no-pictures', '--format', 'fgb', '--out', 'placed'];
  const { stdout, stderr } = await ends(retinagrad(['predict', 'mixed', ...weights, ...how]), 1);
  assert.match(stdout, join('placed', 'predictions.fgb') + ' (EPSG:4326)');
  const csv = join('placed', 'predictions.csv');
  assert.match(
    stderr,
    `1 image is missing on the map; ${csv} has all detections:\n  plain.png: it has no georeference`,
  );
  const files = (await readLabels(at(csv))).images.map(({ file }) => file);
  assert.equal(files, [...chips, 'plain.png']);
});

test('a detector is judged alike on its own and through its file of detections', async () => {
  const how = ['--threshold', '0.1', '--resamples', '20', '--json'];
  // As many as predict keeps: evaluate keeps 300 by default.
  const direct = await json<Judged>(retinagrad(['evaluate', data, ...weights, ...how, '--max-detections', '1000']));
  const files = await json<Judged>(
    retinagrad(['evaluate', '--truth', data, '--predictions', 'predictions/predictions.csv', ...how]),
  );
  assert.is(direct.counts.images, 12);
  assert.ok(direct.chosen.truePositives + direct.chosen.falsePositives > 0, 'something is judged');
  assert.equal(files.counts, direct.counts);
  const errors = ({ truePositives, falsePositives, falseNegatives }: Point) => [
    truePositives,
    falsePositives,
    falseNegatives,
  ];
  assert.equal(errors(files.chosen), errors(direct.chosen));
  assert.match(read('evaluation', 'report.html'), '</html>');
  // What evaluate leaves is what it judged.
  const own = ['--predictions', 'evaluation/predictions.csv', '--compare', 'tiled/predictions.json', '--out', 'judged'];
  const third = await json<Judged>(retinagrad(['evaluate', '--truth', data, ...own, ...how]));
  assert.equal(third.counts, direct.counts);
  assert.ok(third.comparison);
  assert.equal((JSON.parse(read('judged', 'evaluation.json')) as Judged).counts, direct.counts);
  assert.match(read('judged', 'report.html'), '</html>');
});

test.run();
