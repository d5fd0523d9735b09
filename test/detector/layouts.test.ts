// Detectors of other libraries against what PyTorch computes with their names and decisions (test/golden/golden_libraries.py).
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { RetinaNet, noGrad, retinaNetSpec, type HostTensor, type RetinaNetSpec } from '../../src/index.ts';
import { loadPretrained, openPretrained } from '../../src/detector/node/load-pretrained.ts';
import type { ByteImage } from '../../src/imagery/types.ts';
import { byteImage, rgbImage } from '../../src/imagery/image.ts';
import { floats, hashImage, hashTensor, readFixture, type Encoded } from '../golden/read.ts';
import { leavesNothing, testDevice } from '../support/device.ts';
import { temporaryFolder } from '../support/files.ts';
import { torchFile } from '../weights/pickles.ts';
import { outputsDistance, type Outputs } from './outputs.ts';

const device = await testDevice();
const root = temporaryFolder();

interface Library {
  readonly seed: number;
  readonly tensors: readonly (readonly [name: string, kind: string, shape: readonly number[]])[];
  readonly scoreThreshold: number;
  readonly losses: { readonly classification: number; readonly bbox_regression: number };
  readonly foreground: number;
  readonly outputs: { readonly logits: Outputs; readonly deltas: Outputs };
  readonly detections: { readonly boxes: Encoded; readonly scores: Encoded; readonly labels: readonly number[] };
}
const names = ['detectron2', 'mmdetection', 'pytorch-retinanet'] as const;
type Name = (typeof names)[number];
const { libraryImage, libraries } = readFixture<{
  readonly libraryImage: {
    readonly name: string;
    readonly size: readonly [number, number];
    readonly boxes: readonly number[][];
  };
  readonly libraries: Readonly<Record<Name, Library>>;
}>('layouts');
const [height, width] = libraryImage.size;
const pixels = hashImage(libraryImage.name, height, width);
const image = rgbImage(height, width, pixels);
const target = {
  boxes: Float32Array.from(libraryImage.boxes.flatMap((box) => box.slice(0, 4))),
  labels: Int32Array.from(libraryImage.boxes, (box) => box[4]!),
};

const kinds = {
  detectron2: 'Detectron2 detector',
  mmdetection: 'MMDetection detector',
  'pytorch-retinanet': 'pytorch-retinanet detector',
} as const;

/** A file of `torch.save` with the hashed weights of a library under its names. */
function fileOf(name: Name): string {
  const state = new Map<string, HostTensor>();
  for (const [tensor, kind, shape] of libraries[name].tensors) {
    const data = hashTensor(tensor + kind, shape, libraries[name].seed);
    // Colours from 0 to 255 that are not divided by a standard deviation.
    const isFirst = name === 'detectron2' && tensor.endsWith('stem.conv1.weight');
    state.set(tensor, { shape, data: isFirst ? data.map((value) => value / 64) : data });
  }
  const path = join(root, `${name}.pth`);
  writeFileSync(path, torchFile(state, name === 'detectron2' ? 'model' : 'state_dict'));
  return path;
}

/** A model with the weights of a library, that keeps the size of images. */
async function modelOf(name: Name, changes: Partial<RetinaNetSpec['transform']> = {}): Promise<RetinaNet> {
  const path = fileOf(name);
  const { spec } = await openPretrained('test', path);
  const { transform, postprocess } = spec as RetinaNetSpec;
  const { scoreThreshold } = libraries[name];
  const model = new RetinaNet(3, {
    ...(spec as RetinaNetSpec),
    transform: { ...transform, minSize: null, ...changes },
    postprocess: { ...postprocess, scoreThreshold },
  });
  const { kind, fresh, skipped, loaded } = await loadPretrained(model, path);
  const counters = libraries[name].tensors.filter(([tensor]) => tensor.endsWith('num_batches_tracked'));
  assert.is(kind, kinds[name]);
  assert.equal(skipped, []);
  assert.is(loaded.length, libraries[name].tensors.length - counters.length);
  // The moving average of Detectron2's loss is not among its weights.
  assert.equal(
    fresh.map((note) => note.name),
    name === 'detectron2' ? ['loss.normalizer'] : [],
  );
  return model;
}

