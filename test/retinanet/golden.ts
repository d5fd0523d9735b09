import * as assert from 'uvu/assert';
import { add } from '../../src/autograd/ops/binary.ts';
import { backward } from '../../src/autograd/tape.ts';
import { loadTorchvisionStateDict, toTorchvisionStateDict } from '../../src/weights/torchvision.ts';
import type { HostTensor } from '../../src/nn/module.ts';
import { assignTargets } from '../../src/retinanet/matching-gpu.ts';
import type { Target } from '../../src/retinanet/targets.ts';
import type { Detections } from '../../src/retinanet/postprocess.ts';
import { RetinaNet } from '../../src/retinanet/retinanet.ts';
import { retinaNetSpec } from '../../src/retinanet/spec.ts';
import { transformImages, transformTargets } from '../../src/retinanet/transform.ts';
import { rgbImage } from '../../src/imagery/image.ts';
import { keep, tidy } from '../../src/tensor/scope.ts';
import type { Tensor } from '../../src/tensor/tensor.ts';
import { assertClose } from '../support/compare.ts';
import { testDevice } from '../support/device.ts';
import {
  digest,
  expandRuns,
  floats,
  hashImage,
  hashTensor,
  readFixture,
  samplePositions,
  toNchw,
  type Encoded,
} from '../golden/read.ts';

/** Part of a tensor that torch computed: its size and some of its values. */
interface Summary {
  readonly name: string;
  readonly shape: readonly number[];
  readonly absmax: number;
  readonly l2: number;
  readonly samples: string;
  /** Largest difference between torch's float32 and float64 values, in proportion to `absmax`. */
  readonly noise: number;
  readonly l2Noise: number;
}

interface Fixture {
  readonly case: {
    readonly backbone: 'resnet18' | 'resnet34' | 'resnet50';
    readonly norm: 'batch' | 'frozen';
    readonly version: 1 | 2;
    readonly classes: number;
    readonly seed: number;
    readonly minSize: number;
    readonly maxSize: number;
    readonly topkCandidates: number;
    readonly detectionsPerImage: number;
    readonly scoreThreshold: number;
  };
  readonly stateDict: { readonly tensors: readonly (readonly [string, readonly number[]])[] };
  readonly batchShape: readonly [number, number, number, number];
  readonly anchors: { readonly count: number; readonly digest: number };
  readonly images: readonly {
    readonly name: string;
    readonly size: readonly [number, number];
    readonly boxes: readonly (readonly number[])[];
    readonly labels: readonly number[];
    readonly resized: readonly [number, number];
    readonly resizedBoxes: Encoded;
    readonly matched: readonly number[];
    readonly detections: {
      readonly boxes: Encoded;
      readonly scores: Encoded;
      readonly labels: readonly number[];
      readonly minScoreGap: number;
    };
  }[];
  readonly losses: {
    readonly classification: { readonly value: number };
    readonly bbox_regression: { readonly value: number };
  };
  readonly features: readonly Summary[];
  readonly outputs: readonly Summary[];
  readonly gradients: readonly Summary[];
  readonly buffers: readonly Summary[];
}

/** What is allowed, in proportion to a tensor's largest value, or relative. */
const FEATURES = 1e-4;
const LOSSES = 1e-5;
const GRADIENTS = 1e-3;
const GRADIENT_NORMS = 1e-4;

/**
 * Compares a whole training pass and detection with torchvision's, for the model and the inputs that a fixture names.
 *
 * @returns the largest deviations found, for reports
 */
