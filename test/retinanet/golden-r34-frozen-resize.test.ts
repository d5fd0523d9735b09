import { test } from 'uvu';
import { compareWithTorchvision } from './golden.ts';

test("retinanet-r34-frozen-resize: features, matches, losses, gradients and detections are torchvision's", async () => {
  console.log(`# largest differences: ${await compareWithTorchvision('retinanet-r34-frozen-resize')}`);
});

test.run();
