// ONNX files in onnxruntime against this library: the outputs of the network, boxes, and detections.
import * as ort from 'onnxruntime-web';
import { PbfReader } from 'pbf';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Detections } from '../../src/imagery/types.ts';
import { exportOnnx, type OnnxOptions } from '../../src/export/onnx/export-onnx.ts';
import { noGrad } from '../../src/autograd/tape.ts';
import { decodeBox } from '../../src/retinanet/box-coder.ts';
import { transformImages } from '../../src/retinanet/transform.ts';
import { tidy } from '../../src/tensor/scope.ts';
import { testDevice } from '../support/device.ts';
import { deepness, geoDeep, geoLibre, type ReadObject } from './gis-readers.ts';
import { hashedDetector, hashedImage, specs } from './support.ts';

const device = await testDevice();
const side = 150;

/** Runs a file in onnxruntime. */
async function run(
  bytes: Uint8Array,
  planes: Float32Array,
  tile: number,
): Promise<ort.InferenceSession.OnnxValueMapType> {
  const session = await ort.InferenceSession.create(bytes, { executionProviders: ['wasm'], logSeverityLevel: 3 });
  assert.equal(session.inputNames, ['images']);
  return session.run({ images: new ort.Tensor('float32', planes, [1, planes.length / tile ** 2, tile, tile]) });
}

const floats = (value: unknown): Float32Array => (value as ort.Tensor).data as Float32Array;

/** The largest difference in proportion to the largest value. */
function distance(actual: Float32Array, expected: Float32Array): number {
  assert.is(actual.length, expected.length);
  const largest = expected.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  return actual.reduce((most, value, i) => Math.max(most, Math.abs(value - expected[i]!)), 0) / largest;
}

for (const [name, spec] of Object.entries(specs)) {
  const { model, weights, description } = hashedDetector(spec);
  const { image, planes } = hashedImage('onnx', side, spec.transform.mean.length);
  const exported = (options: OnnxOptions): Uint8Array =>
    exportOnnx(weights, description, { tile: side, ...options }).bytes;

  test(`${name}: raw outputs are those of the network`, async () => {
    const outputs = await run(exported({ form: 'raw' }), planes, side);
    const ours = noGrad(() =>
      tidy(() => {
        const batch = transformImages(device, [image], spec.transform);
        const { logits, deltas } = model.forward(batch.images);
        return { logits, deltas, anchors: model.anchors(batch).host };
      }),
    );
    assert.equal(outputs['logits']!.dims, ours.logits.shape);
    assert.equal(floats(outputs['anchors']), ours.anchors);
    for (const key of ['logits', 'deltas'] as const) {
      const error = distance(floats(outputs[key]), (await ours[key].data()) as Float32Array);
      console.log(`# ${key}: ${error.toExponential(1)} of the largest value`);
      assert.ok(error < 1e-4, `${key}: ${error}`);
    }
  });

  test(`${name}: detections with suppression inside are those of the detector`, async () => {
    const outputs = await run(exported({ form: 'suppressed' }), planes, side);
    const [found] = await model.detect([image]);
    assert.ok(found!.scores.length > 10, `${found!.scores.length} detections`);
    // Those outside of the image are dropped after suppression.
    if (spec.postprocess.clip === 'after-nms') assert.ok(found!.scores.length < spec.postprocess.maxDetections);
    const labels = Int32Array.from(outputs['labels']!.data as BigInt64Array, Number);
    sameDetections({ boxes: floats(outputs['boxes']), scores: floats(outputs['scores']), labels }, found!);
  });
}