export async function compareWithTorchvision(name: string): Promise<string> {
  const device = await testDevice();
  const fixture = readFixture<Fixture>(name);
  const { case: model, images } = fixture;
  const spec = retinaNetSpec(model.version === 1 ? 'torchvision' : 'torchvisionV2', {
    backbone: { depth: Number(model.backbone.slice(6)) as 18 | 34 | 50, norm: model.norm },
    transform: { minSize: model.minSize, maxSize: model.maxSize },
    postprocess: {
      topK: model.topkCandidates,
      maxDetections: model.detectionsPerImage,
      scoreThreshold: model.scoreThreshold,
    },
  });
  const net = new RetinaNet(model.classes, spec);
  const state = new Map<string, HostTensor>();
  for (const [key, shape] of fixture.stateDict.tensors) {
    state.set(key, { shape, data: hashTensor(key, shape, model.seed) });
  }
  loadTorchvisionStateDict(net, state);
  const inputs = images.map(({ name, size: [h, w] }) => rgbImage(h, w, hashImage(name, h, w)));
  const targets: Target[] = images.map(({ boxes, labels }) => ({
    boxes: Float32Array.from(boxes.flat()),
    labels: Int32Array.from(labels),
  }));
  const worst: Record<string, number> = {};
  const note = (what: string, value: number): void => void (worst[what] = Math.max(worst[what] ?? 0, value));

  // Training: transform, features, matches, losses, gradients, running statistics.
  net.train();
  const batch = transformImages(device, inputs, spec.transform);
  const [n, c, h, w] = fixture.batchShape;
  assert.equal([...batch.images.shape], [n, h, w, c]);
  const resizedTargets = transformTargets(targets, batch);
  images.forEach(({ resized, resizedBoxes }, i) => {
    assert.equal([...batch.sizes[i]!], [...resized]);
    assertClose(resizedTargets[i]!.boxes, floats(resizedBoxes), {
      tolerance: { relative: 1e-6 },
      label: 'resized boxes',
    });
  });
  const pass = tidy(() => {
    const output = net.forward(batch.images);
    const anchors = net.anchors(batch);
    const assignment = assignTargets(anchors.gpu, resizedTargets, model.classes, spec.matcher, spec.boxCoder);
    const losses = net.loss.forward(output, anchors.gpu, assignment);
    return { output, anchors: anchors.host, assignment, losses };
  });
  batch.images.dispose();
  assert.is(pass.anchors.length / 4, fixture.anchors.count);
  assert.is(digest(pass.anchors), fixture.anchors.digest);

  const { features, pyramid, logits, deltas } = pass.output;
  for (const [summary, tensor] of zip(fixture.features, [...features, ...pyramid])) {
    const values = toNchw((await tensor.data()) as Float32Array, tensor.shape);
    note('features', checkSummary(summary, values, FEATURES));
  }
  for (const [summary, tensor] of zip(fixture.outputs, [logits, deltas])) {
    note('outputs', checkSummary(summary, (await tensor.data()) as Float32Array, FEATURES));
  }
  const matches = await pass.assignment.matches.data();
  images.forEach(({ matched }, i) => {
    const count = fixture.anchors.count;
    assert.equal([...matches.subarray(i * count, (i + 1) * count)], [...expandRuns(matched)], `matches of image ${i}`);
  });
  for (const [loss, { value }] of [
    [pass.losses.classification, fixture.losses.classification],
    [pass.losses.boxRegression, fixture.losses.bbox_regression],
  ] as const) {
    const relative = Math.abs((await loss.item()) - value) / Math.abs(value);
    note('losses', relative);
    assert.ok(relative <= LOSSES, `loss ${await loss.item()}, expected ${value}`);
  }
  tidy(() => backward(add(pass.losses.classification, pass.losses.boxRegression)));
  for (const tensor of tensorsOf(pass)) tensor.dispose();
  const gradients = new Map<string, HostTensor>();
  for (const [key, parameter] of net.namedParameters()) {
    if (parameter.grad === null) throw new Error(`${key} has no gradient`);
    gradients.set(key, { shape: parameter.shape, data: (await parameter.grad.data()) as Float32Array });
  }
  const torchGradients = toTorchvisionStateDict(gradients);
  assert.equal([...torchGradients.keys()].sort(), fixture.gradients.map((g) => g.name).sort());
  for (const summary of fixture.gradients) {
    const { data } = torchGradients.get(summary.name)!;
    note('gradients', checkSummary(summary, data, GRADIENTS));
    const relative = Math.abs(norm(data) - summary.l2) / summary.l2;
    note('gradient norms', relative);
    assert.ok(relative <= GRADIENT_NORMS, `norm of the gradient of ${summary.name}: off by ${relative}`);
  }
  const buffers = new Map<string, HostTensor>();
  for (const [key, buffer] of net.namedBuffers()) {
    buffers.set(key, { shape: buffer.shape, data: (await buffer.data()) as Float32Array });
  }
  for (const summary of fixture.buffers) {
    note(
      'running statistics',
      checkSummary(summary, toTorchvisionStateDict(buffers).get(summary.name)!.data, FEATURES),
    );
  }

  // Detection, from the same weights.
  loadTorchvisionStateDict(net, state);
  net.eval();
  const found = await net.detect(inputs);
  images.forEach(({ detections }, i) => note('detections', compareDetections(found[i]!, detections)));
  net.dispose();
  return Object.entries(worst)
    .map(([what, value]) => `${what} ${value.toExponential(1)}`)
    .join(', ');
}

