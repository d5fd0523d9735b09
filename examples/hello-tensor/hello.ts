// Tensors, gradients and an optimiser in about fifty lines. STEPS of the optimiser are 40 unless given:
//   npx tsx --conditions retinagrad-source examples/hello-tensor/hello.ts [STEPS]
import { backward, conv2d, init, Linear, matmul, mul, randn, SGD, square, sub, sum, tensor, tidy } from 'retinagrad';

const device = await init(); // a GPU if there is one, otherwise a driver that computes on the CPU
console.log(`adapter   ${device.adapter.name}`);

// 1. A tensor is an array of numbers in GPU memory. Operations are functions that only queue work; `data()` waits for
//    the result and copies it to JavaScript.
const rows = tensor([1, 2, 3, 4, 5, 6], { shape: [2, 3] }); // row by row: 1, 2, 3 is the first one
const row = tensor([10, 20, 30]); // [3] is broadcast to [2, 3]: shapes are aligned at their last axis, as in NumPy
const scaled = mul(rows, row); // [2, 3]: column 0 times 10, column 1 times 20, column 2 times 30
console.log(`broadcast [${scaled.shape}]: ${[...(await scaled.data())]}`);
for (const used of [rows, row, scaled]) used.dispose(); // GPU memory is not garbage-collected: free what you made

// 2. `tidy` disposes of everything made inside it except what it returns, so intermediate results need no names.
//    Images are NHWC (batch, rows, columns, channels) and filters HWIO (rows, columns, channels in, channels out).
const edges = tidy(() => {
  const image = tensor([0, 0, 1, 1, 0, 0, 1, 1, 0, 0, 1, 1], { shape: [1, 3, 4, 1] }); // dark left, bright right
  const filter = tensor([-1, 0, 1, -1, 0, 1, -1, 0, 1], { shape: [3, 3, 1, 1] }); // right neighbours minus left ones
  return conv2d(image, filter, null, { padding: [0, 1] }); // [1, 1, 4, 1]: zeros are added on the left and right only
});
console.log(`edges     [${edges.shape}]: ${[...(await edges.data())]}`); // 3 at the edge; -3 where the padding begins
edges.dispose();

// 3. Gradients: operations on a tensor with `requiresGrad` are recorded, and `backward` walks the record in reverse.
//    For y = sum of (w x)^2 the derivative by hand is 2 w x^2. With w = 4, 5, 6 and x = 1, 2, 3 that is 2·4·1 = 8,
//    2·5·4 = 40 and 2·6·9 = 108.
const w = tensor([4, 5, 6], { requiresGrad: true });
tidy(() => backward(sum(square(mul(w, tensor([1, 2, 3]))))));
console.log(`gradient  [${w.grad!.shape}]: ${[...(await w.grad!.data())]}`);
w.dispose(); // its gradient goes with it

// 4. Fitting: 64 noisy points on the plane y = 2 a - 3 b - 0.5, and a linear layer that recovers the three numbers.
const inputs = randn([64, 2], { seed: 1 });
const noise = randn([64, 1], { seed: 2 });
const targets = tidy(() => sub(sub(matmul(inputs, tensor([[2], [-3]])), 0.5), mul(noise, 0.05))); // [64, 1]
const layer = new Linear(2, 1); // [64, 2] -> [64, 1]; `manualSeed` chooses other initial weights
const optimizer = new SGD(layer.parameters(), { lr: 0.002, momentum: 0.5 });
const steps = Number(process.argv[2] ?? 40);
for (let step = 0; step <= steps; step++) {
  const loss = tidy(() => {
    const loss = sum(square(sub(layer.forward(inputs), targets))); // a scalar: the squared errors of all points
    backward(loss); // fills `grad` of the layer's weight and bias
    return loss;
  });
  optimizer.step(); // moves the parameters against their gradients, in place
  optimizer.zeroGrad(); // `backward` adds to gradients, so clear them before the next step
  if (step % 10 === 0) console.log(`step ${step}`.padEnd(9), `loss ${(await loss.item()).toFixed(4)}`); // waits for it
  loss.dispose();
}
const found = [...(await layer.weight.data()), ...(await layer.bias!.data())].map((value) => value.toFixed(2));
console.log(`plane     y = ${found[0]} a + ${found[1]} b + ${found[2]}`);
for (const used of [inputs, noise, targets, layer, optimizer]) used.dispose();
console.log(`memory    ${device.memory().tensors} tensors left`); // a number that grows in a loop is a leak