test('boxes without suppression are those of the best anchors, in pixels of the input', async () => {
  for (const [name, spec] of Object.entries(specs)) {
    const { weights, description } = hashedDetector(spec);
    const { planes } = hashedImage('onnx', side, spec.transform.mean.length);
    const outputs = await run(exportOnnx(weights, description, { tile: side }).bytes, planes, side);
    const raw = await run(exportOnnx(weights, description, { tile: side, form: 'raw' }).bytes, planes, side);
    const [logits, deltas, anchors] = [floats(raw['logits']), floats(raw['deltas']), floats(raw['anchors'])];
    const best = Array.from({ length: anchors.length / 4 }, (_, i) => i).sort(
      (a, b) => Math.max(logits[2 * b]!, logits[2 * b + 1]!) - Math.max(logits[2 * a]!, logits[2 * a + 1]!),
    );
    const [, rows, count] = outputs['output0']!.dims as [number, number, number];
    assert.is(rows, 6);
    const resized = spec.transform.minSize ?? side;
    const inside = (value: number): number =>
      spec.postprocess.clip === 'before-nms' ? Math.min(Math.max(value, 0), resized) : value;
    const values = floats(outputs['output0']);
    for (let k = 0; k < count; k++) {
      const column = Array.from({ length: 6 }, (_, row) => values[row * count + k]!);
      const box = decodeBox(deltas, best[k]!, anchors, best[k]!, spec.boxCoder).map(
        (v) => (inside(v) * side) / resized,
      );
      const [x1, y1, x2, y2] = box as [number, number, number, number];
      const expected = [(x1 + x2) / 2, (y1 + y2) / 2, x2 - x1, y2 - y1];
      for (const [i, value] of expected.entries()) {
        assert.ok(Math.abs(column[i]! - value) < 0.01, `${name}: box ${k}: ${column}, expected ${expected}`);
      }
      for (const label of [0, 1]) {
        const score = 1 / (1 + Math.exp(-logits[2 * best[k]! + label]!));
        assert.ok(Math.abs(column[4 + label]! - score) < 1e-5, `${name}: score ${k}`);
      }
    }
  }
});

test('three GIS tools find the objects of the detector', async () => {
  const [spec] = Object.values(specs);
  const { model, weights, description } = hashedDetector(spec!);
  for (const tile of [96, 150]) {
    const { image, planes } = hashedImage('gis', tile);
    const { bytes } = exportOnnx(weights, description, { tile });
    const { output0 } = await run(bytes, planes, tile);
    const output = { dims: output0!.dims, data: floats(output0) };
    const metadata = metadataOf(bytes);
    const all = (await model.detect([image], { maxDetections: 1000 }))[0]!;
    const readers = { deepness, geoDeep, geoLibre };
    for (const [tool, read] of Object.entries(readers)) {
      const found = read(output, metadata, tile);
      assert.ok(found.length > 0, tool);
      // The best of each tool is the detector's best; GeoDeep knows only the first class.
      const expected = tool === 'geoDeep' ? all.labels.indexOf(0) : 0;
      assert.ok(
        found.some(({ box }) => isSame(box, all.boxes.subarray(4 * expected))),
        tool,
      );
      assert.ok(found.every(({ score }: ReadObject) => score >= description.scoreThreshold));
      const labels = new Set(found.map(({ name }) => name));
      assert.ok(
        [...labels].every((label) => description.classes.includes(label)),
        `${tool}: ${[...labels]}`,
      );
    }
  }
});

test('the file names its opset, its IR version and what GIS tools need to know', () => {
  const { weights, description } = hashedDetector(Object.values(specs)[0]!);
  const { bytes, notes } = exportOnnx(weights, description);
  const metadata = metadataOf(bytes);
  assert.equal(Object.fromEntries([...metadata].map(([key, value]) => [key, JSON.parse(value)])), {
    model_type: 'Detector',
    det_type: 'YOLO_v9',
    class_names: { 0: 'house', 1: "farmer's tree" },
    names: { 0: 'house', 1: "farmer's tree" },
    resolution: 30,
    tile_size: 160,
    tiles_size: 160,
    tiles_overlap: 20,
    det_conf: 0.4,
    det_iou_thresh: 0.5,
  });
  const versions = new PbfReader(bytes).readFields<{ ir?: number; opset?: number }>((tag, result, pbf) => {
    if (tag === 1) result.ir = pbf.readVarint();
    if (tag === 8)
      result.opset = pbf.readMessage((tag, inner: { opset?: number }, p) => {
        if (tag === 2) inner.opset = p.readVarint();
      }, {}).opset!;
  }, {});
  assert.equal(versions, { ir: 7, opset: 13 });
  assert.equal(notes.length, 1); // GeoDeep and the second class.
  const unknown = exportOnnx(weights, { ...description, decoding: {} });
  assert.match(unknown.notes[0]!, /give the resolution/);
  assert.not.ok(metadataOf(unknown.bytes).has('resolution'));
  assert.is(metadataOf(exportOnnx(weights, description, { resolution: 12.5 }).bytes).get('resolution'), '12.5');
});

