// A convolutional network that reads digits, in the manner of tinygrad's beautiful_mnist:
//   npx tsx --conditions retinagrad-source examples/mnist/train.ts [STEPS] [FOLDER]
// STEPS are 200 unless given. FOLDER holds the four .gz files of MNIST or Fashion-MNIST; without it, digits are drawn.
import * as rg from 'retinagrad';
import { Random } from 'retinagrad/data';
import { imagesAt, labelsAt, openDigits, type Digits } from './digits.ts';

const BATCH = 128; // images in a step: enough for the statistics of batch norm
const LEARNING_RATE = 3e-3; // above Adam's usual 1e-3, because the run is short and the rate falls to 0 at its end

class Net extends rg.Module {
  readonly features = new rg.Sequential(
    new rg.Conv2d(1, 32, { kernel: 5, relu: true }), // [N, 28, 28, 1] -> [N, 24, 24, 32]
    new rg.BatchNorm2d(32),
    new rg.MaxPool2d({ kernel: 2 }), // -> [N, 12, 12, 32]
    new rg.Conv2d(32, 64, { kernel: 3, relu: true }), // -> [N, 10, 10, 64]
    new rg.BatchNorm2d(64),
    new rg.MaxPool2d({ kernel: 2 }), // -> [N, 5, 5, 64]
  );
  readonly classifier = new rg.Linear(5 * 5 * 64, 10);
  forward(images: rg.Tensor): rg.Tensor {
    return this.classifier.forward(rg.reshape(this.features.forward(images), [images.shape[0]!, 5 * 5 * 64]));
  }
}

const batch = (digits: Digits, at: number[]) => rg.tensor(imagesAt(digits, at), { shape: [at.length, 28, 28, 1] });
const [steps, folder] = [Number(process.argv[2] ?? 200), process.argv[3]];
const { train, test } = openDigits(folder);
const device = await rg.init(); // a GPU if there is one, otherwise a driver that computes on the CPU
console.log(`${device.adapter.name}: ${train.labels.length} images to train on, ${test.labels.length} to test on`);
const net = new Net();
const optimizer = new rg.Adam(net.parameters(), { lr: LEARNING_RATE });
const scheduler = new rg.Scheduler(optimizer, rg.oneCycle({ steps })); // the rate rises, then falls along a cosine
const random = new Random('batches');
for (let step = 1; step <= steps; step++) {
  const at = Array.from({ length: BATCH }, () => random.int(train.labels.length));
  const loss = rg.tidy(() => {
    const loss = rg.crossEntropy(net.forward(batch(train, at)), rg.tensor(labelsAt(train, at)));
    rg.backward(loss);
    return loss;
  });
  optimizer.step();
  optimizer.zeroGrad();
  scheduler.step();
  if (step % 25 === 0 || step === steps) console.log(`step ${step}: loss ${(await loss.item()).toFixed(3)}`);
  loss.dispose();
}

net.eval(); // batch norm now uses its running statistics, not those of the batch
let right = 0;
for (let first = 0; first < test.labels.length; first += BATCH) {
  const at = [...test.labels.keys()].slice(first, first + BATCH);
  const guesses = rg.tidy(() => rg.noGrad(() => rg.argmax(net.forward(batch(test, at)), 1)));
  right += (await guesses.data()).filter((guess, i) => guess === test.labels[first + i]).length;
  guesses.dispose();
}
console.log(`accuracy ${((100 * right) / test.labels.length).toFixed(2)} % on test images`);
