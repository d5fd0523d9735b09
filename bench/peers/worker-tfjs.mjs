import { browserLike } from './dawn.mjs';
import { detections } from './detections.ts';
import { lossWeights, PROBED, retinaNet } from './retinanet.ts';
import { serve } from './worker.mjs';

const { adapter, peakBytes } = await browserLike();
// The library looks for a GPU while it loads.
const { default: tf } = await import('@tensorflow/tfjs');
await import('@tensorflow/tfjs-backend-webgpu');
if (!(await tf.setBackend('webgpu'))) throw new Error('the WebGPU backend did not start');
tf.enableProdMode();
const backend = tf.backend();

/** TensorFlow.js holds back up to 15 dispatches. */
async function finish() {
  if (backend.commandEncoder !== null) {
    backend.endComputePassEncoder();
    backend.submitQueue();
  }
  await backend.device.queue.onSubmittedWorkDone();
}

const upload = ({ shape, read }) => tf.tensor(read(), shape);
const readAll = (tensors) => Promise.all(tensors.map((t) => t.data()));

/** A case that runs `op` on tensors. */
function kernel(inputs, op) {
  return {
    run: () => tf.dispose(tf.tidy(() => op(...inputs))),
    finish,
    async results() {
      const tensors = tf.tidy(() => op(...inputs));
      const values = await readAll(tensors);
      tf.dispose(tensors);
      return values;
    },
    release: () => tf.dispose(inputs),
  };
}

const operations = {
  matmul: (_, { a, b }) => kernel([upload(a), upload(b)], (x, y) => [tf.matMul(x, y)]),
  conv({ conv: { kind, stride, padding } }, { x, w, dy }) {
    const attributes = { strides: [stride, stride], pad: padding, dataFormat: 'NHWC', dimRoundingMode: null };
    const gradient = (name, inputs, more) => [tf.engine().runKernel(name, inputs, { ...attributes, ...more })];
    const ops = {
      forward: (image, filter) => [tf.conv2d(image, filter, stride, padding)],
      dx: (_, filter, grad) => gradient('Conv2DBackpropInput', { dy: grad, filter }, { inputShape: x.shape }),
      dw: (image, _, grad) => gradient('Conv2DBackpropFilter', { x: image, dy: grad }, { filterShape: w.shape }),
    };
    return kernel([upload(x), upload(w), upload(dy)], ops[kind]);
  },
  batchNorm: (_, { x, gamma, beta, dy }) =>
    kernel([x, gamma, beta, dy].map(upload), (image, scale, shift, grad) => {
      let y;
      const forward = (...inputs) => (y = tf.keep(trainedNorm(...inputs)));
      const grads = tf.grads(forward)([image, scale, shift], grad);
      return [y, ...grads];
    }),
  maxPool: (_, { x }) => kernel([upload(x)], (image) => [tf.maxPool(image, 3, 2, 1)]),
  upsample: (_, { x }) =>
    kernel([upload(x)], (image) => [tf.image.resizeNearestNeighbor(image, [2 * x.shape[1], 2 * x.shape[2]])]),
  trainStep(_, operands) {
    const { forward, get, variables, release } = network(operands, true);
    const weights = lossWeights(operands.labels.read());
    const [targets, focal] = [weights.targets, weights.focal].map((values) =>
      tf.tensor(values, [values.length / 2, 2]),
    );
    const boxes = tf.tensor(weights.boxes, [weights.boxes.length, 1]);
    const wanted = upload(operands.deltas);
    const lossOf = () => {
      const [logits, deltas] = forward();
      const entropy = tf.add(
        tf.sub(tf.relu(logits), tf.mul(logits, targets)),
        tf.log1p(tf.exp(tf.neg(tf.abs(logits)))),
      );
      const missed = tf.abs(tf.sub(targets, tf.sigmoid(logits))); // 1 - p of the target.
      const scores = tf.sum(tf.mul(focal, tf.mul(tf.square(missed), entropy)));
      return tf.add(scores, tf.sum(tf.mul(boxes, tf.abs(tf.sub(deltas, wanted)))));
    };
    const optimizer = tf.train.momentum(1e-4, 0.9);
    let probes = null;
    return {
      async run() {
        const loss = optimizer.minimize(lossOf, true, variables);
        const value = await loss.data();
        loss.dispose();
        probes ??= [value, ...(await readAll(PROBED.map(get)))];
      },
      finish,
      results: () => Promise.resolve(probes),
      release,
    };
  },
  detect(_, operands) {
    const { forward, release } = network(operands, false);
    const run = async () => {
      const outputs = tf.tidy(forward);
      const values = await readAll(outputs);
      tf.dispose(outputs);
      return values;
    };
    return { run: async () => void detections(...(await run())), finish, results: run, release };
  },
};

function trainedNorm(x, scale, shift) {
  const { mean, variance } = tf.moments(x, [0, 1, 2]);
  return tf.batchNorm(x, mean, variance, shift, scale, 1e-5);
}

/** The network with the weights given. Running statistics are used but not updated. */
function network(operands, isTraining) {
  const image = tf.tensor(operands.image.read(), [1, ...operands.image.shape]);
  const variables = new Map();
  for (const [name, operand] of Object.entries(operands)) {
    if (!name.includes('.')) continue;
    const value = upload(operand);
    variables.set(name, tf.variable(operand.shape.length === 4 ? tf.transpose(value, [2, 3, 1, 0]) : value));
  }
  const get = (name) => variables.get(name);
  const ops = {
    conv(x, { name, kernel, stride, bias }) {
      const y = tf.conv2d(x, get(`${name}.weight`), stride, (kernel - 1) / 2);
      return bias ? tf.add(y, get(`${name}.bias`)) : y;
    },
    norm(x, name, _, withRelu) {
      const [scale, shift] = [get(`${name}.weight`), get(`${name}.bias`)];
      const y = isTraining
        ? trainedNorm(x, scale, shift)
        : tf.batchNorm(x, get(`${name}.running_mean`), get(`${name}.running_var`), shift, scale, 1e-5);
      return withRelu ? tf.relu(y) : y;
    },
    relu: tf.relu,
    add: tf.add,
    maxPool: (x) => tf.maxPool(x, 3, 2, 1),
    upsample: (x) => tf.image.resizeNearestNeighbor(x, [2 * x.shape[1], 2 * x.shape[2]]),
    perAnchor: (x, size) => tf.reshape(x, [-1, size]),
    concat: (parts) => tf.concat(parts),
    share: (x) => x,
  };
  return {
    forward: () => retinaNet(ops, image),
    get,
    variables: [...variables].filter(([name]) => !name.includes('running_')).map(([, variable]) => variable),
    release: () => tf.dispose([image, ...variables.values()]),
  };
}

await serve({
  versions: { '@tensorflow/tfjs-backend-webgpu': tf.version['tfjs-core'] },
  adapter,
  peakBytes,
  prepare: (task, operands) => operations[task.operation](task, operands),
});
