import { test } from 'uvu';
import { compareWithTorchvision } from './golden.ts';

test("retinanet-r18-frozen: features, matches, losses, gradients and detections are torchvision's", async () => {
  console.log(`# largest differences: ${await compareWithTorchvision('retinanet-r18-frozen')}`);
});

test.run();
