import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Dataset } from '../../src/data/types.ts';
import { rasterOfImage } from '../../src/detector/detect-image.ts';
import type { DetectableRaster } from '../../src/detector/detect-raster.ts';
import { Detector } from '../../src/detector/detector.ts';
import { evaluateDetector } from '../../src/detector/evaluate.ts';
import { init } from '../../src/node/init.ts';
import { defaultDevice } from '../../src/tensor/device.ts';
import { DeviceLostError } from '../../src/tensor/errors.ts';
import { errorOf } from '../support/device.ts';
import { eagerDescription, eagerModel, gradient } from '../task/support.ts';

await init();
const test = suite('a detector whose device is lost');

/** Loses the device as a driver does: beside the library. */
const lose = (): void => defaultDevice().gpu.destroy();

const image = gradient(96, 160);
/** The image, which loses the device before the reads of these numbers. */
const losing = (...at: readonly number[]): DetectableRaster => {
  const raster = rasterOfImage(image);
  let reads = 0;
  return {
    ...raster,
    read(window) {
      if (at.includes(reads++)) lose();
      return raster.read(window);
    },
  };
};

const description = eagerDescription({ tile: 64 });
const makeDetector = (): Detector => new Detector(eagerModel(description.spec), description);
const options = { batchSize: 1 };
const plain = makeDetector();
const expected = await plain.detect(image, options);
plain.dispose();

test('it goes on with a new device, once for each loss, and finds the same', async () => {
  const detector = makeDetector();
  const losses: string[] = [];
  await detector.surviveLoss((loss, device) => {
    assert.instance(loss, DeviceLostError);
    assert.is(device, defaultDevice());
    losses.push(loss.reason);
  });
  assert.ok(expected.scores.length > 0);
  assert.equal(await detector.detectRaster(losing(), options), expected);
  assert.equal(losses, []);
  assert.equal(await detector.detectRaster(losing(1, 3), options), expected);
  assert.is(losses.length, 2);
  detector.dispose();
  assert.is(defaultDevice().memory().tensors, 0);
});

test('an evaluation goes on as well', async () => {
  const detector = makeDetector();
  let losses = 0;
  await detector.surviveLoss(() => losses++);
  const dataset = (losesAt: number): Dataset => ({
    classes: ['square'],
    ids: ['0', '1', '2'],
    async get(index) {
      if (index === losesAt) lose();
      return { id: `${index}`, image, boxes: Float32Array.of(4, 4, 24, 24), labels: new Int32Array(1) };
    },
  });
  const evaluate = (losesAt: number) =>
    evaluateDetector(detector.batchDetector, dataset(losesAt), [0, 1, 2], { batchSize: 1, tile: 64 });
  const whole = await evaluate(-1);
  assert.equal(await evaluate(1), whole);
  assert.is(losses, 1);
  detector.dispose();
});

test('a batch that loses the new device, too, ends it with advice; and without surviveLoss the first loss does', async () => {
  const detector = makeDetector();
  await detector.surviveLoss(lose);
  const error = await errorOf(() => detector.detectRaster(losing(1), options));
  assert.instance(error, DeviceLostError);
  assert.match(
    error.message,
    /^detect: the GPU was lost again on the same images, on a new device, too \(destroyed: .*--tile/,
  );
  await init();
  const alone = makeDetector();
  assert.instance(await errorOf(() => alone.detectRaster(losing(1), options)), DeviceLostError);
});

test('a device of other code is not opened again: the error says who has to do that', async () => {
  await init();
  await init({ gpu: defaultDevice().gpu });
  const detector = makeDetector();
  await detector.surviveLoss(() => assert.unreachable());
  const error = await errorOf(() => detector.detectRaster(losing(1), options));
  assert.instance(error, DeviceLostError);
  assert.match(error.message, /no new device could be opened \(reopen: .*other code, init/);
});

test.run();
