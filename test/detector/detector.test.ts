import { test } from 'uvu';
import * as assert from 'uvu/assert';
import {
  atLeast,
  detectImage,
  Detector,
  encodeDetector,
  type DetectorDescription,
  type DetectOptions,
} from '../../src/detector.ts';
import { readStateDict, type Detections, type HostTensor } from '../../src/index.ts';
import { decodeSafetensors, encodeSafetensors } from '../../src/weights/safetensors.ts';
import { errorOf, leavesNothing, testDevice } from '../support/device.ts';
import { eagerDescription, eagerModel, eagerSpec, gradient } from '../task/support.ts';

const device = await testDevice();
const large = gradient(96, 160);
const small = gradient(64, 64);

const detectorOf = (given: Partial<DetectorDescription> = {}): Detector => {
  const description = eagerDescription(given);
  return new Detector(eagerModel(description.spec, description.classes.length), description);
};
const resizing = eagerSpec({ transform: { minSize: 64 } });

// Trained on tiles of 64 pixels.
const tiled = detectorOf({ tile: 64, scoreThreshold: 0.31 });
test.after(() => tiled.dispose());

test('tiles are those of training, none where the network resizes, otherwise of 1024 pixels', () => {
  const tileOf = (given: Partial<DetectorDescription>): number | null => {
    const detector = detectorOf(given);
    detector.dispose();
    return detector.detectionTile;
  };
  assert.is(tileOf({ tile: 96 }), 96);
  assert.is(tileOf({ tile: 96, spec: resizing }), 96);
  assert.is(tileOf({ spec: resizing }), null);
  assert.is(tileOf({}), 1024);
});

test('the model is in evaluation mode', () => {
  const model = eagerModel(eagerSpec());
  assert.ok(model.training);
  const detector = new Detector(model, eagerDescription());
  assert.not.ok(detector.model.training);
  detector.dispose();
});

test('an image larger than a tile is detected on in tiles, above the threshold of the detector', async () => {
  const all = await detectImage(tiled.model, large, { tile: 64 });
  const expected = atLeast(all, tiled.scoreThreshold);
  assert.ok(expected.scores.length > 0, 'something is found');
  assert.ok(expected.scores.length < all.scores.length, 'the threshold drops something');
  assert.equal(await tiled.detect(large), expected);
  const [whole] = await tiled.model.detect([large]);
  assert.not.equal(whole, all, 'tiles make a difference');
  assert.equal(await tiled.detect(large, { scoreThreshold: 0, tile: null }), whole);
});

test('a larger tile than in training would show the network what it has not seen, so it gets the tiles of training', async () => {
  assert.is(tiled.tile, 64);
  assert.equal(await tiled.detect(large, { tile: 1000 }), await tiled.detect(large));
});

test('options replace what the detector was trained with', async () => {
  const all = await detectImage(tiled.model, large, { tile: 64 });
  assert.equal(await tiled.detect(large, { scoreThreshold: 0 }), all);
  const options = { tile: 48, overlap: 20, nmsThreshold: 0.2, batchSize: 3 };
  const told: number[][] = [];
  const found = await tiled.detect(large, {
    ...options,
    scoreThreshold: 0,
    onProgress: (...progress) => told.push(progress),
  });
  assert.equal(found, await detectImage(tiled.model, large, options));
  // ceil((96 - 20) / 28) rows of ceil((160 - 20) / 28) tiles.
  assert.equal(told.at(-1), [15, 15]);
  const none = await tiled.detect(large, { scoreThreshold: 1 });
  assert.equal([none.boxes.length, none.labels.length, none.scores.length], [0, 0, 0]);
});

test('a whole image takes the same options as tiles', async () => {
  const detect = (options: DetectOptions): Promise<Detections> =>
    tiled.detect(large, { tile: null, scoreThreshold: 0, ...options });
  const all = await detect({});
  const fewer = await detect({ nmsThreshold: 0.05 });
  assert.ok(fewer.scores.length < all.scores.length, `${fewer.scores.length} of ${all.scores.length}`);
  const told: number[][] = [];
  await detect({ onProgress: (...progress) => told.push(progress) });
  assert.equal(told, [[1, 1]]);
  assert.is((await errorOf(() => detect({ signal: AbortSignal.abort(new Error('enough')) }))).message, 'enough');
  assert.equal(await detect({ overlap: 40 }), all, 'there is nothing to overlap');
});

