import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Box, LabelledObject, LabelTable } from '../../src/data-node.ts';
import { judgeTables, matchImages } from '../../src/detector.ts';
import { judge } from '../../src/evaluation.ts';
import { errorOf } from '../support/errors.ts';

const tableOf = (files: readonly string[], objects: readonly LabelledObject[] = []): LabelTable => ({
  classes: ['house'],
  images: files.map((file) => ({ file, width: 100, height: 100, objects })),
});
const refusal = async (truth: string[], ...predictions: string[][]): Promise<string> =>
  (
    await errorOf(() =>
      matchImages(
        tableOf(truth),
        predictions.map((files) => tableOf(files)),
      ),
    )
  ).message;

test('images are matched by path if all are found like this, otherwise by name', () => {
  const truth = tableOf(['a/1.png', 'a/2.png', '3.tif']);
  const by = (...files: string[][]): string =>
    matchImages(
      truth,
      files.map((some) => tableOf(some)),
    );
  assert.is(by(['a/2.png', '3.tif']), 'file');
  assert.is(by(['a/1.png'], ['3.tif']), 'file');
  assert.is(by(['1.jpg', 'found/3.png']), 'stem');
  assert.is(by(['a/1.png'], ['2.png']), 'stem', 'all tables are matched in one way');
  assert.is(by(['b/1.png', 'a/2.png']), 'stem');
});

test('names that are not unique are no matter where paths match', () => {
  const files = ['a/1.png', 'b/1.png'];
  assert.is(matchImages(tableOf(files), [tableOf(files)]), 'file');
});

test('only the last extension and the folders are left out of a name', async () => {
  assert.is(matchImages(tableOf(['x/tile.1.png', 'x/tile.2.png']), [tableOf(['tile.1.tif', 'tile.2.tif'])]), 'stem');
  assert.match(await refusal(['x/tile.1.png'], ['tile.png']), /^there are predictions for tile\.png, which is not/);
  // A hidden file has no extension.
  assert.match(await refusal(['x/.a', 'x/.b'], ['.c']), /^there are predictions for \.c,/);
});

test('an image that is in no ground truth is named', async () => {
  const message = await refusal(['a/1.png', 'a/2.png'], ['1.png'], ['2.png', 'new/3.png']);
  assert.match(message, /^there are predictions for new\/3\.png, which is not in the ground truth by path or by name/);
  assert.match(message, /the ground truth has 2 images, such as a\/1\.png$/);
  const none = await refusal([], ['1.png']);
  assert.match(none, /the ground truth has 0 images$/);
});

test('a name that two images have is refused, in the ground truth and in each prediction', async () => {
  const inTruth = await refusal(['a/1.png', 'b/1.png', 'b/2.png'], ['2.tif']);
  assert.match(inTruth, /the name 1 alone is not unique: the ground truth has 3 images, such as a\/1\.png/);
  assert.match(inTruth, /predictions are for images such as 2\.tif$/);
  const inPredictions = await refusal(['a/1.png', 'a/2.png'], ['1.tif'], ['c/2.png', 'd/2.png']);
  assert.match(inPredictions, /the name 2 alone is not unique/);
});

const box: Box = [10, 10, 50, 50];
const found = tableOf(['1.png'], [{ label: 0, box, score: 0.9 }]);

test('tables are judged as judge does, with the options', async () => {
  const truth = tableOf(['1.png'], [{ label: 0, box: [10, 10, 50, 40] }]);
  const options = { iouThreshold: 0.8, scoreThreshold: 0.95, resamples: 10 };
  const judgement = await judgeTables(truth, found, options);
  assert.equal(judgement, judge(truth, found, options));
  assert.is(judgement.chosen.falseNegatives, 1);
  assert.is((await judgeTables(truth, found, { iouThreshold: 0.7 })).best.truePositives, 1);
});

test('with outlines, the metric of SpaceNet is that of the outlines', async () => {
  // The lower left half of the box: an IoU of 0.43 with it.
  const corners = [
    [10, 10],
    [10, 50],
    [44, 50],
  ] as const;
  const truth = tableOf(['1.png'], [{ label: 0, box, polygons: [[corners]] }]);
  const outlines = await judgeTables(truth, found, {});
  const boxes = await judgeTables(tableOf(['1.png'], [{ label: 0, box }]), found, {});
  assert.is(judge(truth, found).spaceNet.polygon, null);
  assert.is(boxes.spaceNet.polygon, null);
  assert.is(outlines.spaceNet.polygon!.all.truePositives, 0);
  assert.is(outlines.best.truePositives, 1, 'other metrics are those of boxes');
});

test.run();
