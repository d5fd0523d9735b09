import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { rgbImage } from '../../src/imagery/image.ts';
import { cellAnchors, makeAnchors, type Size } from '../../src/retinanet/anchors.ts';
import { decodeBox, decodeBoxes } from '../../src/retinanet/box-coder.ts';
import { postprocess, withMaximum, type Detections } from '../../src/retinanet/postprocess.ts';
import { ResNet } from '../../src/retinanet/resnet.ts';
import { RetinaNet } from '../../src/retinanet/retinanet.ts';
import { presets, retinaNetSpec, type PostprocessSpec, type PresetName } from '../../src/retinanet/spec.ts';
import { assignTargets } from '../../src/retinanet/matching-gpu.ts';
import { resizedSize, scaleBoxes, transformImages } from '../../src/retinanet/transform.ts';
import { tensor } from '../../src/tensor/create.ts';
import { tidy } from '../../src/tensor/scope.ts';
import { digest, floats, hashImage, readFixture, toNchw, type Encoded } from '../golden/read.ts';
import { assertClose } from '../support/compare.ts';
import { errorOf, leavesNothing, testDevice } from '../support/device.ts';

interface Fixture {
  readonly sizes: readonly (readonly [h: number, w: number, min: number, max: number, rh: number, rw: number])[];
  readonly images: readonly {
    readonly name: string;
    readonly size: Size;
    readonly minSize: number;
    readonly maxSize: number;
    readonly resized: Size;
    readonly boxes: Encoded;
    readonly batch: Encoded;
    readonly resizedBoxes: Encoded;
    readonly restoredBoxes: Encoded;
  }[];
  readonly anchors: {
    readonly cellAnchors: readonly (readonly (readonly number[])[])[];
    readonly cases: readonly {
      readonly size: Size;
      readonly grids: readonly Size[];
      readonly count: number;
      readonly digest: number;
      readonly first: Encoded;
    }[];
  };
  readonly coder: {
    readonly anchors: Encoded;
    readonly boxes: Encoded;
    readonly deltas: Encoded;
    readonly cases: readonly {
      readonly weights: [number, number, number, number];
      readonly encoded: Encoded;
      readonly decoded: Encoded;
    }[];
  };
  readonly nms: readonly {
    readonly name: string;
    readonly boxes: Encoded;
    readonly scores: readonly number[];
    readonly labels: readonly number[];
    readonly threshold: number;
    readonly keep: readonly number[];
  }[];
}

const device = await testDevice();
const fixture = readFixture<Fixture>('transform');
const spec = presets.torchvision;

test("resized sizes are torchvision's, which computes the scale in float32", () => {
  for (const [h, w, minSize, maxSize, rh, rw] of fixture.sizes) {
    const transform = { ...spec.transform, minSize, maxSize };
    assert.equal([...resizedSize([h, w], transform)], [rh, rw], `${h} x ${w} to ${minSize}, ${maxSize}`);
  }
  assert.equal([...resizedSize([427, 640], spec.transform)], [799, 1199]);
  assert.equal([...resizedSize([480, 640], presets.detectron2.transform)], [800, 1067]);
  assert.equal([...resizedSize([33, 44], { ...spec.transform, minSize: null })], [33, 44]);
});

for (const { name, size, minSize, maxSize, resized, boxes, batch, resizedBoxes, restoredBoxes } of fixture.images) {
  test(`image ${name} is normalised, resized and padded as in torchvision`, async () => {
    await leavesNothing(device, async () => {
      const image = rgbImage(size[0], size[1], hashImage(name, size[0], size[1]));
      const result = transformImages(device, [image], { ...spec.transform, minSize, maxSize });
      assert.equal([...result.sizes[0]!], [...resized]);
      const values = toNchw((await result.images.data()) as Float32Array, result.images.shape);
      assertClose(values, floats(batch), { tolerance: { absolute: 2e-6, relative: 2e-6 }, label: 'pixels' });
      const scaled = scaleBoxes(floats(boxes), size, resized);
      assertClose(scaled, floats(resizedBoxes), { tolerance: { relative: 1e-6 }, label: 'boxes' });
      const back = scaleBoxes(floats(resizedBoxes), resized, size);
      assertClose(back, floats(restoredBoxes), { tolerance: { relative: 1e-6 }, label: 'boxes' });
      result.images.dispose();
    });
  });
}