test('where nothing is found, the outputs are empty', async () => {
  for (const spec of Object.values(specs)) {
    const { weights, description } = hashedDetector(spec);
    const postprocess = { ...spec.postprocess, scoreThreshold: 0.9999999 };
    const options = { tile: 64, form: 'suppressed' } as const;
    const { bytes } = exportOnnx(weights, { ...description, spec: { ...spec, postprocess } }, options);
    const channels = spec.transform.mean.length;
    const outputs = await run(bytes, hashedImage('empty', 64, channels).planes, 64);
    assert.equal([outputs['boxes']!.dims, outputs['labels']!.dims, outputs['scores']!.dims], [[0, 4], [0], [0]]);
  }
});

test('many classes, with names of any characters', async () => {
  const classes = Array.from({ length: 80 }, (_, i) => `class ${i} "é'\\ \u{1f33a}\n`);
  const { model, weights, description } = hashedDetector(Object.values(specs)[0]!, classes);
  const { image, planes } = hashedImage('onnx', side);
  const { bytes } = exportOnnx(weights, description, { tile: side });
  assert.equal(Object.values(JSON.parse(metadataOf(bytes).get('class_names')!) as object), classes);
  const { output0 } = await run(bytes, planes, side);
  assert.is(output0!.dims[1], 84);
  const [found] = await model.detect([image]);
  assert.ok(new Set(found!.labels).size > 3);
  const outputs = await run(exportOnnx(weights, description, { tile: side, form: 'suppressed' }).bytes, planes, side);
  const labels = Int32Array.from(outputs['labels']!.data as BigInt64Array, Number);
  sameDetections({ boxes: floats(outputs['boxes']), scores: floats(outputs['scores']), labels }, found!);
});

test('bands and stretched levels, which the file cannot hold, are said', () => {
  const { weights, description } = hashedDetector(specs['four bands with a normalisation of their own']!);
  const decoding = { groundResolution: 0.3, bands: [5, 3, 2, 7], stretch: { low: [0, 0, 0, 0], high: [9, 9, 9, 9] } };
  const { notes } = exportOnnx(weights, { ...description, decoding });
  assert.match(notes.join('\n'), /stretched to 8 bits/);
  assert.match(notes.join('\n'), 'the channels of the input are the bands 5, 3, 2, 7 of the training images');
  assert.match(notes.join('\n'), 'the input has 4 channels: GeoDeep, WebODM and GeoLibre expect 3');
});

test('a tile that the detector was not trained on is refused', () => {
  const { weights, description } = hashedDetector(Object.values(specs)[0]!);
  assert.throws(
    () => exportOnnx(weights, description, { tile: 320 }),
    'tile is 320, expected an integer from 32 to 160',
  );
  assert.throws(
    () => exportOnnx(new Map([...weights].slice(1)), description),
    'the weights have no backbone.body.conv1',
  );
});

/** The metadata of a file, as its bytes have it. */
function metadataOf(bytes: Uint8Array): Map<string, string> {
  return new PbfReader(bytes).readFields<Map<string, string>>((tag, result, pbf) => {
    if (tag !== 14) return;
    const pair = pbf.readMessage((tag, list: string[], p) => void (list[tag - 1] = p.readString()), []);
    result.set(pair[0]!, pair[1]!);
  }, new Map());
}

/** Whether corners differ by less than a hundredth of a pixel. Clipped boxes may have no area, and so no IoU. */
const isSame = (a: ArrayLike<number>, b: ArrayLike<number>): boolean =>
  [0, 1, 2, 3].every((i) => Math.abs(a[i]! - b[i]!) < 0.01);

/**
 * The same boxes, labels and scores; neighbours whose scores are as good as equal may change places. Boxes that clipping left
 * without an area are not expected: predictions are written without them.
 */
function sameDetections(actual: Detections, { boxes, scores, labels }: Detections): void {
  const hasArea = (i: number): boolean => boxes[4 * i + 2]! > boxes[4 * i]! && boxes[4 * i + 3]! > boxes[4 * i + 1]!;
  const expected = [...scores.keys()].filter(hasArea);
  assert.is(actual.scores.length, expected.length, 'number of detections');
  for (const i of expected) {
    const score = scores[i]!;
    const match = [...actual.scores.keys()].find(
      (k) =>
        Math.abs(actual.scores[k]! - score) < 1e-4 &&
        actual.labels[k] === labels[i] &&
        isSame(actual.boxes.subarray(4 * k), boxes.subarray(4 * i)),
    );
    assert.ok(match !== undefined, `detection ${i}: ${boxes.subarray(4 * i, 4 * i + 4)} ${score}`);
  }
}

test.run();