/** Losses and number of foreground anchors as in the library, whose norms keep their statistics in training. */
async function checkLosses(name: Name, model: RetinaNet, input: ByteImage): Promise<void> {
  // Detectron2's norms are frozen, and its moving average moves in training.
  model.train(name === 'detectron2');
  const losses = noGrad(() => model.losses([input], [target]));
  const { losses: expected, foreground } = libraries[name];
  // pytorch-retinanet's loss of a box is a mean over its four offsets.
  const perBox = name === 'pytorch-retinanet' ? 4 : 1;
  for (const [loss, value] of [
    [losses.classification, expected.classification],
    [losses.boxRegression, expected.bbox_regression * perBox],
    [losses.foreground, foreground],
  ] as const) {
    const [found] = (await loss.data()) as Float32Array;
    assert.ok(Math.abs(found! / value - 1) < 1e-4, `${name}: ${found}, expected ${value}`);
  }
  for (const tensor of Object.values(losses)) tensor.dispose();
}

async function checkDetections(name: Name, model: RetinaNet): Promise<void> {
  const { detections } = libraries[name];
  const [found] = await model.eval().detect([image]);
  const [boxes, scores] = [floats(detections.boxes), floats(detections.scores)];
  assert.equal([...found!.labels], detections.labels, name);
  scores.forEach((score, i) => assert.ok(Math.abs(found!.scores[i]! - score) < 1e-4, `${name} score ${i}`));
  boxes.forEach((value, i) => assert.ok(Math.abs(found!.boxes[i]! - value) < 0.01, `${name} box ${i}: ${value}`));
}

for (const name of names) {
  test(`weights of ${name} give the losses and detections of ${name}`, async () => {
    await leavesNothing(device, async () => {
      const model = await modelOf(name);
      const distance = await outputsDistance(model.eval(), image, libraries[name].outputs);
      assert.ok(distance < 1e-4, `${distance}`);
      await checkLosses(name, model, image);
      await checkDetections(name, model);
      model.dispose();
    });
  });
}

const { mean, std } = retinaNetSpec('torchvision').transform;

test('weights for other colours and other numbers of bands give the same losses', async () => {
  // The fourth band is red again: of each of the two, the filters for red get half.
  const data = Uint8Array.from({ length: height * width * 4 }, (_, i) => {
    const band = i % 4;
    return pixels[((i - band) / 4) * 3 + (band % 3)]!;
  });
  const four = byteImage({ height, width, channels: 4 }, data);
  for (const name of names) {
    await leavesNothing(device, async () => {
      if (name === 'detectron2') {
        const rgb = await modelOf(name, { mean, std, channels: 'rgb', white: 1 });
        await checkLosses(name, rgb, image);
        rgb.dispose();
      }
      const bands = { mean: [...mean, mean[0]!], std: [...std, std[0]!], channels: 'rgb', white: 1 } as const;
      const multispectral = await modelOf(name, bands);
      await checkLosses(name, multispectral, four);
      multispectral.dispose();
    });
  }
});

test('the report names what became of the colours', async () => {
  const model = new RetinaNet(3, {
    ...((await openPretrained('test', fileOf('detectron2'))).spec as RetinaNetSpec),
    transform: { ...retinaNetSpec('torchvision').transform, mean: [...mean, 0.5], std: [...std, 0.2] },
  });
  const { converted, notes } = await loadPretrained(model, fileOf('detectron2'));
  assert.equal(converted, [
    {
      name: 'backbone.body.conv1.weight',
      shape: [7, 7, 4, 8],
      reason: "channels from bgr to rgb, scaled to the model's colours, from 3 bands to 4",
    },
  ]);
  assert.match(notes.join(), /inflated from 3 bands to 4/);
  model.dispose();
});

test.run();