test('a detector that resizes sees an image as a whole', async () => {
  const detector = detectorOf({ spec: resizing });
  const [whole] = await detector.model.detect([large]);
  assert.ok(whole!.scores.length > 0);
  assert.equal(await detector.detect(large, { scoreThreshold: 0 }), whole);
  detector.dispose();
});

test('what is no image is refused', async () => {
  const flat = small.pick(null, null, 0);
  assert.match((await errorOf(() => tiled.detect(flat))).message, /shape is \[64, 64\], expected \[H, W, C\]/);
});

test('the bytes of a detector hold all of it', async () => {
  const given = eagerDescription({
    classes: ['tree', 'Größe, 樹'],
    scoreThreshold: 0.1 + 0.2,
    decoding: { bands: [5, 3, 2], stretch: { low: [1, 2, 3], high: [100.5, 200, 300] } },
    tile: 192,
  });
  const detector = new Detector(eagerModel(given.spec, 2), given);
  const bytes = await detector.toBytes();
  const found = await detector.detect(small);
  assert.ok(found.scores.length > 0);
  await leavesNothing(device, async () => {
    const again = Detector.fromBytes(bytes);
    const { classes, spec, scoreThreshold, decoding, tile } = again;
    assert.equal({ classes, spec, scoreThreshold, decoding, tile }, given);
    assert.equal(await again.detect(small), found);
    assert.equal(await again.toBytes(), bytes);
    again.dispose();
  });
  assert.equal(encodeDetector(await readStateDict(detector.model.stateDict()), given), bytes);
  detector.dispose();
});

test('bytes that are no detector are refused by name, and leave nothing behind', async () => {
  const bytes = await tiled.toBytes();
  const { tensors, metadata } = decodeSafetensors(bytes);
  const withMetadata = (changed: Record<string, string>): Uint8Array =>
    encodeSafetensors(tensors, { ...metadata, ...changed });
  const without = (name: string): Uint8Array =>
    encodeSafetensors(tensors, Object.fromEntries(Object.entries(metadata).filter(([key]) => key !== name)));
  const fewer = new Map<string, HostTensor>([...tensors].slice(1));
  const [missing] = tensors.keys();
  const cases: [Uint8Array, RegExp][] = [
    [bytes.subarray(0, 5), /: not a valid safetensors file: it has 5 bytes/],
    [bytes.subarray(0, bytes.length - 4), /: not a valid safetensors file: /],
    [encodeSafetensors(tensors), /: not a detector: its metadata names no format, expected retinagrad-detector 1/],
    [withMetadata({ format: 'pt' }), /: not a detector: its metadata names pt 1/],
    [withMetadata({ version: '2' }), /: not a detector: its metadata names retinagrad-detector 2/],
    [without('description'), /: its description /],
    [withMetadata({ description: '{"classes":' }), /: its description /],
    [withMetadata({ description: '{"classes":["a"]}' }), /: its description /],
    [encodeSafetensors(fewer, metadata), new RegExp(`missing: ${missing!.replaceAll('.', '\\.')}$`, 'm')],
    [
      withMetadata({ description: metadata['description']!.replace('"square"', '"a","b"') }),
      /of another shape or type: head/,
    ],
  ];
  await leavesNothing(device, async () => {
    for (const [damaged, message] of cases) {
      const error = await errorOf(() => Detector.fromBytes(damaged, 'runs/mine/best.safetensors'));
      assert.match(error.message, /^runs\/mine\/best\.safetensors: /);
      assert.match(error.message, message);
    }
  });
  assert.match((await errorOf(() => Detector.fromBytes(bytes.subarray(0, 5)))).message, /^the detector: /);
});

test('a disposed detector holds no memory', async () => {
  await leavesNothing(device, async () => {
    const detector = detectorOf();
    await detector.detect(small);
    detector.dispose();
  });
});

test.run();