test('images join one batch, in the order of channels and the range that the spec names', async () => {
  const [a, b] = [
    rgbImage(
      2,
      3,
      new Uint8Array(18).map((_, i) => i * 10),
    ),
    rgbImage(4, 1, new Uint8Array(12).fill(255)),
  ];
  const transform = {
    ...presets.detectron2.transform,
    minSize: null,
    mean: [1, 2, 3],
    std: [1, 1, 1],
    padMultiple: 4,
  } as const;
  const floatsOfB = tensor(new Float32Array(12).fill(1), { shape: [4, 1, 3] });
  for (const second of [b, floatsOfB]) {
    const { images, sizes } = transformImages(device, [a, second], transform);
    assert.equal([...images.shape], [2, 4, 4, 3]);
    assert.equal(sizes, [
      [2, 3],
      [4, 1],
    ]);
    const values = await images.data();
    assert.equal([...values.subarray(0, 6)], [20 - 1, 10 - 2, 0 - 3, 50 - 1, 40 - 2, 30 - 3]);
    assert.equal([...values.subarray(9, 12)], [0, 0, 0]);
    assertClose(values.subarray(48, 51), [254, 253, 252], { tolerance: { relative: 1e-6 }, label: 'white' });
    images.dispose();
  }
  floatsOfB.dispose();
  assert.throws(() => transformImages(device, [], transform), /at least one image/);
  const grey = tensor(new Float32Array(4), { shape: [2, 2, 1] });
  assert.throws(() => transformImages(device, [grey], transform), /image 0 is \[2,2,1\], expected \[H, W, 3\]/);
  grey.dispose();
});

test("anchors are torchvision's to the bit", () => {
  fixture.anchors.cellAnchors.forEach((expected, level) => {
    assert.equal([...cellAnchors(spec.anchors.sizes[level]!, spec.anchors)], expected.flat());
  });
  for (const { size, grids, count, digest: sum, first } of fixture.anchors.cases) {
    const anchors = makeAnchors(spec.anchors, size, grids);
    assert.is(anchors.length / 4, count);
    assert.equal([...anchors.subarray(0, floats(first).length)], [...floats(first)]);
    assert.is(digest(anchors), sum, `anchors of ${size}`);
  }
});

test('other presets have unrounded anchors, other orders, strides and offsets', () => {
  const sizes = [[8, 16]];
  const ratios = [0.25, 1];
  const cell = (preset: PresetName): number[] => {
    const { anchors } = retinaNetSpec(preset, { anchors: { sizes, ratios } });
    return [...makeAnchors(anchors, [20, 20], [[2, 2]])].slice(0, 16);
  };
  assert.equal(cell('mmdetection'), [-8, -2, 8, 2, -16, -4, 16, 4, -4, -4, 4, 4, -8, -8, 8, 8]);
  assert.equal(cell('detectron2'), [-8, -2, 8, 2, -4, -4, 4, 4, -16, -4, 16, 4, -8, -8, 8, 8]);
  assert.equal(cell('paper').slice(0, 4), [-4, 2, 12, 6]);
  const second = (preset: PresetName): number =>
    makeAnchors(retinaNetSpec(preset, { anchors: { sizes, ratios } }).anchors, [20, 20], [[2, 2]])[16]!;
  assert.is(second('torchvision') - cell('torchvision')[0]!, 10);
  assert.is(second('mmdetection') - cell('mmdetection')[0]!, 8);
});

test("offsets are encoded and decoded as torchvision's BoxCoder does", async () => {
  await leavesNothing(device, async () => {
    const { anchors, boxes, deltas, cases } = fixture.coder;
    const [a, b, d] = [floats(anchors), floats(boxes), floats(deltas)];
    const count = a.length / 4;
    for (const { weights, encoded, decoded } of cases) {
      const coder = { ...spec.boxCoder, weights };
      // Centres near 100 are rounded to 4e-6 pixels before they are subtracted, which is what the tolerance allows.
      // Each anchor alone with its box, so that whatever they overlap they are matched: both thresholds at 0.
      for (let i = 0; i < count; i++) {
        const one = tensor(a.subarray(i * 4, i * 4 + 4), { shape: [1, 4] });
        const target = { boxes: b.slice(i * 4, i * 4 + 4), labels: Int32Array.of(0) };
        const result = assignTargets(one, [target], 1, { ...spec.matcher, high: 0, low: 0 }, coder);
        const expected = floats(encoded).subarray(i * 4, i * 4 + 4);
        assertClose(await result.deltas.data(), expected, {
          tolerance: { relative: 1e-5, absolute: 4e-6 },
          label: 'encoded',
        });
        for (const t of [one, result.deltas, result.boxes, result.labels, result.matches]) t.dispose();
      }
      const expected = floats(decoded);
      const tolerance = { relative: 2e-6, largest: 2e-6 };
      const host = Float32Array.from({ length: count }, (_, i) => i).reduce<number[]>(
        (all, i) => [...all, ...decodeBox(d, i, a, i, coder)],
        [],
      );
      assertClose(host, expected, { tolerance, label: 'decoded on the host' });
      const gpu = tidy(() => decodeBoxes(tensor(d, { shape: [1, count, 4] }), tensor(a, { shape: [count, 4] }), coder));
      assertClose(await gpu.data(), expected, { tolerance, label: 'decoded on the GPU' });
      gpu.dispose();
    }
  });
});