/** Compares sampled values with torch's; returns the largest difference in proportion to the largest value. */
function checkSummary({ name, shape, absmax, samples }: Summary, data: Float32Array, tolerance: number): number {
  const expected = floats(samples);
  assert.is(
    data.length,
    shape.reduce((a, b) => a * b, 1),
    `size of ${name}`,
  );
  let worst = 0;
  samplePositions(name, data.length, expected.length).forEach((position, i) => {
    const error = Math.abs(data[position]! - expected[i]!) / absmax;
    worst = Math.max(worst, error);
    assert.ok(
      error <= tolerance,
      `${name} at ${position}: got ${data[position]}, expected ${expected[i]} (largest ${absmax})`,
    );
  });
  return worst;
}

/** The same boxes and labels in the same order, except among detections whose scores are as good as equal. */
function compareDetections(actual: Detections, expected: Fixture['images'][number]['detections']): number {
  const [boxes, scores] = [floats(expected.boxes), floats(expected.scores)];
  assert.is(actual.scores.length, scores.length, 'number of detections');
  assertClose(actual.scores, scores, { tolerance: { absolute: 1e-5 }, label: 'scores' });
  const same = (i: number, j: number): boolean =>
    actual.labels[i] === expected.labels[j] &&
    [0, 1, 2, 3].every((k) => Math.abs(actual.boxes[i * 4 + k]! - boxes[j * 4 + k]!) < 0.01);
  let worst = 0;
  scores.forEach((score, i) => {
    const near = [...scores.keys()].filter((j) => Math.abs(scores[j]! - score) < 1e-5);
    const match = near.find((j) => same(i, j));
    assert.ok(match !== undefined, `detection ${i}: ${actual.boxes.subarray(i * 4, i * 4 + 4)} is not torchvision's`);
    for (let k = 0; k < 4; k++) worst = Math.max(worst, Math.abs(actual.boxes[i * 4 + k]! - boxes[match * 4 + k]!));
  });
  return worst;
}

function norm(data: Float32Array): number {
  return Math.sqrt(data.reduce((sum, value) => sum + value * value, 0));
}

function zip<A, B>(a: readonly A[], b: readonly B[]): [A, B][] {
  assert.is(a.length, b.length);
  return a.map((item, i) => [item, b[i]!]);
}

function* tensorsOf(value: unknown): Generator<Tensor> {
  if (value === null || typeof value !== 'object' || ArrayBuffer.isView(value)) return;
  if ('storage' in value) yield keep(value as Tensor);
  else for (const item of Object.values(value)) yield* tensorsOf(item);
}
