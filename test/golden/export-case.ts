// Writes a detector for torchvision with what this library computes with it, for check_export.py:
//   node --conditions retinagrad-source --import tsx test/golden/export-case.ts FOLDER
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { saveDetector } from '../../src/detector/node/detector-file.ts';
import { exportDetector } from '../../src/export/node/export-detector.ts';
import { retinaNetSpec } from '../../src/retinanet/spec.ts';
import { hashedDetector, hashedImage, specs } from '../export/support.ts';
import { testDevice } from '../support/device.ts';

const [, , folder] = process.argv;
if (folder === undefined) throw new Error('export-case.ts: name a folder');
const device = await testDevice();
const narrow = Object.values(specs)[0]!;
const cases = {
  narrow,
  // Groups of one to eight channels, with another eps.
  grouped: specs['group norms in the backbone']!,
  // Group norm, GIoU, P6 from C5, bottlenecks, resizing.
  second: retinaNetSpec('torchvisionV2', {
    backbone: { norm: 'frozen', normEps: 1e-3 },
    anchors: { sizes: [16, 32, 64, 128, 256].map((side) => [side, side * 1.5]) },
    boxCoder: { clamp: 0.5 },
    transform: { minSize: 200, maxSize: 300 },
    postprocess: narrow.postprocess,
  }),
};
for (const [name, spec] of Object.entries(cases)) {
  const { model, weights, description } = hashedDetector(spec);
  const file = join(folder, name, 'best.safetensors');
  saveDetector(file, weights, description);
  await exportDetector(file, { to: 'torchvision', overwrite: true });
  const { image } = hashedImage('export', 150);
  const [found] = await model.detect([image]);
  const boxes = [10, 20, 60, 90, 70, 70, 140, 120];
  const target = { boxes: Float32Array.from(boxes), labels: Int32Array.of(0, 1) };
  model.train();
  const { classification, boxRegression } = model.losses([image], [target]);
  const losses = { classification: await classification.item(), bbox_regression: await boxRegression.item() };
  const detections = { boxes: [...found!.boxes], scores: [...found!.scores], labels: [...found!.labels] };
  const expected = { image: [...(image.data as Uint8Array)], side: 150, boxes, labels: [0, 1], losses, detections };
  writeFileSync(join(folder, name, 'expected.json'), JSON.stringify(expected));
  model.dispose();
}
device.destroy();