for (const { name, boxes, scores, labels, threshold, keep } of fixture.nms) {
  test(`suppression: ${name}`, () => {
    const values = floats(boxes);
    const count = scores.length;
    const classes = Math.max(0, ...labels) + 1;
    const logits = new Float32Array(count * classes).fill(-100);
    scores.forEach((score, i) => (logits[i * classes + labels[i]!] = Math.log(score / (1 - score))));
    // Anchors that are the boxes themselves, with no offsets.
    const found = postprocess(
      { logits, deltas: new Float32Array(count * 4), anchors: values, classes, levels: [count], size: [1e4, 1e4] },
      { ...spec.postprocess, nmsThreshold: threshold, scoreThreshold: 0.001 },
      spec.boxCoder,
    );
    assert.equal(
      [...found.labels],
      keep.map((i) => labels[i]),
    );
    assertClose(
      found.scores,
      keep.map((i) => scores[i]!),
      { tolerance: { relative: 1e-6 }, label: 'scores' },
    );
  });
}

test('a maximum of detections omits the lowest scores and says so; a larger one has more candidates', () => {
  const count = 1500;
  // Boxes apart, each its own anchor, with falling scores.
  const boxes = Float32Array.from(Array.from({ length: count }, (_, i) => [20 * i, 0, 20 * i + 10, 10]).flat());
  const logits = Float32Array.from({ length: count }, (_, i) => 2 - i / 1000);
  const raw = { logits, deltas: new Float32Array(count * 4), anchors: boxes, classes: 1, levels: [count] };
  const detect = (postprocessing: PostprocessSpec): Detections =>
    postprocess({ ...raw, size: [20, 20 * count] }, postprocessing, spec.boxCoder);
  const few = detect(spec.postprocess);
  assert.is(few.scores.length, 300);
  assert.is(few.omitted?.length, spec.postprocess.topK - 300);
  assert.ok(few.omitted!.every((score) => score < few.scores.at(-1)!));
  const all = detect(withMaximum(spec.postprocess, count));
  assert.is(all.scores.length, count);
  assert.is(all.omitted, undefined);
  assert.equal(withMaximum(spec.postprocess, 20), { ...spec.postprocess, maxDetections: 20 });
  assert.throws(() => withMaximum(spec.postprocess, 0), /detect: maxDetections is 0, expected an integer >= 1/);
});

test('an unknown preset is refused with the list of presets', () => {
  assert.throws(
    () => retinaNetSpec('yolo' as PresetName),
    /preset is "yolo", expected one of torchvision, torchvisionV2, detectron2/,
  );
});

test('what is misspelt or makes no sense is refused', async () => {
  const overrides =
    (value: object): (() => unknown) =>
    () =>
      retinaNetSpec('torchvision', value);
  assert.throws(
    () => retinaNetSpec('yolo' as PresetName),
    /preset is "yolo", expected one of torchvision, torchvisionV2/,
  );
  assert.throws(overrides({ bakbone: { depth: 18 } }), /a section is "bakbone", expected one of backbone, pyramid/);
  assert.throws(overrides({ backbone: { dept: 18 } }), /a field of backbone is "dept", expected one of depth, width/);
  const deep = retinaNetSpec('torchvision', { backbone: { depth: 20 as 18 } });
  assert.throws(() => new ResNet(deep.backbone), /depth is "20", expected one of 18, 34, 50, 101/);
  const narrow = (): unknown => transformImages(device, [rgbImage(1, 2000)], presets.torchvision.transform);
  assert.throws(narrow, /image 0 is \[1,2000,3\], too narrow for sides from 800 to 1333: it would become \[0,/);
});

test('detect refuses training mode and NaN', async () => {
  const spec = retinaNetSpec('torchvision', {
    backbone: { depth: 18, width: 4, norm: 'batch' },
    pyramid: { channels: 4 },
    head: { channels: 4, convs: 1 },
    transform: { minSize: null },
  });
  await leavesNothing(device, async () => {
    const model = new RetinaNet(1, spec);
    assert.match(
      (await errorOf(() => model.detect([rgbImage(32, 32)]))).message,
      /training mode; call model.eval\(\) first/,
    );
    model.eval();
    assert.is((await model.detect([rgbImage(32, 32)])).length, 1);
    const broken = tensor(new Float32Array(32 * 32 * 3).fill(NaN), { shape: [32, 32, 3] });
    assert.match((await errorOf(() => model.detect([broken]))).message, /the network gave NaN/);
    broken.dispose();
    model.dispose();
  });
});

test.run();
