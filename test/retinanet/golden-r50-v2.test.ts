import { test } from 'uvu';
import { compareWithTorchvision } from './golden.ts';

test("retinanet-r50-v2: features, matches, losses, gradients and detections are torchvision's", async () => {
  console.log(`# largest differences: ${await compareWithTorchvision('retinanet-r50-v2')}`);
});

test.run();
